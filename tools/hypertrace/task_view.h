/* SPDX-License-Identifier: MIT */
/* The tasks of a guest as `hypertrace ps` shows them. */
#pragma once
#include <stdio.h>
#include "host/kernel/kernel_stack.h"
#include "host/kernel/panic_state.h"
#include "host/kernel/task_list.h"

struct task_view {
	const struct guest_kernel *kernel;
	struct task_list list;
	const struct guest_task **shown; /* of `list` */
	size_t nr_shown;
	struct kernel_unwinder unwinder;
	struct panic_state panic;
	char *words; /* of --task */
	bool has_stacks, threads, stacks, colour;
};

/* Is the process that a thread belongs to among what is shown so far? */
bool task_view_has_leader(const struct task_view *view, const struct guest_task *task);

/* Of a task that panicked without its registers being known too. 0: *stack was filled; errors of reading. */
int task_view_stack(const struct task_view *view, const struct guest_task *task, struct kernel_stack *stack);

/* Errors of reading a guest that has ended meanwhile; -ENOMEM. */
int task_view_text(const struct task_view *view, FILE *out, struct error *error);
int task_view_json(const struct task_view *view, FILE *out, struct error *error);
