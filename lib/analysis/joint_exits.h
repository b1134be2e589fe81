/* SPDX-License-Identifier: MIT */
/*
 * Why vCPUs left their guests, how often, and how long that took: by reason, vCPU, guest instruction, guest task, and
 * hypercall. Fed with a host's events and the vCPUs' intervals of joint.h. A trace with histograms of exits instead of
 * exits fills reasons and vCPUs alike; percentiles are then within a factor of 1.5.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/analysis/capped_table.h"
#include "lib/analysis/joint.h"
#include "lib/base/histogram.h"

#define JOINT_EXITS_REASONS 1024
#define JOINT_EXITS_ROWS    65536

/* Of a reason's key. */
#define JOINT_EXITS_ISA(key)    ((unsigned)((key) >> 32 & 3))
#define JOINT_EXITS_REASON(key) ((uint32_t)(key))
#define JOINT_EXITS_NESTED(key) ((key) >> 34 & 1)

/* In the key of a hypercall's row, its number: it is one of Xen's. */
#define JOINT_EXITS_XEN (1ull << 62)

struct joint_exit_reason {
	uint64_t key;               /* nested << 34 | isa << 32 | reason */
	struct histogram durations; /* ns */
	uint64_t on_ns;             /* of them, on a pCPU */
	uint64_t user, lost_pcpu;   /* exits that went to user space; that lost their pCPU */
	uint64_t max_at_ns;         /* when the longest ended */
	uint32_t max_vcpu;
};

/* Of a vCPU, an instruction, a hypercall. */
struct joint_exit_row {
	uint64_t key; /* joint's number of the vCPU; address; number */
	uint64_t count, total_ns, max_ns, max_at_ns;
	bool user_mode; /* an instruction: of the guest's user space */
};

struct joint_exits {
	struct capped_table reasons;    /* of struct joint_exit_reason */
	struct capped_table vcpus;      /* of struct joint_exit_row */
	struct capped_table hypercalls; /* of struct joint_exit_row */
	/* of struct joint_exit_row; by guest machine, then of unknown guests, then of nested ones */
	struct capped_table *rips;
	uint32_t nr_machines;
	bool tasks_only; /* leave out what no wanted task of a guest did; the caller may set it */
	uint64_t count, total_ns;
	uint64_t headless; /* whose beginning was not seen: counted, without a duration */
};

/* -ENOMEM; good for joint_exits_deinit() all the same. */
int joint_exits_init(struct joint_exits *exits, uint32_t nr_machines);
void joint_exits_deinit(struct joint_exits *exits);

/* vCPUs that are not wanted are left out. */
void joint_exits_event(struct joint_exits *exits, struct joint *joint, uint32_t vcpu,
	const struct vcpu_event *event, uint64_t now_ns);
void joint_exits_interval(
	struct joint_exits *exits, const struct joint *joint, const struct vcpu_interval *interval);
