/* SPDX-License-Identifier: MIT */
/* Two clocks compared through shared memory; a thread plays the module, which looks every 10 ms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "host/collect/clock_exchange.h"
#include "lib/base/clock_now.h"

#define TSC_PER_NS 3
#define SHIFT      1000000000000ull /* of the guest's clock */

static struct ht_host host;
static struct ht_region guest;
static struct region region = {.host = &host, .guest = &guest};
static atomic_bool stop;

static uint64_t guest_tsc(void)
{
	return clock_now_ns(CLOCK_MONOTONIC) * TSC_PER_NS + SHIFT;
}

static void answer(uint32_t request)
{
	__atomic_store_n(&guest.clock_tsc, guest_tsc(), __ATOMIC_RELAXED);
	__atomic_store_n(&guest.clock_answer, request, __ATOMIC_RELEASE);
}

static void *play_module(void *context)
{
	const struct timespec pause = {.tv_nsec = 10000000};
	uint32_t answered = 0;

	(void)context;
	while (!atomic_load(&stop)) {
		uint64_t until_ns = clock_now_ns(CLOCK_MONOTONIC) + 200000;

		do {
			uint32_t request = __atomic_load_n(&host.clock_request, __ATOMIC_ACQUIRE);

			if (request == answered)
				continue;
			answer(answered = request);
			until_ns = clock_now_ns(CLOCK_MONOTONIC) + 200000;
		} while (__atomic_load_n(&host.clock_rounds, __ATOMIC_RELAXED) &&
			clock_now_ns(CLOCK_MONOTONIC) < until_ns);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void is_answered(void **state)
{
	struct clock_exchange exchange = {0};
	struct clock_point point = {0};
	pthread_t thread;
	int good = 0;

	(void)state;
	memset(&host, 0, sizeof(host));
	memset(&guest, 0, sizeof(guest));
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&thread, NULL, play_module, NULL), 0);
	for (int i = 0; i < 100 && good < 3; i++) {
		int64_t wrong_ns;

		clock_exchange_hurry(&exchange);
		if (!clock_exchange_poll(&exchange, &region, &point))
			continue; /* a machine that does other things as well */
		good++;
		/* what it says is true: the guest's clock at host_ns, within the bound */
		wrong_ns = (int64_t)((point.tsc - SHIFT) / TSC_PER_NS) - point.host_ns;
		assert_true(
			wrong_ns <= (int64_t)point.bound_ns + 1 && wrong_ns >= -(int64_t)point.bound_ns - 1);
		assert_int_equal(exchange.missed, 0);
		assert_int_equal(host.clock_rounds, 0);
	}
	assert_int_equal(good, 3);
	assert_true(exchange.next_ns > exchange.answered_ns);
	assert_false(clock_exchange_poll(&exchange, &region, &point)); /* not due */
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}

/* A guest that is not there is asked ever more rarely, and never waited for long. */
static void is_not_answered(void **state)
{
	struct clock_exchange exchange = {0};
	struct clock_point point;
	uint64_t before_ns, delay_ns = 0;

	(void)state;
	memset(&host, 0, sizeof(host));
	memset(&guest, 0, sizeof(guest));
	for (unsigned i = 1; i <= 8; i++) {
		uint64_t last_ns = delay_ns;

		clock_exchange_hurry(&exchange);
		before_ns = clock_now_ns(CLOCK_MONOTONIC);
		assert_false(clock_exchange_poll(&exchange, &region, &point));
		assert_true(clock_now_ns(CLOCK_MONOTONIC) - before_ns < 1000000000);
		assert_int_equal(exchange.missed, i);
		delay_ns = exchange.next_ns - before_ns;
		assert_true(delay_ns + 100000000 > last_ns);
		assert_true(delay_ns < 31000000000ull);
	}
	assert_true(delay_ns > 29000000000ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_answered),
		cmocka_unit_test(is_not_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
