/* SPDX-License-Identifier: MIT */
/*
 * Where vCPUs spent their time: by state; how often and how long they were kept from a pCPU, and by whom; how often they
 * changed their pCPU, and what that cost. Fed with the intervals of joint.h.
 *
 * Stolen time is what the guest's own counters show as steal: the thread could run and had no pCPU (preempted, waiting).
 *
 * The cost of a migration: the time that the thread waited between its last moment on the old pCPU and its first on the new
 * one, and from there until it ran guest code again.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/analysis/capped_table.h"
#include "lib/base/histogram.h"
#include "lib/model/vcpu_model.h"

#define JOINT_STATES_LONGEST  256 /* kept */
#define JOINT_STATES_CULPRITS 16384
#define JOINT_STATES_WAYS     16384

/* One time without a pCPU. */
struct joint_preemption {
	uint32_t vcpu, pcpu;
	bool woken; /* it waited after its waking; else it was preempted */
	uint64_t at_ns, duration_ns;
	struct vcpu_task culprit;
};

/* One pCPU to another, of one vCPU. */
struct joint_way {
	uint64_t key; /* vcpu << 32 | from << 16 | to */
	uint64_t count, waited_ns, max_waited_ns;
	uint64_t entries, entry_ns; /* from the new pCPU to guest code, where that is known */
};

struct joint_culprit {
	uint64_t key; /* host machine << 32 | pid */
	struct vcpu_task task;
	uint64_t count, total_ns, max_ns;
	uint32_t victim; /* the vCPU of the longest */
};

struct joint_vcpu_states {
	uint64_t ns[VCPU_STATES], counts[VCPU_STATES];
	struct histogram preempted, waiting; /* ns */
	uint64_t exits, migrations;
	/* of the migration that may be going on */
	uint32_t pcpu;
	uint64_t waited_ns, entry_ns;
	struct joint_way *way; /* to be ended by guest code; NULL: none */
};

struct joint_states {
	struct joint_vcpu_states **vcpus; /* by joint's number */
	uint32_t nr_vcpus;
	struct joint_preemption longest[JOINT_STATES_LONGEST]; /* the first nr_longest, longest first */
	size_t nr_longest;
	struct capped_table culprits, ways; /* of struct joint_culprit, struct joint_way */
};

/* -ENOMEM; good for joint_states_deinit() all the same. */
int joint_states_init(struct joint_states *states);
void joint_states_deinit(struct joint_states *states);

/* `host`: the vCPU's machine. What finds no memory is left out. */
void joint_states_add(struct joint_states *states, uint32_t host, const struct vcpu_interval *interval);

/* So many exits of that vCPU. */
void joint_states_exits(struct joint_states *states, uint32_t vcpu, uint64_t count);

/* NULL: there was no interval of that vCPU. */
const struct joint_vcpu_states *joint_states_of(const struct joint_states *states, uint32_t vcpu);

static inline uint64_t joint_stolen_ns(const struct joint_vcpu_states *vcpu)
{
	return vcpu->ns[VCPU_PREEMPTED] + vcpu->ns[VCPU_WAITING];
}
