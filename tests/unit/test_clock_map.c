/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "lib/clock/clock_map.h"

static uint64_t random_state = 88172645463325252ull;

static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

/* A clock whose rate wanders: ns as a function of TSC, known exactly at the points. */
static size_t wandering(struct clock_point *points, size_t count, uint64_t bound)
{
	uint64_t tsc = 123456789;
	double ns = 5e15;

	for (size_t i = 0; i < count; i++) {
		double rate = 0.4 * (1 + 1e-6 * (double)((int64_t)random_below(100) - 50)); /* ns per unit */
		uint64_t step = 2400000000ull + random_below(200000000);

		tsc += step;
		ns += (double)step * rate;
		points[i] = (struct clock_point){tsc, (int64_t)ns, bound};
		if (bound)
			points[i].host_ns += (int64_t)random_below(2 * bound) - (int64_t)bound;
	}
	return count;
}

static void check_within_bounds(const struct clock_point *points, size_t count)
{
	struct clock_map map;
	struct error error;
	int64_t last = INT64_MIN;

	assert_int_equal(clock_map_init(&map, points, count, 0, &error), 0);
	for (size_t i = 0; i < count; i++) {
		int64_t off = clock_map_to_ns(&map, points[i].tsc) - points[i].host_ns;

		assert_true(llabs(off) <= (int64_t)points[i].bound_ns + 2);
		assert_true(clock_map_error_ns(&map, points[i].tsc) >= points[i].bound_ns);
	}
	/* rises, also across the epochs' ends */
	for (size_t i = 0; i < map.count; i++)
		for (int64_t d = -5; d < 5; d++) {
			int64_t ns = clock_map_to_ns(&map, map.epochs[i].from_tsc + (uint64_t)d);

			assert_true(d == -5 || ns >= last);
			last = ns;
		}
	clock_map_deinit(&map);
}

static void test_points_within_bounds(void **state)
{
	static const uint64_t bounds[] = {0, 1, 100, 5000, 1000000};
	struct clock_point points[500];

	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		check_within_bounds(points, wandering(points, 500, bounds[i]));
}

static void test_a_steady_clock_is_one_epoch(void **state)
{
	struct clock_point points[100];
	struct clock_map map;
	struct error error;

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		points[i] = (struct clock_point){1000 + i * 2500000000ull, (int64_t)(i * 1000000000ull), 50};
	assert_int_equal(clock_map_init(&map, points, 100, 0, &error), 0);
	assert_int_equal(map.count, 1);
	assert_true(clock_map_hz(&map) > 2499999999.0 && clock_map_hz(&map) < 2500000001.0);
	assert_int_equal(clock_map_duration_ns(&map, 5000, 2500), 1000);
	assert_int_equal(clock_map_to_ns(&map, 2500), 600);
	/* an hour after the last point the bound has grown, by the little the rate may be off */
	assert_int_equal(clock_map_error_ns(&map, points[99].tsc), 50);
	assert_in_range(clock_map_error_ns(&map, points[99].tsc + 3600 * 2500000000ull), 51, 5000);
	clock_map_deinit(&map);
}

static void test_both_directions(void **state)
{
	struct clock_point points[50];
	struct clock_map map;
	struct error error;

	(void)state;
	wandering(points, 50, 100);
	assert_int_equal(clock_map_init(&map, points, 50, 0, &error), 0);
	for (int i = 0; i < 100000; i++) {
		int64_t ns = points[0].host_ns - 1000000 + (int64_t)random_below(60000000000ull);
		uint64_t tsc = clock_map_to_tsc(&map, ns);

		assert_true(clock_map_to_ns(&map, tsc) <= ns);
		assert_true(clock_map_to_ns(&map, tsc + 1) > ns);
	}
	assert_int_equal(clock_map_to_tsc(&map, INT64_MIN), 0);
	assert_int_equal(clock_map_to_tsc(&map, INT64_MAX), INT64_MAX);
	clock_map_deinit(&map);
}

static void test_cursor_agrees(void **state)
{
	struct clock_point points[50];
	struct clock_cursor cursor;
	struct clock_map map;
	struct error error;

	(void)state;
	wandering(points, 50, 0);
	assert_int_equal(clock_map_init(&map, points, 50, 0, &error), 0);
	assert_true(map.count > 10);
	cursor = clock_cursor_at(&map);
	for (int i = 0; i < 100000; i++) {
		uint64_t tsc = random_below(150000000000ull);

		assert_int_equal(clock_cursor_ns(&cursor, tsc), clock_map_to_ns(&map, tsc));
	}
	clock_map_deinit(&map);
}

static void test_few_and_bad_points(void **state)
{
	struct clock_point points[4] = {
		{1000, 5000, 10}, {1000, 6000, 10}, {900, 7000, 10}, {2000, 4000, 10}};
	struct clock_map map;
	struct error error;

	(void)state;
	assert_int_equal(clock_map_init(&map, points, 0, 1000000, &error), -EINVAL);
	assert_string_equal(error.text, "clock: never compared with the host's");
	assert_int_equal(clock_map_init(&map, points, 4, 0, &error), -EINVAL);
	assert_string_equal(
		error.text, "clock: compared with the host's only once, and its rate is not known");
	assert_int_equal(clock_map_init(&map, points, 4, 1000000, &error), 0);
	assert_int_equal(clock_map_to_ns(&map, 1500), 5500);
	clock_map_deinit(&map);
	/* the ends of the number range convert to something, without overflow */
	points[1] = (struct clock_point){UINT64_MAX, INT64_MAX, UINT64_MAX};
	assert_int_equal(clock_map_init(&map, points, 2, 0, &error), 0);
	clock_map_to_ns(&map, UINT64_MAX);
	clock_map_error_ns(&map, 0);
	clock_map_to_tsc(&map, INT64_MAX);
	clock_map_deinit(&map);
}

/* KVM's own numbers among exchanges with a guest that hardly ran: the error is theirs, also behind the last one. */
static void test_loose_points(void **state)
{
	struct clock_point points[] = {{900, 3000, 50000}, {1000, 5000, 10}, {1500, 5900, 1000},
		{2000, 6000, 10}, {2500, 6502, 160}, {3000, 7000, 10}, {4000, 9000, 5000}};
	struct clock_map map;
	struct error error;

	(void)state;
	assert_int_equal(clock_map_init(&map, points, 7, 0, &error), 0);
	assert_int_equal(map.count, 1);
	assert_int_equal(clock_map_largest_error_ns(&map), 160); /* 16 times: kept */
	assert_int_equal(clock_map_to_ns(&map, 1500), 5500);
	assert_in_range(clock_map_to_ns(&map, 4000), 7999, 8002);
	clock_map_deinit(&map);
	/* one that is good, alone, says nothing of the others */
	assert_int_equal(clock_map_init(&map, points, 2, 0, &error), 0);
	assert_int_equal(clock_map_largest_error_ns(&map), 50000);
	clock_map_deinit(&map);
	/* of equals all are kept, those of no error too */
	for (int i = 0; i < 7; i++)
		points[i].bound_ns = 0;
	points[2].host_ns = 5800;
	assert_int_equal(clock_map_init(&map, points, 4, 0, &error), 0);
	assert_int_equal(clock_map_to_ns(&map, 1500), 5800);
	clock_map_deinit(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points_within_bounds),
		cmocka_unit_test(test_a_steady_clock_is_one_epoch),
		cmocka_unit_test(test_both_directions),
		cmocka_unit_test(test_cursor_agrees),
		cmocka_unit_test(test_few_and_bad_points),
		cmocka_unit_test(test_loose_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
