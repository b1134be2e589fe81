/* SPDX-License-Identifier: MIT */
/* CPU time of the thread that follows a guest, which writes events as fast as it can, or none. */
#include "bench/follow.h"

#define RUNS   3
#define CALLS  "400000" /* of getppid, on each CPU */
#define ROUNDS "1000"   /* of mixed, likewise */

static void show(const struct follow *follow, const struct follow_load *load, const char *cost, double value,
	const char *unit, uint64_t lost)
{
	figures_add(&follow->bench->figures, value, unit, lost, "kernel", follow->kernel_name, "events",
		load->name, "cost", cost, NULL);
}

static double cost(const struct follow_outcome *outcome)
{
	return (double)outcome->follow_ns / (double)(outcome->counts.events ? outcome->counts.events : 1);
}

/* The best of several runs: what else the machine does only ever adds. */
static int measure(struct follow *follow, const struct follow_load *load, struct error *error)
{
	struct follow_outcome best = {0}, outcome;
	uint64_t lost = 0;

	for (unsigned run = 0; run < RUNS; run++) {
		int result = follow_work(follow, load, &outcome, error);

		if (result)
			return result;
		if (!run || cost(&outcome) < cost(&best))
			best = outcome;
		lost += outcome.counts.lost;
	}
	show(follow, load, "the guest's rate", (double)best.written * 1e9 / (double)best.work_ns, "events/s",
		lost);
	show(follow, load, "following", cost(&best), "ns/event", lost);
	return 0;
}

int follow_rate(struct follow *follow, struct error *error)
{
	static const struct follow_load loads[] = {
		{"syscalls", "sched:sched_switch raw_syscalls:*", "sched,syscalls",
			"on_all /bench/busy syscalls " CALLS},
		{"syscalls with arguments", "sched:sched_switch raw_syscalls:*", NULL,
			"on_all /bench/busy syscalls " CALLS},
		{"mixed", FOLLOW_MIXED, "sched,irq,syscalls", "on_all /bench/mixed " ROUNDS},
	};
	static const struct follow_load idle = {"none", "sched:sched_switch raw_syscalls:*", NULL, "sleep 3"};
	struct follow_outcome outcome;
	int result = 0;

	for (size_t i = 0; !result && i < sizeof(loads) / sizeof(loads[0]); i++)
		result = measure(follow, &loads[i], error);
	if (!result)
		result = follow_work(follow, &idle, &outcome, error);
	if (result)
		return result;
	show(follow, &idle, "start", (double)outcome.start_ns / 1e6, "ms", 0);
	show(follow, &idle, "following", (double)outcome.follow_ns * 1e3 / (double)outcome.work_ns, "ms/s",
		0);
	show(follow, &idle, "end", (double)outcome.end_ns / 1e6, "ms", 0);
	return 0;
}
