/* SPDX-License-Identifier: MIT */
/*
 * What the host's scheduler did to a thread, by its own account: /proc/PID/task/TID/{stat,schedstat,sched}. Everybody may
 * read these; so it works for every VMM, under KVM and under emulation, with no rights and nothing loaded.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct vcpu_thread {
	pid_t tid;
	int stat_fd, schedstat_fd, sched_fd; /* -1: not there */
};
#define VCPU_THREAD_NONE ((struct vcpu_thread){0, -1, -1, -1})

/* Sums count from the start of the thread. */
struct vcpu_times {
	char state;     /* 'R' runs or waits for a CPU, 'S' and 'D' sleeps, … (proc_pid_stat(5), field 3) */
	uint32_t pcpu;  /* where it runs, or did last (field 39) */
	bool has_times; /* the kernel keeps schedstat (CONFIG_SCHED_INFO) */
	uint64_t run_ns;      /* on a CPU */
	uint64_t wait_ns;     /* on a run queue: it could have run */
	bool has_counts;      /* the kernel has /proc/PID/sched (CONFIG_SCHED_DEBUG) */
	uint64_t preemptions; /* switches that were not its own wish */
	uint64_t migrations;  /* to another CPU */
};

/* `proc_fd`: the directory /proc. -ENOENT, -ESRCH: it has ended; errors of open(). Needs no deinit after an error. */
int vcpu_thread_init(struct vcpu_thread *thread, int proc_fd, pid_t pid, pid_t tid);
void vcpu_thread_deinit(struct vcpu_thread *thread);

/* -ESRCH: it has ended; -EINVAL: the kernel says something else than it should. */
int vcpu_thread_read(const struct vcpu_thread *thread, struct vcpu_times *times);
