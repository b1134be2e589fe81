/* SPDX-License-Identifier: MIT */
/* The kernel stack of a task, unwound out of a guest's memory by the guest's own ORC data. */
#pragma once
#include "host/kernel/guest_kernel.h"
#include "host/kernel/module_list.h"
#include "host/kernel/orc.h"
#include "host/kernel/task_list.h"

#define STACK_FRAMES_MAX     64
#define CODE_NAME_BYTES      256
#define STACK_TASK_BYTES_MAX (64u << 10)

enum stack_end {
	STACK_WHOLE,    /* down to where the task came from user space, or was made */
	STACK_RUNNING,  /* it runs, and nobody knows its registers */
	STACK_IN_USER,  /* it runs user code */
	STACK_NONE,     /* it has none any more */
	STACK_NO_DATA,  /* there is no ORC data for the last frame */
	STACK_DAMAGED,  /* it leads nowhere, or changed while we read it */
	STACK_TOO_LONG, /* more than STACK_FRAMES_MAX */
};

const char *stack_end_text(enum stack_end end); /* "" of a whole one */

struct stack_frame {
	uint64_t address;
	bool is_return; /* it is behind a call; else that of an instruction */
};

struct kernel_stack {
	struct stack_frame frames[STACK_FRAMES_MAX]; /* innermost first */
	size_t count;
	enum stack_end end;
};

/* What unwinding needs to know of a kernel. */
struct kernel_unwinder {
	const struct guest_kernel *kernel;
	struct orc_format format;
	struct orc_registers registers;
	struct orc_table orc;
	struct module_list modules;
	uint32_t stack_bytes;                         /* THREAD_SIZE */
	uint32_t frame_bytes, frame_bp, frame_return; /* struct inactive_task_frame */
	uint64_t text, text_end, init, init_end;      /* what `orc` is for */
	uint64_t scheduler, scheduler_end;            /* functions that only switch tasks */
	uint64_t from_fork[2];                        /* where new tasks begin */
};

/* -ENOENT: a kernel without ORC data (it has frame pointers); errors of symbols, types and reading; -ENOMEM. */
int kernel_unwinder_init(
	struct kernel_unwinder *unwinder, const struct guest_kernel *kernel, struct error *error);
void kernel_unwinder_deinit(struct kernel_unwinder *unwinder);
#define cleanup_kernel_unwinder __attribute__((cleanup(kernel_unwinder_deinit)))

/*
 * Of a task that does not run; of one that does only where the memory has the registers of its CPU. What went wrong is
 * in `end`. Errors of reading other than -EFAULT; -ENOMEM.
 */
int kernel_stack_read(
	const struct kernel_unwinder *unwinder, const struct guest_task *task, struct kernel_stack *stack);

/* From registers on, of the task that ran on that CPU. */
int kernel_stack_from(const struct kernel_unwinder *unwinder, const struct guest_task *task,
	const struct guest_registers *registers, struct kernel_stack *stack);

/*
 * Of a task that is in panic(), without its registers: from the place in its stack that panic() returns to. end is
 * STACK_RUNNING where there is none from which the stack unwinds as a whole.
 */
int kernel_stack_of_panic(
	const struct kernel_unwinder *unwinder, const struct guest_task *task, struct kernel_stack *stack);

/* The first function that is not the scheduler's: what the task waits in. NULL: the stack has none. */
const struct stack_frame *kernel_stack_wait(
	const struct kernel_unwinder *unwinder, const struct kernel_stack *stack);

/*
 * "do_sys_poll+0x4f5/0x6b0 [module]"; without offset and size "do_sys_poll". 0xffffffff81234567 where there is no name.
 * Returns the text's length; it is cut to the size.
 */
size_t kernel_code_name(const struct kernel_unwinder *unwinder, const struct stack_frame *frame,
	bool with_offset, char *text, size_t size);
