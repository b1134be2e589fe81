/* SPDX-License-Identifier: MIT */
/*
 * The programs that ran: one row for every exec, from there to the next exec of the same process or its exit, and for
 * processes that never executed anything from their fork on. Threads and kernel threads are only counted.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/analysis/activity.h"
#include "lib/base/hash_map.h"
#include "lib/model/names.h"

#define BOOT_PROCESSES_MAX   32768
#define BOOT_ACTIVITIES_MAX  2048 /* rows that have one: the first */
#define BOOT_PROCESS_NONE    UINT32_MAX
#define BOOT_PROCESS_KTHREAD 2 /* kthreadd's pid, the parent of all kernel threads */

struct boot_process {
	uint32_t pid, parent_pid;
	char comm[NAMES_COMM_BYTES], parent_comm[NAMES_COMM_BYTES]; /* raw, from the guest */
	uint64_t fork_ns;                                           /* 0: before the trace */
	uint64_t exec_ns;                                           /* 0: it executed nothing */
	uint64_t end_ns;                                            /* 0: it still ran when the trace ended */
	uint64_t run_ns;                                            /* on a CPU, while it was this program */
	bool replaced;                                              /* it ended by executing the next */
	struct activity *activity;                                  /* NULL: none */
};

struct boot_processes {
	struct boot_process *rows; /* by beginning */
	size_t nr_rows, capacity;
	struct hash_map by_pid; /* pid -> row, or BOOT_PROCESS_NONE: it ended, or is none */
	uint64_t forks, execs, exits, threads, kernel_threads;
	uint64_t left_out; /* execs and forks without a row: there were too many */
	uint64_t begin_ns;
	uint32_t nr_activities;
};

void boot_processes_init(struct boot_processes *processes); /* cannot fail */
void boot_processes_deinit(struct boot_processes *processes);

/* Of a task that is forked; `comm` and `parent_comm` are NUL-terminated. */
struct boot_fork {
	uint32_t pid, tgid, parent_pid; /* tgid 0: not known, then it counts as a process */
	const char *comm, *parent_comm;
};
void boot_processes_fork(struct boot_processes *processes, const struct boot_fork *child, uint64_t now_ns);
void boot_processes_exec(struct boot_processes *processes, uint32_t pid, const char *comm, uint64_t now_ns);
/* A process that has executed nothing so far is called so from now on. */
void boot_processes_rename(struct boot_processes *processes, uint32_t pid, const char *comm);
void boot_processes_exit(struct boot_processes *processes, uint32_t pid, uint64_t now_ns);

/* A task was on a CPU from..to. */
void boot_processes_ran(struct boot_processes *processes, uint32_t pid, uint64_t from_ns, uint64_t to_ns);

/* When it began to be what it is called, and when it ended, or `trace_end_ns`. */
static inline uint64_t boot_process_begin_ns(const struct boot_process *process)
{
	return process->exec_ns ? process->exec_ns : process->fork_ns;
}

static inline uint64_t boot_process_life_ns(const struct boot_process *process, uint64_t trace_end_ns)
{
	uint64_t begin_ns = boot_process_begin_ns(process),
		 end_ns = process->end_ns ? process->end_ns : trace_end_ns;

	return end_ns > begin_ns ? end_ns - begin_ns : 0;
}
