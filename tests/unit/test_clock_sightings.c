/* SPDX-License-Identifier: MIT */
/* A guest's clock seen through events that are late by anything: how near are the points, and do they own up to it? */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "host/collect/clock_sightings.h"

#define LOOK_NS  1000000
#define START_NS UINT64_C(5000000000000)

static uint64_t random_state = 88172645463325252ull;

static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

/* The guest's clock: `rate` units a ns since START_NS. */
static double host_of(uint64_t time, double rate)
{
	return (double)time / rate;
}

struct outcome {
	unsigned points, wrong;
	uint64_t widest_ns; /* but for the first */
};

/*
 * `seconds` of a guest with an event every `event_ns` or so, looked at every LOOK_NS; of 16 events one is seen late by up
 * to `late_ns` because its vCPU stood still.
 */
static struct outcome run(unsigned seconds, uint64_t event_ns, uint64_t late_ns, double rate)
{
	static struct clock_sightings sightings;
	struct outcome outcome = {0};
	uint64_t event = 0, newest = 0;

	sightings = (struct clock_sightings){.point_ns = START_NS};
	for (uint64_t now = LOOK_NS; now < seconds * UINT64_C(1000000000); now += LOOK_NS) {
		const uint64_t last = newest;
		struct clock_sighting sighting;
		struct clock_point point;

		while (event < now) {
			const uint64_t late = random_below(16) || !late_ns ? 2000 : random_below(late_ns);

			if (event + late < now && event > newest)
				newest = event;
			event += 1 + random_below(2 * event_ns);
		}
		if (newest == last)
			continue;
		sighting = (struct clock_sighting){
			(uint64_t)((double)newest * rate), START_NS + now - LOOK_NS, START_NS + now + 20000};
		if (!clock_sightings_add(&sightings, &sighting, &point))
			continue;
		if (outcome.points++ && point.bound_ns > outcome.widest_ns)
			outcome.widest_ns = point.bound_ns;
		if (llabs(point.host_ns - (int64_t)START_NS - (int64_t)host_of(point.tsc, rate)) >
			(int64_t)point.bound_ns + 30000) /* the looks' own length, and that of an event */
			outcome.wrong++;
	}
	return outcome;
}

static void test_busy(void **state)
{
	static const double rates[] = {1, 1.0002, 0.9995, 2.594};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct outcome quiet = run(10, 20000, 0, rates[i]),
			       noisy = run(10, 20000, 30000000, rates[i]);

		assert_in_range(quiet.points, 10, 13);
		assert_int_equal(quiet.wrong, 0);
		assert_true(quiet.widest_ns < 50000);
		assert_in_range(noisy.points, 10, 13);
		assert_int_equal(noisy.wrong, 0);
		assert_true(noisy.widest_ns < 100000);
	}
}

static void test_rare(void **state)
{
	struct outcome outcome = run(60, 300000000, 0, 1);

	assert_in_range(outcome.points, 4, 12);
	assert_int_equal(outcome.wrong, 0);
	assert_true(outcome.widest_ns < 2 * LOOK_NS);
}

/* Nothing newer says nothing; all at one time is no reason to divide by 0. */
static void test_strange(void **state)
{
	static struct clock_sightings sightings;
	struct clock_sighting sighting = {100, 10, 20};
	struct clock_point point;
	unsigned points = 0;

	assert_true(clock_sightings_add(&sightings, &sighting, &point));
	assert_int_equal(point.tsc, 100);
	assert_in_range(point.host_ns, 10, 20);
	for (int i = 0; i < 10; i++) {
		sighting.after_ns += 1000000000;
		assert_int_equal(clock_sightings_add(&sightings, &sighting, &point), 0);
	}
	/* times and looks that make no sense together */
	for (unsigned i = 0; i < 100000; i++) {
		sighting = (struct clock_sighting){random_below(1u << i % 32) << i % 33,
			random_below(UINT64_MAX), random_below(UINT64_MAX)};
		points += clock_sightings_add(&sightings, &sighting, &point);
	}
	assert_true(points > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_rare),
		cmocka_unit_test(test_strange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
