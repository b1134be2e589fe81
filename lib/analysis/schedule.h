/* SPDX-License-Identifier: MIT */
/*
 * What the scheduler did with tasks and CPUs: time on a CPU, time waiting for one (run-queue latency: from
 * sched_waking or sched_wakeup_new, or from being preempted, to the sched_switch to the task), time off the
 * run queue by reason.
 *
 * Whatever began before a gap of lost events is forgotten: no duration spans a gap. The gap's own time counts
 * as unknown on its CPU.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/analysis/durations.h"
#include "lib/analysis/task_table.h"

/* prev_state of sched_switch, see abi/events.def */
#define SCHEDULE_STATE_PREEMPTED 256u

struct schedule_cpu {
	uint64_t since_ns; /* the running task runs since then, as far as known; 0: not known */
	uint32_t pid;
	uint64_t busy_ns, idle_ns, unknown_ns;
	uint64_t switches;
	uint64_t seen_ns; /* time of its last event; 0: none yet */
	bool unwanted;    /* tasks' run time there does not count; the caller may set it */
};

struct schedule {
	struct task_table *tasks;
	struct schedule_cpu *cpus;
	uint32_t nr_cpus;
	uint32_t generation; /* counts gaps */
	uint64_t switches;
	uint64_t backwards;                /* durations left out because time went back */
	struct durations woken, preempted; /* of wanted tasks */
};

/* `tasks` must live as long. -ENOMEM; good for schedule_deinit() all the same. */
int schedule_init(struct schedule *schedule, struct task_table *tasks, uint32_t nr_cpus);
void schedule_deinit(struct schedule *schedule);

/* All take the CPU the event came from (below nr_cpus) and its time. */

/* Before a CPU's first event: `pid` runs there. */
void schedule_begin(struct schedule *schedule, uint32_t cpu, uint32_t pid, uint64_t now_ns);

/* sched_switch; `wanted`: the user wants to see what happens on this CPU. */
void schedule_switch(struct schedule *schedule, uint32_t cpu, uint32_t prev_pid, uint32_t next_pid,
	uint32_t prev_state, bool wanted, uint64_t now_ns);

/* sched_waking, sched_wakeup_new. */
void schedule_waking(struct schedule *schedule, uint32_t pid, uint64_t now_ns);
void schedule_migrate(struct schedule *schedule, uint32_t pid);

/* Events of this CPU were lost since its last event; now `pid` runs there. */
void schedule_lost(struct schedule *schedule, uint32_t cpu, uint32_t pid, uint64_t now_ns);

/* The trace ends: what still runs has run until now. */
void schedule_finish(struct schedule *schedule, uint64_t now_ns);

/* "S sleep", … */
const char *schedule_reason_name(enum task_reason reason);
