/* SPDX-License-Identifier: MIT */
/*
 * The stack of a task that is in panic(), which never returns, where nobody knows its registers: it has the address
 * behind the call of panic() in it, which is easy to tell, and from there on it unwinds like any other.
 */
#include <string.h>

#include "host/kernel/kernel_stack_unwind.h"

#define CALL_BYTES      5
#define CALL_OPCODE     0xe8  /* call rel32: Intel SDM volume 2 */
#define PANIC_BYTES_MAX 4096u /* of the function */

/* Is this the address behind a call of `function`? */
static bool is_behind_call(const struct guest_kernel *kernel, uint64_t address, uint64_t function)
{
	uint8_t code[CALL_BYTES];
	int32_t distance;

	if (address < kernel->text + CALL_BYTES || address >= kernel->end ||
		guest_kernel_read(kernel, address - CALL_BYTES, code, sizeof(code)) || code[0] != CALL_OPCODE)
		return false;
	memcpy(&distance, code + 1, sizeof(distance));
	return address + (uint64_t)(int64_t)distance == function;
}

/* panic()'s own return address lies below its caller's: the nearest that is in it. */
static void add_panic(struct stack_memory *memory, uint64_t low, uint64_t slot, uint64_t function,
	struct kernel_stack *stack)
{
	uint64_t word;

	while (slot - 8 >= low && !stack_memory_read(memory, slot -= 8, &word)) {
		if (word - function - 1 >= PANIC_BYTES_MAX)
			continue;
		stack->frames[stack->count++] = (struct stack_frame){word, true};
		return;
	}
}

static bool unwind_from(const struct kernel_unwinder *unwinder, struct stack_memory *memory,
	const struct guest_task *task, uint64_t function, uint64_t slot, uint64_t ip,
	struct kernel_stack *stack)
{
	struct orc_frame frame = {.ip = ip, .sp = slot + 8};

	if (stack_memory_read(memory, slot - 8, &frame.bp)) /* what a function pushes first, if it uses it */
		return false;
	*stack = (struct kernel_stack){0};
	add_panic(memory, task->stack, slot, function, stack);
	stack->end = kernel_stack_unwind(unwinder, memory, task, frame, stack);
	return stack->end == STACK_WHOLE;
}

int kernel_stack_of_panic(
	const struct kernel_unwinder *unwinder, const struct guest_task *task, struct kernel_stack *stack)
{
	static const char *const names[] = {"vpanic", "panic"}; /* the first since 6.16 */
	cleanup_stack_memory struct stack_memory memory = {.kernel = unwinder->kernel};
	uint64_t function = 0, high = task->stack + unwinder->stack_bytes;

	for (size_t i = 0; !function && i < sizeof(names) / sizeof(names[0]); i++)
		function = guest_kernel_symbol(unwinder->kernel, names[i]);
	stack_memory_add(&memory, task->stack, high);
	for (uint64_t slot = task->stack + 8; function && memory.count && slot < high; slot += 8) {
		uint64_t word;

		if (!stack_memory_read(&memory, slot, &word) &&
			is_behind_call(unwinder->kernel, word, function) &&
			unwind_from(unwinder, &memory, task, function, slot, word, stack))
			return 0;
	}
	*stack = (struct kernel_stack){.end = STACK_RUNNING};
	return memory.code;
}
