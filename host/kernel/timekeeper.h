/* SPDX-License-Identifier: MIT */
/*
 * A guest's clocks at its last tick, out of its memory: tk_core (kernel/time/timekeeping.c) and what sched_clock() adds
 * to the TSC (arch/x86/kernel/tsc.c, kernel/sched/clock.c), of Linux 6.1 to 6.12.
 *
 * The timekeeper is brought up to date at a tick, in whole steps of a tick's length (logarithmic_accumulation()):
 * cycle_last is at most one step before what its clock source counted then, and everything else is of cycle_last. Where the kernel holds the TSC for unstable, sched_clock's own record of a tick is taken.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/kernel/guest_kernel.h"

#define TIMEKEEPER_BYTES_MAX 1024
#define CLOCKSOURCE_NAME     16

struct timekeeper_reading {
	uint64_t cycles;  /* of the clock source; changes at each tick */
	bool is_tsc;      /* the clock source is the TSC */
	uint64_t mono_ns; /* CLOCK_MONOTONIC; raw, boot, real, tai: the others of the same moment */
	uint64_t raw_ns, boot_ns, tai_ns;
	uint64_t step_cycles, step_ns; /* by less than this the tick was later */
	int64_t real_ns;
};

struct timekeeper {
	const struct guest_kernel *kernel;
	uint64_t address;    /* of struct timekeeper; its sequence count is TIMEKEEPER_GAP before */
	uint32_t gap, bytes; /* of the count and the struct */
	struct kernel_field clock, cycle_last, base, xtime_nsec, shift, raw_base, raw_nsec, raw_shift;
	struct kernel_field offs_real, offs_boot, offs_tai, cycle_interval, xtime_interval;
	uint64_t source; /* struct clocksource * as last seen */
	char source_name[CLOCKSOURCE_NAME];
};

/* -EAGAIN: not set up so far; -ENOTSUP: it lies elsewhere in this kernel; errors of types, symbols and reading. */
int timekeeper_init(struct timekeeper *timekeeper, const struct guest_kernel *kernel, struct error *error);

/* Of one moment. -EAGAIN: it is being written; errors of reading. */
int timekeeper_read(struct timekeeper *timekeeper, struct timekeeper_reading *reading);
