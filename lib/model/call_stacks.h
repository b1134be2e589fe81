/* SPDX-License-Identifier: MIT */
/*
 * Which functions the tasks of one machine are in, made from entries and exits. Fed with plain values in the order of
 * time, it tells its listener of each call that begins and ends.
 *
 * A stack is a task's and goes with it from CPU to CPU; the idle tasks, which all have pid 0, have one for each CPU. What
 * an interrupt does stands on top of what it interrupted, as in the kernel.
 *
 * A call lasts on three clocks: time as it passes; the part of it in which its task was on a CPU; and the part of that in
 * which the task's vCPU ran, where a host says so.
 *
 * A gap invents nothing. Where events of a CPU were lost, only a task that was on another CPU before and still is there
 * has no part in it. All others' calls end at the last event of their task (CALL_LOST), and what follows them stands on
 * an unknown frame: function 0. An exit that finds nothing but that is counted, and ends nothing.
 *
 * Hostile input: at most CALL_STACKS_TASKS tasks, CALL_STACKS_DEPTH frames of one, CALL_STACKS_FRAMES of all; what finds no
 * room is counted.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/hash_map.h"

#define CALL_STACKS_TASKS  65536u
#define CALL_STACKS_DEPTH  1024u
#define CALL_STACKS_FRAMES (1u << 20)
#define CALL_DEPTH_UNKNOWN UINT32_MAX

/* How a call ended. */
enum call_end {
	CALL_RETURNED,
	CALL_LOST,   /* events were lost, its exit perhaps among them */
	CALL_EXITED, /* its task ended inside it */
	CALL_OPEN,   /* the trace ended inside it */
	CALL_ENDS,
};

/* Points on the three clocks, or durations. A task's clocks only go forward; their zero has no meaning. */
struct call_times {
	uint64_t wall_ns; /* as the events' stamps */
	uint64_t on_ns;   /* of the task's time on a CPU */
	uint64_t real_ns; /* of that without what its vCPU was kept from running */
};

struct call_frame {
	uint64_t function; /* its address; 0: not known, it was entered before the trace or in a gap */
	struct call_times start;
	struct call_times children; /* durations of the calls that it made, as far as ended */
	uint32_t node, flags;       /* the listener's: of enter() on */
};

struct call_task {
	uint32_t pid, cpu; /* cpu: of its last event */
	uint32_t depth, room;
	struct call_frame *frames; /* the first `depth`, the outermost first */
	uint64_t off_ns;           /* so far, off the CPU */
	uint64_t stolen_ns;     /* its vCPU's, up to its last sched_switch, less what the CPU counted then */
	uint64_t left_ns;       /* off the CPU since then; 0: it is on one, as far as known */
	struct call_times seen; /* its last event */
	uint64_t excess;        /* open calls that found no room, above all frames */
	uint32_t generation;
	bool ended;    /* its last sched_switch said so */
	bool headless; /* what its outermost known function was called by is not known */
};

/* The frame that called, NULL: none. */
static inline struct call_frame *call_frame_caller(const struct call_task *task, struct call_frame *frame)
{
	return frame > task->frames ? frame - 1 : NULL;
}

static inline struct call_times call_times_between(struct call_times from, struct call_times to)
{
	return (struct call_times){
		to.wall_ns - from.wall_ns, to.on_ns - from.on_ns, to.real_ns - from.real_ns};
}

struct call_listener {
	void *context;
	/* the frame is on top of its task's stack, its function known, or 0 */
	void (*enter)(void *context, struct call_task *task, struct call_frame *frame);
	/* the frame still is on top; took: from frame->start on */
	void (*leave)(void *context, struct call_task *task, struct call_frame *frame,
		const struct call_times *took, enum call_end end);
};

struct call_cpu {
	struct call_task *task; /* of its last event; NULL: none yet */
	struct call_task *ending;
	uint64_t since_ns;  /* that task is there since then */
	uint64_t seen_ns;   /* its last event */
	uint64_t stolen_ns; /* as the host says, see call_stacks_stolen() */
	/* the exit of switch_tracer is still to come, behind so many exits of others */
	bool traces_switch;
	uint32_t within_switch;
};

struct call_stacks {
	struct hash_map tasks; /* pid, or the CPU of an idle one -> struct call_task * */
	struct call_cpu *cpus;
	uint32_t nr_cpus;
	struct call_listener listener;
	uint64_t last_ns;
	uint32_t generation; /* counts gaps */
	size_t nr_frames;    /* allocated, of all tasks */
	bool switches;       /* there were some: without any, on_ns is wall_ns */
	/*
	 * The function in which sched_switch is recorded, if that is traced itself; 0: none. The caller may set it. Its exit
	 * follows the record, but is the task's that leaves.
	 */
	uint64_t switch_tracer;
	/* what did not fit */
	uint64_t gaps;
	uint64_t stray_exits;  /* whose entry is not known: it was before the trace or in a gap */
	uint64_t stray_frames; /* that events of outer ones proved to be over */
	uint64_t too_deep;     /* entries without room */
	uint64_t left_out;     /* events of tasks without room */
	uint64_t backwards;    /* events earlier than the one before: taken as of its time */
};

/* CPUs from nr_cpus on are left out. -ENOMEM; good for call_stacks_deinit() all the same. */
int call_stacks_init(struct call_stacks *stacks, uint32_t nr_cpus, const struct call_listener *listener);
void call_stacks_deinit(struct call_stacks *stacks);

/* All take the CPU, the task that runs there as the reader says, and the time: not 0. */

/*
 * A function is entered. `depth`: how many are open below it, as function_graph counts them, or CALL_DEPTH_UNKNOWN: on top
 * of what is open.
 */
void call_stacks_enter(struct call_stacks *stacks, uint32_t cpu, uint32_t pid, uint64_t function,
	uint32_t depth, uint64_t now_ns);

/* The innermost open function is left; or the one at that depth, which is `function`. */
void call_stacks_leave(struct call_stacks *stacks, uint32_t cpu, uint32_t pid, uint64_t function,
	uint32_t depth, uint64_t now_ns);

/* sched_switch from pid to next_pid; ends: pid will never run again. */
void call_stacks_switch(struct call_stacks *stacks, uint32_t cpu, uint32_t pid, uint32_t next_pid, bool ends,
	uint64_t now_ns);

/* A new task has this pid. */
void call_stacks_fork(struct call_stacks *stacks, uint32_t pid);

/* What is open in any task will have no exit: entries and exits are recorded anew, perhaps of other functions. */
void call_stacks_cut(struct call_stacks *stacks);

/* Events of this CPU were lost since its last event. */
void call_stacks_lost(struct call_stacks *stacks, uint32_t cpu, uint64_t now_ns);

/* Before an event of that CPU: for how long in all, until now, its vCPU did not run. Never less than before. */
static inline void call_stacks_stolen(struct call_stacks *stacks, uint32_t cpu, uint64_t stolen_ns)
{
	if (cpu < stacks->nr_cpus)
		stacks->cpus[cpu].stolen_ns = stolen_ns;
}

/* Walks all open calls, a task's from the outermost on, and lets them begin now. */
void call_stacks_restart(struct call_stacks *stacks, uint64_t now_ns,
	void (*each)(void *context, struct call_task *task, struct call_frame *frame));

/* The trace ends: what is open is told as CALL_OPEN. Nothing may follow. */
void call_stacks_finish(struct call_stacks *stacks, uint64_t now_ns);
