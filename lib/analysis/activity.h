/* SPDX-License-Identifier: MIT */
/*
 * When something was busy: time within equal steps, whose length doubles whenever the time no longer fits. All
 * activities with one beginning and one length of steps can be laid over each other.
 */
#pragma once
#include <stdint.h>

#define ACTIVITY_STEPS      256
#define ACTIVITY_FIRST_STEP (1u << 16) /* ns */

struct activity {
	uint64_t begin_ns, step_ns;
	uint64_t busy_ns[ACTIVITY_STEPS]; /* may exceed the step: several CPUs */
};

static inline void activity_init(struct activity *activity, uint64_t begin_ns)
{
	*activity = (struct activity){.begin_ns = begin_ns, .step_ns = ACTIVITY_FIRST_STEP};
}

/* Busy from..to; what is before the beginning is left out. */
void activity_add(struct activity *activity, uint64_t from_ns, uint64_t to_ns);

/* Busy ns in from..to, as if each step's were spread evenly. */
uint64_t activity_between(const struct activity *activity, uint64_t from_ns, uint64_t to_ns);
