/* SPDX-License-Identifier: MIT */
/* One machine's events, in one pass: for verbs whose analysis looks at one machine. */
#pragma once
#include <stdbool.h>
#include "lib/reader/trace_reader.h"
#include "tools/hypertrace/time_range.h"
#include "tools/hypertrace/trace_damage.h"

struct machine_feed {
	/* every event of the range in the order of time, lost ones too; now_ns: Unix time */
	void (*event)(void *context, const struct trace_event *event, uint64_t now_ns);
	void *context;
	/*
	 * Time as the guest's own clock counts it, from the first event on: steady where the host's time is not, because
	 * the guest did not run all the time (TCG on a busy host), or runs by instructions (--icount).
	 */
	bool guest_clock;
	struct trace_damage damage; /* after machine_feed_run() */
};

/* -ENOMEM; -ENOTSUP: guest_clock, and the trace does not say how fast it is. */
int machine_feed_run(struct machine_feed *feed, const struct trace *trace, uint32_t machine,
	const struct time_range *range, struct error *error);

/* 1 + the largest number of a CPU that the machine has a stream of. */
uint32_t machine_feed_cpus(const struct trace *trace, uint32_t machine);
