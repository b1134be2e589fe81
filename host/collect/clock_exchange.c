/* SPDX-License-Identifier: MIT */
#include "host/collect/clock_exchange.h"

#include "host/collect/ring_access.h"
#include "lib/base/clock_now.h"

#define ROUNDS        8
#define INTERVAL_NS   1000000000ull
#define LEARN_NS      30000000ull /* longer than the module's longest period */
#define AHEAD_NS      1000000ull  /* begin to wait so long before the module is expected to look */
#define WAIT_NS       2500000ull
#define ROUND_NS      500000ull /* a vCPU that lost its CPU between two rounds */
#define RETRY_MAX_NS  30000000000ull
#define PERIOD_MIN_NS 5000000ull
#define POOR_RETRY_NS 100000000ull
#define POOR_NS       500000ull /* a bound like this comes from a vCPU that was not running */

/* One question. Returns false when it was not answered within wait_ns. */
static bool ask(struct region *region, uint64_t wait_ns, struct clock_point *point)
{
	struct ht_host *host = region->host;
	const uint32_t request = host->clock_request + 1;
	uint64_t asked_ns = clock_now_ns(CLOCK_MONOTONIC), now_ns = asked_ns;

	/* pairs with the acquire load in the module's answer_clock() */
	__atomic_store_n(&host->clock_request, request, __ATOMIC_RELEASE);
	/* pairs with the module's release store of clock_answer, after clock_tsc */
	while (ring_load32(&region->guest->clock_answer) != request) {
		now_ns = clock_now_ns(CLOCK_MONOTONIC);
		if (now_ns - asked_ns > wait_ns)
			return false;
		__builtin_ia32_pause();
	}
	point->tsc = ring_load64(&region->guest->clock_tsc);
	now_ns = clock_now_ns(CLOCK_MONOTONIC);
	point->bound_ns = (now_ns - asked_ns + 1) / 2;
	point->host_ns = (int64_t)(asked_ns + point->bound_ns);
	return true;
}

/* A series of questions; the first may have to wait for the module to look. */
static bool ask_series(
	struct region *region, uint64_t wait_ns, struct clock_point *best, uint64_t *answered_ns)
{
	struct clock_point point = {0};
	bool answered;

	__atomic_store_n(&region->host->clock_rounds, ROUNDS - 1, __ATOMIC_RELAXED);
	answered = ask(region, wait_ns, best);
	*answered_ns = clock_now_ns(CLOCK_MONOTONIC);
	for (unsigned round = 1; answered && round < ROUNDS; round++) {
		if (!ask(region, ROUND_NS, &point))
			break;
		if (point.bound_ns < best->bound_ns)
			*best = point;
	}
	__atomic_store_n(&region->host->clock_rounds, 0, __ATOMIC_RELAXED);
	return answered;
}

/* When to ask next: a second from now, where the module is expected to look. */
static void plan_next(struct clock_exchange *exchange)
{
	uint64_t periods;

	exchange->next_ns = exchange->answered_ns + INTERVAL_NS;
	if (!exchange->period_ns)
		return;
	periods = (INTERVAL_NS + exchange->period_ns / 2) / exchange->period_ns;
	exchange->next_ns = exchange->answered_ns + periods * exchange->period_ns - AHEAD_NS;
}

static void miss(struct clock_exchange *exchange)
{
	uint64_t delay_ns = INTERVAL_NS << (exchange->missed < 5 ? exchange->missed : 5);

	exchange->missed++;
	exchange->period_ns = 0;
	exchange->next_ns =
		clock_now_ns(CLOCK_MONOTONIC) + (delay_ns < RETRY_MAX_NS ? delay_ns : RETRY_MAX_NS);
}

void clock_exchange_hurry(struct clock_exchange *exchange)
{
	exchange->next_ns = 0;
	exchange->period_ns = 0;
}

bool clock_exchange_poll(struct clock_exchange *exchange, struct region *region, struct clock_point *point)
{
	const bool learning = !exchange->period_ns;
	struct clock_point second;
	uint64_t answered_ns;

	if (clock_now_ns(CLOCK_MONOTONIC) < exchange->next_ns)
		return false;
	if (!ask_series(region, learning ? LEARN_NS : WAIT_NS, point, &answered_ns)) {
		miss(exchange);
		return false;
	}
	exchange->missed = 0;
	exchange->answered_ns = answered_ns;
	/* A second series right behind the first is answered at the module's next look: that is its period. */
	if (learning && ask_series(region, LEARN_NS, &second, &answered_ns)) {
		if (second.bound_ns < point->bound_ns)
			*point = second;
		if (answered_ns - exchange->answered_ns > PERIOD_MIN_NS)
			exchange->period_ns = answered_ns - exchange->answered_ns;
		exchange->answered_ns = answered_ns;
	}
	plan_next(exchange);
	if (point->bound_ns > POOR_NS) {
		exchange->next_ns = exchange->answered_ns + POOR_RETRY_NS;
		if (exchange->had_good)
			return false;
	}
	exchange->had_good |= point->bound_ns <= POOR_NS;
	return true;
}
