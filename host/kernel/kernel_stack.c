/* SPDX-License-Identifier: MIT */
/* Facts: arch/x86/kernel/unwind_orc.c, arch/x86/include/asm/{switch_to,page_64_types}.h of Linux 6.1 and 6.12. */
#include "host/kernel/kernel_stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/kernel/hooked_return.h"
#include "host/kernel/stack_memory.h"
#include "host/kernel/kernel_stack_unwind.h"

#define THREAD_BYTES 16384u
#define TRIES        3 /* of a stack that is used meanwhile */

/* --- what unwinding needs --- */

/* THREAD_SIZE is a constant, but the linker leaves room for one stack: that of the first task. */
static uint32_t find_stack_bytes(const struct guest_kernel *kernel)
{
	static const char *const names[][2] = {
		{"__start_init_stack", "__end_init_stack"}, /* since 6.10 */
		{"__start_init_task", "__end_init_task"},
	};

	for (size_t i = 0; i < 2; i++) {
		uint64_t begin = guest_kernel_symbol(kernel, names[i][0]);
		uint64_t bytes = guest_kernel_symbol(kernel, names[i][1]) - begin;

		if (begin && bytes >= 8192 && bytes <= STACK_TASK_BYTES_MAX && !(bytes & (bytes - 1)))
			return (uint32_t)bytes;
	}
	return THREAD_BYTES;
}

static int find_frame(struct kernel_unwinder *unwinder, const struct kernel_types *types, struct error *error)
{
	struct kernel_field field;
	int code = kernel_types_need(types, "inactive_task_frame", "bp", &field, error);

	if (code)
		return code;
	unwinder->frame_bp = field.byte_offset;
	code = kernel_types_need(types, "inactive_task_frame", "ret_addr", &field, error);
	unwinder->frame_return = field.byte_offset;
	unwinder->frame_bytes = kernel_types_size(types, "inactive_task_frame");
	return code;
}

static int read_orc(struct kernel_unwinder *unwinder, struct error *error)
{
	const struct guest_kernel *kernel = unwinder->kernel;
	uint64_t ips, ips_end, entries;
	int code = guest_kernel_need_symbol(kernel, "__start_orc_unwind_ip", &ips, error);

	if (!code)
		code = guest_kernel_need_symbol(kernel, "__stop_orc_unwind_ip", &ips_end, error);
	if (!code)
		code = guest_kernel_need_symbol(kernel, "__start_orc_unwind", &entries, error);
	if (code)
		return code;
	code = orc_table_init(
		&unwinder->orc, kernel, &unwinder->format, ips, entries, (ips_end - ips) / sizeof(int32_t));
	return code
		? error_set(error, code, "the ORC data of kernel %s: %s", kernel->release, strerror(-code))
		: 0;
}

static void find_places(struct kernel_unwinder *unwinder)
{
	const struct guest_kernel *kernel = unwinder->kernel;

	unwinder->text = guest_kernel_symbol(kernel, "_stext");
	unwinder->text_end = guest_kernel_symbol(kernel, "_etext");
	unwinder->init = guest_kernel_symbol(kernel, "_sinittext");
	unwinder->init_end = guest_kernel_symbol(kernel, "_einittext");
	unwinder->scheduler = guest_kernel_symbol(kernel, "__sched_text_start");
	unwinder->scheduler_end = guest_kernel_symbol(kernel, "__sched_text_end");
	unwinder->from_fork[0] = guest_kernel_symbol(kernel, "ret_from_fork_asm"); /* since 6.6 */
	unwinder->from_fork[1] = guest_kernel_symbol(kernel, "ret_from_fork");
	unwinder->stack_bytes = find_stack_bytes(kernel);
}

int kernel_unwinder_init(
	struct kernel_unwinder *unwinder, const struct guest_kernel *kernel, struct error *error)
{
	int code;

	*unwinder = (struct kernel_unwinder){.kernel = kernel};
	code = orc_format_init(&unwinder->format, &kernel->types, error);
	if (!code)
		code = orc_registers_init(&unwinder->registers, &kernel->types, error);
	if (!code)
		code = find_frame(unwinder, &kernel->types, error);
	if (!code)
		code = read_orc(unwinder, error);
	if (!code) {
		find_places(unwinder);
		code = module_list_init(&unwinder->modules, kernel, error);
		if (code == -ENOENT) /* a kernel without modules */
			code = 0;
	}
	if (code) {
		kernel_unwinder_deinit(unwinder);
		return error_add(error, "cannot unwind the guest's stacks");
	}
	return 0;
}

void kernel_unwinder_deinit(struct kernel_unwinder *unwinder)
{
	orc_table_deinit(&unwinder->orc);
	module_list_deinit(&unwinder->modules);
	*unwinder = (struct kernel_unwinder){0};
}

const char *stack_end_text(enum stack_end end)
{
	static const char *const texts[] = {
		[STACK_WHOLE] = "",
		[STACK_RUNNING] = "running",
		[STACK_IN_USER] = "running in user mode",
		[STACK_NONE] = "no stack: it has exited",
		[STACK_NO_DATA] = "... no unwind data from here on",
		[STACK_DAMAGED] = "... cannot be unwound from here on",
		[STACK_TOO_LONG] = "... and more",
	};

	return end <= STACK_TOO_LONG ? texts[end] : "";
}

/* --- unwinding --- */

static const void *find_entry(const struct kernel_unwinder *unwinder, uint64_t ip)
{
	const struct orc_table *table = NULL;
	struct guest_module *module;

	if (ip - unwinder->text < unwinder->text_end - unwinder->text ||
		ip - unwinder->init < unwinder->init_end - unwinder->init)
		table = &unwinder->orc;
	else if ((module = module_list_find(&unwinder->modules, ip)))
		table = module_list_orc(&unwinder->modules, module, &unwinder->format);
	return table ? orc_table_find(table, &unwinder->format, ip) : NULL;
}

static enum stack_end end_of(int code)
{
	return code == -ENODATA ? STACK_WHOLE : code == -ENOENT ? STACK_NO_DATA : STACK_DAMAGED;
}

/* All frames from `frame` on. */
enum stack_end kernel_stack_unwind(const struct kernel_unwinder *unwinder, struct stack_memory *memory,
	const struct guest_task *task, struct orc_frame frame, struct kernel_stack *stack)
{
	const struct orc_memory words = {stack_memory_read, memory};

	for (;;) {
		const void *bytes;
		struct orc_entry entry;
		uint64_t sp = frame.sp;
		int code;

		if (frame.regs && frame.user_cs & 3)
			return STACK_WHOLE;
		if (stack->count == STACK_FRAMES_MAX)
			return STACK_TOO_LONG;
		stack->frames[stack->count++] = (struct stack_frame){frame.ip, !frame.signal};
		bytes = find_entry(unwinder, frame.signal ? frame.ip : frame.ip - 1);
		if (!bytes)
			return STACK_NO_DATA;
		entry = orc_decode(&unwinder->format, bytes);
		code = orc_step(&entry, &unwinder->registers, &words, &frame);
		if (code)
			return end_of(code);
		if (frame.return_slot)
			hooked_return(unwinder->kernel, task->address, frame.return_slot, &frame.ip);
		if (frame.sp <= sp && stack_memory_same(memory, frame.sp, sp))
			return STACK_DAMAGED; /* it must shrink */
	}
}

/* --- tasks that sleep --- */

static int first_frame(const struct kernel_unwinder *unwinder, struct stack_memory *memory, uint64_t sp,
	struct orc_frame *frame)
{
	*frame = (struct orc_frame){.sp = sp + unwinder->frame_bytes};
	if (stack_memory_read(memory, sp + unwinder->frame_bp, &frame->bp) ||
		stack_memory_read(memory, sp + unwinder->frame_return, &frame->ip))
		return -EFAULT;
	frame->signal =
		frame->ip && (frame->ip == unwinder->from_fork[0] || frame->ip == unwinder->from_fork[1]);
	return 0;
}

/* Where a task left its stack, and whether it runs: a live guest's list may be older. */
static int read_sp(
	const struct kernel_unwinder *unwinder, const struct guest_task *task, uint64_t *sp, bool *on_cpu)
{
	uint64_t value;
	int code = guest_kernel_read_field(unwinder->kernel, task->address, "task_struct", "thread.sp", sp);

	if (!code)
		code = guest_kernel_read_field(
			unwinder->kernel, task->address, "task_struct", "on_cpu", &value);
	*on_cpu = !code && value;
	return code;
}

static int read_sleeping(
	const struct kernel_unwinder *unwinder, const struct guest_task *task, struct kernel_stack *stack)
{
	for (int try = 0; try < TRIES; try++) {
		cleanup_stack_memory struct stack_memory memory = {.kernel = unwinder->kernel};
		struct orc_frame frame;
		uint64_t sp, later;
		bool on_cpu;
		int code = read_sp(unwinder, task, &sp, &on_cpu);

		if (code)
			return code;
		*stack = (struct kernel_stack){.end = STACK_RUNNING};
		if (on_cpu)
			return 0;
		stack_memory_add(&memory, task->stack, task->stack + unwinder->stack_bytes);
		stack->end = STACK_DAMAGED;
		if (!first_frame(unwinder, &memory, sp, &frame))
			stack->end = kernel_stack_unwind(unwinder, &memory, task, frame, stack);
		if (memory.code)
			return memory.code;
		code = read_sp(unwinder, task, &later, &on_cpu);
		if (code)
			return code;
		if (later == sp && !on_cpu)
			return 0;
	}
	*stack = (struct kernel_stack){.end = STACK_RUNNING}; /* it sleeps for moments only */
	return 0;
}

/* --- tasks that run --- */

/* The stack for interrupts of a CPU: its pointer is to the last word. */
static void add_interrupt_stack(
	const struct kernel_unwinder *unwinder, struct stack_memory *memory, uint32_t cpu)
{
	uint64_t address, top;
	int code = guest_kernel_per_cpu(unwinder->kernel, "pcpu_hot", cpu, &address); /* 6.2 to 6.14 */

	if (!code)
		code = guest_kernel_read_field(
			unwinder->kernel, address, "pcpu_hot", "hardirq_stack_ptr", &top);
	else {
		code = guest_kernel_per_cpu(unwinder->kernel, "hardirq_stack_ptr", cpu, &address);
		if (!code)
			code = guest_kernel_read_u64(unwinder->kernel, address, &top);
	}
	if (!code && top)
		stack_memory_add(memory, top + 8 - THREAD_BYTES, top + 8);
}

int kernel_stack_from(const struct kernel_unwinder *unwinder, const struct guest_task *task,
	const struct guest_registers *registers, struct kernel_stack *stack)
{
	cleanup_stack_memory struct stack_memory memory = {.kernel = unwinder->kernel};
	const struct orc_frame frame = {
		.ip = registers->rip, .sp = registers->rsp, .bp = registers->rbp, .signal = true};

	*stack = (struct kernel_stack){.end = STACK_IN_USER};
	if (registers->rip >> 63 == 0)
		return 0;
	stack_memory_add(&memory, task->stack, task->stack + unwinder->stack_bytes);
	add_interrupt_stack(unwinder, &memory, task->cpu);
	/* else that of an exception: it ends at a page that is not there */
	stack_memory_add(&memory, registers->rsp & ~UINT64_C(7), (registers->rsp | 4095) + 1);
	stack->end = kernel_stack_unwind(unwinder, &memory, task, frame, stack);
	return memory.code;
}

int kernel_stack_read(
	const struct kernel_unwinder *unwinder, const struct guest_task *task, struct kernel_stack *stack)
{
	const struct guest_memory *memory = unwinder->kernel->memory;

	*stack = (struct kernel_stack){.end = STACK_NONE};
	if (!task->stack)
		return 0;
	if (!task->on_cpu)
		return read_sleeping(unwinder, task, stack);
	if (task->cpu < memory->nr_registers)
		return kernel_stack_from(unwinder, task, &memory->registers[task->cpu], stack);
	stack->end = STACK_RUNNING;
	return 0;
}

const struct stack_frame *kernel_stack_wait(
	const struct kernel_unwinder *unwinder, const struct kernel_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		if (stack->frames[i].address - unwinder->scheduler >=
			unwinder->scheduler_end - unwinder->scheduler)
			return &stack->frames[i];
	return NULL;
}
