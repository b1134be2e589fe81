/* SPDX-License-Identifier: MIT */
/* What kernel_stack*.c share. */
#pragma once
#include "host/kernel/kernel_stack.h"
#include "host/kernel/stack_memory.h"

/* All frames from `frame` on, behind those that *stack has. */
enum stack_end kernel_stack_unwind(const struct kernel_unwinder *unwinder, struct stack_memory *memory,
	const struct guest_task *task, struct orc_frame frame, struct kernel_stack *stack);
