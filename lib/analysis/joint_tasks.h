/* SPDX-License-Identifier: MIT */
/*
 * What guests' tasks got of the time that their kernel gave them: whether a task really ran while it was scheduled in, or
 * its vCPU was in an exit, preempted, … meanwhile. Fed with the guests' events and the vCPUs' intervals of joint.h; the
 * result is task.vcpu_ns[] in the guest's task table, by the vCPU's state.
 *
 * Intervals come when they are certain, so who ran on a vCPU is kept until then: JOINT_TASKS_TURNS changes at most, then
 * the oldest are forgotten and counted.
 */
#pragma once
#include <stdint.h>
#include "lib/analysis/joint.h"

#define JOINT_TASKS_TURNS 16384 /* a power of two */

/* From then on that task is scheduled in. */
struct joint_turn {
	uint64_t from_ns;
	struct task *task; /* NULL: not known */
};

struct joint_turns; /* joint_tasks.c */

struct joint_tasks {
	struct joint_turns **vcpus; /* by joint's number */
	uint32_t nr_vcpus;
	uint64_t forgotten; /* turns */
};

void joint_tasks_deinit(struct joint_tasks *tasks);

/* Any event of a guest. Starts as { 0 }. What finds no memory is left out. */
void joint_tasks_event(struct joint_tasks *tasks, struct joint *joint, const struct joint_guest_event *event);
void joint_tasks_interval(struct joint_tasks *tasks, const struct vcpu_interval *interval);
