/* SPDX-License-Identifier: MIT */
#include "host/collect/hypercall_clock.h"

#define WINDOW_NS  100000000ll
#define RATE_NS    10000000ll  /* apart enough to tell a rate from two stamps */
#define LONGEST_NS 100000000ll /* a call that took longer tells nothing */
#define NS_PER_MS  1000000u

void hypercall_clock_init(struct hypercall_clock *clock, uint64_t khz)
{
	*clock = (struct hypercall_clock){.believed_khz = khz, .best_wide = UINT64_MAX};
}

uint64_t hypercall_clock_khz(const struct hypercall_clock *clock)
{
	const int64_t ns = clock->last.host_ns - clock->first.host_ns;

	/* a guest may say anything: what is not plausible is not believed */
	if (ns < RATE_NS || clock->last.tsc <= clock->first.tsc)
		return clock->believed_khz;
	return (uint64_t)((unsigned __int128)(clock->last.tsc - clock->first.tsc) * NS_PER_MS / (uint64_t)ns);
}

/* The pair of the FLUSH before and its return. */
static void judge(
	struct hypercall_clock *clock, const struct hypercall_flushed *flushed, uint64_t returned_tsc)
{
	const uint64_t wide = returned_tsc - flushed->tsc, khz = hypercall_clock_khz(clock);
	uint64_t bound_ns;

	if (!flushed->tsc || flushed->host_ns <= clock->given_ns || returned_tsc < flushed->tsc ||
		wide >= clock->best_wide || !khz)
		return;
	bound_ns = (uint64_t)((unsigned __int128)(wide + 1) / 2 * NS_PER_MS / khz) + 1;
	if (bound_ns > LONGEST_NS)
		return;
	clock->best_wide = wide;
	clock->best = (struct clock_point){
		.tsc = flushed->tsc + wide / 2, .host_ns = flushed->host_ns, .bound_ns = bound_ns};
}

bool hypercall_clock_rest(struct hypercall_clock *clock, struct clock_point *point)
{
	if (clock->best_wide == UINT64_MAX)
		return false;
	*point = clock->best;
	clock->given_ns = clock->best.host_ns;
	clock->best_wide = UINT64_MAX;
	return true;
}

bool hypercall_clock_flush(struct hypercall_clock *clock, struct hypercall_flushed *flushed, uint64_t tsc,
	int64_t host_ns, uint64_t returned_tsc, struct clock_point *point)
{
	bool due = false;

	if (!clock->first.tsc) {
		clock->first = (struct hypercall_flushed){tsc, host_ns};
		clock->window_ns = host_ns;
	}
	if (returned_tsc)
		judge(clock, flushed, returned_tsc);
	*flushed = clock->last = (struct hypercall_flushed){tsc, host_ns};
	if (host_ns - clock->window_ns >= WINDOW_NS) {
		clock->window_ns = host_ns;
		due = hypercall_clock_rest(clock, point);
	}
	return due;
}

bool hypercall_clock_tsc(const struct hypercall_clock *clock, int64_t host_ns, uint64_t *tsc)
{
	const uint64_t khz = hypercall_clock_khz(clock);
	const int64_t ns = host_ns - clock->last.host_ns;
	__int128 units = (__int128)ns * (__int128)khz / NS_PER_MS;

	if (!clock->last.tsc || !khz)
		return false;
	*tsc = clock->last.tsc + (uint64_t)units;
	return true;
}
