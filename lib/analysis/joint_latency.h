/* SPDX-License-Identifier: MIT */
/*
 * Guests' wake-ups, from sched_waking to the sched_switch to the task, and whose part of it was what: while the task waits,
 * the vCPU that it comes to run on is in one state after the other, and each state is somebody's.
 *
 *   guest's scheduler   the vCPU runs guest code: other tasks of the guest, its interrupts, the scheduler itself
 *   hypervisor          the vCPU is in an exit, in its VMM, or halted and being woken
 *   host                the vCPU's thread could run and has no pCPU
 *   not known           its state is not known
 *
 * The parts' sum is the latency. Fed with the guests' events and the vCPUs' intervals of joint.h. A wake-up is looked at when
 * the vCPU's intervals are certain until its end: JOINT_LATENCY_PENDING wait for that, and JOINT_LATENCY_HISTORY intervals
 * are kept of a vCPU; what is older is not known.
 */
#pragma once
#include <stdint.h>
#include "lib/analysis/joint.h"
#include "lib/base/histogram.h"

#define JOINT_LATENCY_WORST   256
#define JOINT_LATENCY_HISTORY 8192 /* a power of two, as the next */
#define JOINT_LATENCY_PENDING 1024

enum joint_latency_part {
	JOINT_PART_GUEST,
	JOINT_PART_HYPERVISOR,
	JOINT_PART_HOST,
	JOINT_PART_UNKNOWN,
	JOINT_PARTS,
};

/* "guest", "hypervisor", … as in JSON. */
const char *joint_latency_part_name(enum joint_latency_part part);

struct joint_wakeup {
	uint64_t woken_ns, run_ns;
	uint64_t parts_ns[JOINT_PARTS];
	uint32_t machine, cpu, waking_cpu;
	uint32_t vcpu; /* JOINT_NONE: no host says anything of it */
	struct task *task;
	struct vcpu_task culprit; /* of the longest time without a pCPU; pid 0: none */
	uint64_t culprit_ns;
};

/* Of one guest. */
struct joint_latency_guest {
	struct histogram total, parts[JOINT_PARTS]; /* ns; each part of every wake-up, also where it is 0 */
};

struct joint_latency_vcpu; /* joint_latency.c */

struct joint_latency {
	struct joint_latency_guest **guests; /* by machine; NULL: no wake-up */
	uint32_t nr_machines;
	struct joint_latency_vcpu **vcpus;
	uint32_t nr_vcpus;
	struct joint_wakeup worst[JOINT_LATENCY_WORST]; /* the first nr_worst, worst first */
	size_t nr_worst;
	int sort; /* by what `worst` is chosen: enum joint_latency_part, or -1 for the whole; the caller may set it */
	uint32_t gap;      /* counts gaps of guests' events: a wake-up does not span one */
	uint64_t count;    /* wake-ups of wanted tasks */
	uint64_t left_out; /* that were too many to wait */
};

/* -ENOMEM; good for joint_latency_deinit() all the same. */
int joint_latency_init(struct joint_latency *latency, uint32_t nr_machines);
void joint_latency_deinit(struct joint_latency *latency);

/* What finds no memory is left out. */
void joint_latency_event(
	struct joint_latency *latency, struct joint *joint, const struct joint_guest_event *event);
void joint_latency_interval(struct joint_latency *latency, const struct vcpu_interval *interval);
