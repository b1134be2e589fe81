/* SPDX-License-Identifier: MIT */
/*
 * A guest's trace clocks (local, global, mono, mono_raw, boot, tai, x86-tsc, perf, uptime) in its host's time, from
 * the guest's own timekeeper (tk_core, cyc2ns, kvm-clock's and sched_clock's offsets) in its memory.
 *
 * The timekeeper is updated at a tick: its cycle_last is the guest's TSC at that moment. Whoever sees it change between
 * two looks knows when that was, to the time between the looks; the trace clock's value at that TSC follows from the
 * guest's own factors. Looks are dense only shortly before a tick is due.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/kernel/guest_kernel.h"
#include "lib/base/clock_point.h"

struct ftrace_clock;

/* The guest's time, all of one moment. */
struct ftrace_clock_reading {
	uint64_t tsc;          /* cycle_last of the clock source; only meaningful if it is the TSC */
	uint64_t trace;        /* in units of the trace clock */
	uint64_t mono_ns;      /* the guest's CLOCK_MONOTONIC */
	int64_t realtime_ns;   /* its CLOCK_REALTIME, as it believes */
	uint64_t error_ns;     /* how far `trace` may be off (an unstable TSC, a formula that is only near) */
};

/*
 * `trace_clock`: the name, as ftrace_buffer_clock() says. -ENOTSUP: a clock that is no time (counter) or that cannot be
 * calculated here; then ftrace_clock_seen() is the only source. errors of symbols, types and reading; -ENOMEM.
 */
int ftrace_clock_create(struct ftrace_clock **clock, const struct guest_kernel *kernel, const char *trace_clock,
	struct error *error);
void ftrace_clock_destroy(struct ftrace_clock *clock);

/* Reads the timekeeper once (by its sequence count, so of one moment). -EAGAIN: it is being written all the time. */
int ftrace_clock_read(struct ftrace_clock *clock, struct ftrace_clock_reading *reading);

/*
 * Looks if it is time to (a point about every second, denser at the start; at most 2 ms of a second are spent here).
 * True: *point was filled; its `tsc` is in units of the trace clock.
 */
bool ftrace_clock_poll(struct ftrace_clock *clock, struct clock_point *point);

/*
 * The other source, good for every clock: an event of time `time` was not in the ring when we looked at before_ns
 * (CLOCK_MONOTONIC) and was there at after_ns. True: *point was filled, better than what is known so far.
 */
bool ftrace_clock_seen(struct ftrace_clock *clock, uint64_t time, uint64_t before_ns, uint64_t after_ns,
	struct clock_point *point);

/* TSC units per ms as the guest believes, or 1000000 where the trace clock counts ns: for trace_machine_info.tsc_khz. */
uint32_t ftrace_clock_khz(const struct ftrace_clock *clock);
