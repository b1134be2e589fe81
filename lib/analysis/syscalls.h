/* SPDX-License-Identifier: MIT */
/* System calls, by number, and if wanted by task and number: how often, how long, how many failed and why. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/analysis/capped_table.h"
#include "lib/analysis/durations.h"
#include "lib/analysis/task_table.h"

#define SYSCALL_ERRNOS     6
#define SYSCALL_LIMIT      1024  /* rows by number: the kernel has 463 in each of its two tables */
#define SYSCALL_TASK_LIMIT 65536 /* rows by task and number */

struct syscall_errno {
	uint32_t number; /* 2: ENOENT */
	uint64_t count;
};

struct syscall_row {
	uint64_t key; /* the number, with SYSCALL_COMPAT of lib/model/syscall_names.h */
	uint64_t exits, errors;
	uint64_t off_cpu_ns;        /* of the durations' time, as far as the trace holds sched_switch */
	uint64_t unfinished;        /* at the end of the trace */
	struct durations durations; /* of exits whose entry is known */
	struct syscall_errno errnos[SYSCALL_ERRNOS]; /* the first ones met */
};

struct syscall_task_row {
	uint64_t key; /* pid << 16 | number */
	uint64_t exits, errors, total_ns, max_ns, timed;
	struct task *task;
};

struct syscalls {
	struct task_table *tasks;
	struct capped_table rows;    /* of struct syscall_row */
	struct capped_table by_task; /* of struct syscall_task_row; empty unless with_tasks */
	bool with_tasks;
	uint32_t generation; /* counts gaps */
	uint64_t min_ns;     /* shorter calls are left out; the caller may set it */
	uint64_t unmatched;  /* exits without an entry; without a number, too, they are in no row */
	uint64_t backwards;
};

/* `tasks` must live as long. -ENOMEM; good for syscalls_deinit() all the same. */
int syscalls_init(struct syscalls *syscalls, struct task_table *tasks, bool with_tasks);
void syscalls_deinit(struct syscalls *syscalls);

/* `nr` of an exit: that of the enter before, or SYSCALL_NONE, which also stands for it. */
void syscalls_enter(struct syscalls *syscalls, struct task *task, uint16_t nr, uint64_t now_ns);
void syscalls_exit(struct syscalls *syscalls, struct task *task, uint32_t cpu, uint16_t nr, int64_t ret,
	bool wanted, uint64_t now_ns);

/* A `span` event: entry and exit in one. */
void syscalls_span(struct syscalls *syscalls, struct task *task, uint32_t cpu, uint16_t nr, int64_t ret,
	bool wanted, uint64_t duration_ns, uint64_t now_ns);

/* Events were lost on some CPU: what began before may have ended and begun again. */
void syscalls_lost(struct syscalls *syscalls);

/* The trace ends: counts the calls that have not returned. */
void syscalls_finish(struct syscalls *syscalls);

/* The errno met most often, or NULL: no errors. */
const struct syscall_errno *syscall_row_errno(const struct syscall_row *row);

/* "ENOENT", also the kernel's own ones such as "ERESTARTSYS"; NULL: none. */
const char *syscall_errno_name(uint32_t number);
