/* SPDX-License-Identifier: MIT */
/*
 * One CPU of a buffer: the ring it writes to, and the spare one that a snapshot puts in its place
 * (CONFIG_TRACER_MAX_TRACE). Each is followed in its own count, so that nothing is lost or taken twice when they are
 * exchanged.
 */
#pragma once
#include "host/collect/ftrace_ring.h"

struct ftrace_cpu {
	struct ftrace_ring rings[2];
	bool is_started[2], was_live[2];
	unsigned live;
	struct ftrace_counts past; /* of rings that are gone */
	uint64_t reset_epoch;      /* the buffer's time_start when the live ring was last seen to be reset */
	uint64_t pages;            /* of the live ring; 0: not known */
};

/* The spare ring, when following begins; before that, none. Passing errors are not told: it is looked at later. */
void ftrace_cpu_set_spare(struct ftrace_cpu *cpu, const struct ftrace_ring *ring);

/*
 * This ring (as ftrace_ring_init() makes it) is the one that is written to now. What is left of the one before is
 * handed over. *exchanged: it was another. Errors of ftrace_ring_poll().
 */
int ftrace_cpu_set_live(struct ftrace_cpu *cpu, const struct ftrace_ring *ring, bool whole, bool *exchanged);

/* As ftrace_ring_poll(), for the live one. */
int ftrace_cpu_poll(struct ftrace_cpu *cpu, uint32_t *filled, bool *was_reset);

/* The sums. */
void ftrace_cpu_counts(const struct ftrace_cpu *cpu, struct ftrace_counts *counts);

static inline struct ftrace_ring *ftrace_cpu_live(struct ftrace_cpu *cpu)
{
	return cpu->rings[cpu->live].address ? &cpu->rings[cpu->live] : NULL;
}

/* Nothing to do for ftrace_cpu_set_live()? */
static inline bool ftrace_cpu_is_live(const struct ftrace_cpu *cpu, uint64_t address)
{
	return cpu->is_started[cpu->live] && cpu->rings[cpu->live].address == address;
}
