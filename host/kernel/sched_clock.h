/* SPDX-License-Identifier: MIT */
/* How a guest's sched_clock() comes from its TSC, and what it noted at its last tick, out of its memory. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/kernel/guest_kernel.h"

struct sched_clock {
	const struct guest_kernel *kernel;
	uint64_t cyc2ns, offset_symbol, stable_key; /* addresses; 0: not there */
	struct kernel_field mul, shift, offset;     /* of struct cyc2ns_data */
	uint32_t cyc2ns_bytes;
	struct kernel_field tick_raw, tick_gtod, clock; /* of struct sched_clock_data */
	uint64_t data[8];                               /* of the first CPUs; 0: none */
	unsigned nr_data;
};

/* At a tick of a kernel that holds its TSC for unstable. */
struct sched_clock_tick {
	uint64_t raw_ns;  /* what the TSC said, as ns */
	uint64_t mono_ns; /* the timekeeper's */
	uint64_t local_ns; /* what local_clock() gave last */
};

/* Errors of symbols, types and reading. */
int sched_clock_init(struct sched_clock *clock, const struct guest_kernel *kernel, struct error *error);

/* Is the TSC stable, as the kernel thinks now? */
bool sched_clock_is_stable(const struct sched_clock *clock);

/* ns of a TSC value as native_sched_clock() makes them, and back. -EAGAIN: not calibrated so far; errors of reading. */
int sched_clock_from_tsc(const struct sched_clock *clock, uint64_t tsc, uint64_t *ns);
int sched_clock_to_tsc(const struct sched_clock *clock, uint64_t ns, uint64_t *tsc);

/* __sched_clock_offset: what a stable local_clock() adds. 0 where it cannot be read. */
uint64_t sched_clock_offset(const struct sched_clock *clock);

/* The latest tick of any of the first CPUs. -EAGAIN: none so far. */
int sched_clock_last_tick(const struct sched_clock *clock, struct sched_clock_tick *tick);

/* TSC units per ms, as calibrated; 0: not so far. */
uint32_t sched_clock_tsc_khz(const struct sched_clock *clock);
