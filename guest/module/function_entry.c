// SPDX-License-Identifier: GPL-2.0-only
/*
 * Function entries by ftrace: 7 or 8 bytes each. Ops of a module have a trampoline of their own, so the kernel calls this
 * directly. Nothing here or in the ring's fast path can be traced, so it needs no guard against recursion; what the slow
 * path calls finds the ring busy, and is counted there.
 */
#include "functions.h"

static void notrace entry(unsigned long ip, unsigned long parent, struct ftrace_ops *ops, struct ftrace_regs *regs)
{
	if (!static_branch_likely(&ht_functions_on))
		return;
	preempt_disable_notrace();
	ht_function_record_entry(ip);
	preempt_enable_notrace();
}

static void notrace entry_filtered(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
				   struct ftrace_regs *regs)
{
	if (!static_branch_likely(&ht_functions_on))
		return;
	preempt_disable_notrace();
	if (ht_function_passes(true))
		ht_function_record_entry(ip);
	preempt_enable_notrace();
}

static struct ftrace_ops ops;

static int start(const struct ht_functions *functions)
{
	int err;

	memset(&ops, 0, sizeof(ops)); /* what ftrace_free_filter() leaves of it points nowhere */
	ops.func = functions->filtered ? entry_filtered : entry;
	err = ht_functions_filter(&ops, functions);
	if (!err)
		err = register_ftrace_function(&ops);
	if (err)
		ftrace_free_filter(&ops);
	return err;
}

static void stop(void)
{
	unregister_ftrace_function(&ops);
	ftrace_free_filter(&ops);
}

static void drop(const struct ht_functions *functions, u32 from)
{
	ht_functions_drop(&ops, functions, from);
}

const struct ht_function_way ht_function_entry = { .start = start, .stop = stop, .drop = drop };
