/* SPDX-License-Identifier: MIT */
/* Facts: kernel/trace/fgraph.c, kernel/trace/rethook.c, arch/x86/kernel/{ftrace_64.S,rethook.c} of Linux 6.1 and 6.12. */
#include "host/kernel/hooked_return.h"

#include <string.h>

#define SHADOW_BYTES 4096u /* SHADOW_STACK_SIZE of 6.12; in 6.1 it is half of that */
#define SHADOW_PART  512u
#define HOOKS_MAX    4 /* of one function */
#define RETHOOKS_MAX 256

static uint64_t read_field(
	const struct guest_kernel *kernel, uint64_t address, const char *type, const char *path)
{
	uint64_t value;

	return address && !guest_kernel_read_field(kernel, address, type, path, &value) ? value : 0;
}

/* task->ret_stack holds struct ftrace_ret_stack, in 6.12 among other words: the one whose retp is the slot. */
static uint64_t graph_return(const struct guest_kernel *kernel, uint64_t task, uint64_t slot)
{
	uint64_t stack = read_field(kernel, task, "task_struct", "ret_stack"), words[SHADOW_PART / 8], value;
	struct kernel_field ret, retp;

	if (!stack || kernel_types_field(&kernel->types, "ftrace_ret_stack", "ret", &ret) ||
		kernel_types_field(&kernel->types, "ftrace_ret_stack", "retp", &retp))
		return 0;
	for (uint64_t part = 0; part < SHADOW_BYTES; part += SHADOW_PART) {
		if (guest_kernel_read(kernel, stack + part, words, sizeof(words)))
			return 0;
		for (size_t i = 0; i < SHADOW_PART / 8; i++)
			if (words[i] == slot &&
				!guest_kernel_read_u64(kernel,
					stack + part + 8 * i - retp.byte_offset + ret.byte_offset, &value))
				return value;
	}
	return 0;
}

/* task->rethooks is a list of struct rethook_node, each with its frame. */
static uint64_t probe_return(const struct guest_kernel *kernel, uint64_t task, uint64_t slot)
{
	uint64_t at = read_field(kernel, task, "task_struct", "rethooks.first");
	struct kernel_field links;

	if (kernel_types_field(&kernel->types, "rethook_node", "llist", &links))
		return 0;
	for (int i = 0; at && i < RETHOOKS_MAX; i++) {
		uint64_t node = at - links.byte_offset;

		if (read_field(kernel, node, "rethook_node", "frame") == slot)
			return read_field(kernel, node, "rethook_node", "ret_addr");
		at = read_field(kernel, node, "rethook_node", "llist.next");
	}
	return 0;
}

void hooked_return(const struct guest_kernel *kernel, uint64_t task, uint64_t slot, uint64_t *ip)
{
	uint64_t graph = guest_kernel_symbol(kernel, "return_to_handler");
	uint64_t probe = guest_kernel_symbol(kernel, "arch_rethook_trampoline");

	for (int hooks = 0; hooks < HOOKS_MAX && *ip; hooks++) {
		uint64_t real = *ip == graph ? graph_return(kernel, task, slot)
			: *ip == probe       ? probe_return(kernel, task, slot)
					     : 0;

		if (!real)
			return;
		*ip = real;
	}
}
