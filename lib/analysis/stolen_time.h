/* SPDX-License-Identifier: MIT */
/*
 * For how long the vCPUs of one guest had no pCPU until any moment: the sum of the intervals of vcpu_model.h in which their
 * thread is known to be off. Filled first, in the order of each CPU's time, then asked, too.
 *
 * At most STOLEN_INTERVALS are kept of all CPUs; from the first one without room on nothing is known (`full`).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/model/vcpu_model.h"

#define STOLEN_INTERVALS (4u << 20)

struct stolen_interval {
	uint64_t from_ns, to_ns;
	uint64_t before_ns; /* of the intervals before it */
};

struct stolen_cpu {
	struct stolen_interval *intervals;
	size_t count, room;
	size_t at; /* the first that is not over, at the time asked last */
};

struct stolen_time {
	struct stolen_cpu *cpus;
	uint32_t nr_cpus;
	size_t count;
	bool full; /* or no memory */
	bool any;  /* there were intervals, of whatever state: the host says something */
};

/* -ENOMEM; good for stolen_time_deinit() all the same. */
int stolen_time_init(struct stolen_time *stolen, uint32_t nr_cpus);
void stolen_time_deinit(struct stolen_time *stolen);

/* An interval of the guest's vCPU of that number. */
void stolen_time_add(struct stolen_time *stolen, uint32_t cpu, const struct vcpu_interval *interval);

/* In all until now_ns, which is never before that of the call before of the same CPU. */
uint64_t stolen_time_until(struct stolen_time *stolen, uint32_t cpu, uint64_t now_ns);
