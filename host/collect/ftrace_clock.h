/* SPDX-License-Identifier: MIT */
/*
 * A guest's trace clocks (local, global, mono, mono_raw, boot, tai, x86-tsc, perf) in its host's time.
 *
 * Best from the events themselves, as they come (ftrace_clock_seen(), clock_sightings.h): this holds for every clock,
 * and whatever delays a vCPU only makes single sightings useless. Where no events come: from the guest's own timekeeper
 * (tk_core, cyc2ns, kvm-clock's and sched_clock's offsets) in its memory. It is updated at a tick; whoever sees it
 * change between two looks knows when that was, and the trace clock's value follows from the guest's own factors, to
 * the length of a tick.
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
 * Looks at the timekeeper if it is time to: if ftrace_clock_seen() had nothing for a while; at most 2 ms of a second are
 * spent here. True: *point was filled; its `tsc` is in units of the trace clock.
 */
bool ftrace_clock_poll(struct ftrace_clock *clock, struct clock_point *point);

/*
 * The newest event of a poll, of time `time`, was not in the ring when we looked at before_ns (CLOCK_MONOTONIC) and was
 * there at after_ns. True: *point was filled; about every second, sooner at the start.
 */
bool ftrace_clock_seen(struct ftrace_clock *clock, uint64_t time, uint64_t before_ns, uint64_t after_ns,
	struct clock_point *point);

/* TSC units per ms as the guest believes, or 1000000 where the trace clock counts ns: for trace_machine_info.tsc_khz. */
uint32_t ftrace_clock_khz(const struct ftrace_clock *clock);
