/* SPDX-License-Identifier: MIT */
/*
 * The tasks of one machine that events speak of. Every analysis keeps its part of a task's state in its row,
 * so that an event needs one look-up. A pid that is used again is a new row. Hostile traces: at most
 * TASK_TABLE_LIMIT rows, then all new tasks share the row `others`, for which only plain counts have a
 * meaning.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/model/names.h"
#include "lib/model/vcpu_model.h"

#define TASK_TABLE_PIDS  (1u << 22) /* PID_MAX_LIMIT of the kernel */
#define TASK_TABLE_LIMIT 65536u

enum task_state {
	TASK_UNKNOWN, /* not seen yet, or events were lost since */
	TASK_RUNNING,
	TASK_WOKEN,     /* waits for a CPU */
	TASK_PREEMPTED, /* waits for a CPU, though it would have gone on */
	TASK_BLOCKED,   /* off the run queue, see `reason` */
	TASK_DEAD,
};

/* Why a task was off the run queue. */
enum task_reason {
	TASK_SLEEP,   /* S */
	TASK_DISK,    /* D */
	TASK_IDLE,    /* I: D that does not count as load */
	TASK_STOPPED, /* T, t */
	TASK_PARKED,  /* P and whatever else */
	TASK_REASONS,
};

struct task_wait {
	uint64_t count, total_ns, max_ns, max_at_ns;
};

struct task {
	uint32_t pid, tgid; /* tgid 0: not known */
	char comm[NAMES_COMM_BYTES];
	bool wanted; /* by the user's filter */
	bool forked; /* in this trace */
	bool exited;
	uint64_t events;

	/* schedule.c */
	uint8_t state, reason; /* enum task_state, enum task_reason */
	uint32_t generation;   /* of the schedule when `state` was set */
	uint64_t since_ns;     /* of `state` */
	uint64_t woken_while_running_ns;
	uint64_t run_ns, away_ns; /* away: between leaving a CPU and coming back */
	uint64_t left_ns;         /* when it left a CPU; 0: not known */
	uint64_t switches, preemptions, wakeups, migrations;
	struct task_wait woken, preempted, blocked[TASK_REASONS];

	/* syscalls.c */
	bool called; /* entered or left a system call in this trace */
	uint64_t call_since_ns, call_away_ns, calls;
	uint32_t call_generation;
	uint16_t call_nr;

	/* faults.c */
	uint64_t faults_user, faults_kernel;

	/* joint_tasks.c: while it was scheduled in, by its vCPU's state */
	uint64_t vcpu_ns[VCPU_STATES];

	/* joint_exits.c: of its vCPU, while it was scheduled in */
	struct task_wait exits;

	/* joint_latency.c */
	uint64_t woken_ns; /* it waits to run since then; 0: it does not, or that is not known */
	uint32_t woken_gap;
	uint32_t woken_by_cpu;
	bool is_queued;   /* preempted: no waking makes it runnable */
	bool woken_early; /* woken_ns is when it left its CPU: it was woken before, perhaps not from that sleep */
	uint64_t woken_parts_ns[4]; /* enum joint_latency_part */
};

/* Whether the user wants to see a task; NULL: all. `comm` is NUL-terminated, "": not known. */
typedef bool task_wanted_fn(const void *context, uint32_t pid, const char *comm);

struct task_table {
	uint32_t *by_pid;   /* row + 1; mostly untouched, so mostly not there */
	struct task **rows; /* TASK_TABLE_LIMIT places, the first nr_rows filled */
	uint32_t nr_rows;
	struct task others;
	uint64_t others_made; /* how many tasks share it */
	const struct names *names;
	task_wanted_fn *wanted;
	const void *wanted_context;
};

/* `names` may be NULL, else it must live as long. -ENOMEM; good for task_table_deinit() all the same. */
int task_table_init(struct task_table *table, const struct names *names, task_wanted_fn *wanted,
	const void *wanted_context);
void task_table_deinit(struct task_table *table);

struct task *task_table_add(struct task_table *table, uint32_t pid);

/* The task that has this pid now, made if it is new. Never NULL. */
static inline struct task *task_table_at(struct task_table *table, uint32_t pid)
{
	uint32_t row = pid < TASK_TABLE_PIDS ? table->by_pid[pid] : 0;

	return __builtin_expect(row != 0, 1) ? table->rows[row - 1] : task_table_add(table, pid);
}

static inline bool task_is_known(const struct task_table *table, const struct task *task)
{
	return task != &table->others;
}

/* A fork: a task of that name begins, and the one that had the pid before is history. `comm`: 16 bytes. */
struct task *task_table_fork(struct task_table *table, uint32_t pid, uint32_t tgid, const uint8_t comm[16]);

/* The task goes on with a new name; after an exec it is alone in its process. */
void task_table_rename(struct task_table *table, uint32_t pid, const uint8_t comm[16]);
void task_table_exec(struct task_table *table, uint32_t pid, const uint8_t comm[16]);

void task_table_exit(struct task_table *table, uint32_t pid);

/*
 * All rows but `others`, in the order of `compare` (elements: const struct task *); heap. NULL: none, or no
 * memory.
 */
const struct task **task_table_sorted(
	const struct task_table *table, int (*compare)(const void *, const void *));
