/* SPDX-License-Identifier: MIT */
/* All tasks of a guest's kernel, threads and idle tasks too, out of its memory; also while it runs. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/kernel/guest_kernel.h"

#define TASKS_MAX       (1u << 20)
#define TASK_COMM_BYTES 17

struct guest_task {
	uint64_t address; /* of its struct task_struct */
	int32_t pid, tgid, ppid;
	char comm[TASK_COMM_BYTES]; /* raw */
	uint32_t state, exit_state; /* TASK_*, EXIT_* */
	bool on_cpu;                /* runs at this moment */
	bool is_idle;               /* the idle task of `cpu` */
	bool has_mm;                /* has user memory: neither a kernel thread nor dead */
	uint32_t cpu;               /* where it runs or ran last */
	uint32_t flags;             /* PF_* */
	uint64_t stack, sp;         /* kernel stack: its lowest address, and where it was left */
	uint64_t start_ns;          /* since the boot, without suspends */
	uint64_t user_ns, system_ns, runtime_ns;
	uint64_t voluntary, involuntary; /* switches */
	int32_t priority;                /* the kernel's: 0 to 99 real-time, 100 to 139 */
};

#define GUEST_TASK_KTHREAD 0x00200000u /* PF_KTHREAD */

static inline bool guest_task_is_kernel(const struct guest_task *task)
{
	return task->flags & GUEST_TASK_KTHREAD || task->is_idle;
}

/* "RSDTtXZPI", as /proc/PID/stat has it. */
char guest_task_state(const struct guest_task *task);

struct task_list {
	struct guest_task *items; /* idle tasks by CPU, then by pid; a process before its other threads */
	size_t count;
	bool is_whole; /* else the guest changed it each time we walked it, and some may be missing */
};

/* Errors of symbols, types and reading; -EINVAL: damaged; -ENOMEM. */
int task_list_read(struct task_list *list, const struct guest_kernel *kernel, struct error *error);
void task_list_deinit(struct task_list *list);
#define cleanup_task_list __attribute__((cleanup(task_list_deinit)))

/* The task that a CPU's run queue says is running. NULL: none that is in the list. */
const struct guest_task *task_list_running(
	const struct task_list *list, const struct guest_kernel *kernel, uint32_t cpu);
