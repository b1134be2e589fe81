// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries and exits by the kernel's function graph, the cheapest way for many functions. It is not exported: its
 * address is found by its name, and used only where an indirect call may go there.
 */
#include <linux/kprobes.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <asm/cpufeature.h>
#include <asm/tsc.h>
#include "compat/compat.h"
#include "functions.h"

#ifdef CONFIG_FUNCTION_GRAPH_TRACER

static u32 depth_limit;
static bool filtered;
static DEFINE_PER_CPU(u64, overruns);
static u64 min_ns; /* it has times of its own, in ns */
static struct ht_function_set *set; /* NULL: all, or the kernel knows */

static int (*register_graph)(struct fgraph_ops *);
static void (*unregister_graph)(struct fgraph_ops *);

static __always_inline int begin_call(const struct ftrace_graph_ent *call, bool plain)
{
	int wanted = 1;

	if (!static_branch_likely(&ht_functions_on))
		return 0;
	if (!plain && set && !ht_function_set_has(set, call->func))
		return 0;
	preempt_disable_notrace();
	if (!plain && ((depth_limit && call->depth >= depth_limit) || (filtered && !ht_function_passes(true))))
		wanted = 0;
	else if (plain || !min_ns)
		ht_function_record_entry(call->func);
	preempt_enable_notrace();
	return wanted;
}

static __always_inline void finish_call(const struct ftrace_graph_ret *call, bool plain)
{
	if (!static_branch_likely(&ht_function_exits_on))
		return;
	preempt_disable_notrace();
	if (unlikely(atomic_read(&current->trace_overrun))) /* calls deeper than the kernel has room for */
		this_cpu_add(overruns, atomic_xchg(&current->trace_overrun, 0));
	if (plain || !min_ns)
		ht_function_record_exit();
	else if (compat_graph_duration(call) >= min_ns)
		ht_function_record_span(call->func,
					mul_u64_u64_div_u64(compat_graph_duration(call), tsc_khz, 1000000));
	preempt_enable_notrace();
}

static int notrace entry(struct ftrace_graph_ent *call COMPAT_GRAPH_OPS)
{
	return begin_call(call, false);
}

static int notrace entry_plain(struct ftrace_graph_ent *call COMPAT_GRAPH_OPS)
{
	return begin_call(call, true);
}

static void notrace exit(struct ftrace_graph_ret *call COMPAT_GRAPH_OPS)
{
	finish_call(call, false);
}

static void notrace exit_plain(struct ftrace_graph_ret *call COMPAT_GRAPH_OPS)
{
	finish_call(call, true);
}

static struct fgraph_ops ops;

/* With IBT an indirect call must land on an ENDBR, and the kernel takes those away that it does not need itself. */
static bool may_be_called(unsigned long address)
{
	static const u8 endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };

	return address && (!IS_ENABLED(CONFIG_X86_KERNEL_IBT) || !boot_cpu_has(X86_FEATURE_IBT) ||
			   !memcmp((void *)address, endbr, sizeof(endbr)));
}

static int resolve(const struct ht_functions *functions)
{
	const unsigned long registers = ht_function_address("register_ftrace_graph"),
			    unregisters = ht_function_address("unregister_ftrace_graph");

	if (!may_be_called(registers) || !may_be_called(unregisters)) {
		snprintf(functions->message, functions->size, "functions: %s: try --probe return",
			 registers && unregisters ? "this CPU's indirect branch tracking forbids to call the function graph" :
						    "this kernel has no function graph");
		return -EOPNOTSUPP;
	}
	register_graph = (void *)registers;
	unregister_graph = (void *)unregisters;
	return 0;
}

static int choose(const struct ht_functions *functions)
{
#if COMPAT_GRAPH_HAS_FILTER
	return ht_functions_filter(&ops.ops, functions);
#else
	/* it would follow the filter of the guest's own ftrace */
	if (!strcmp(functions->patterns, "*\n") && !functions->nr_dropped)
		return 0;
	set = ht_function_set_new(functions);
	if (!IS_ERR(set))
		return 0;
	return PTR_ERR(set);
#endif
}

static void stop(void)
{
	unregister_graph(&ops);
	synchronize_rcu_tasks_rude(); /* nobody is in entry() or exit() any more */
#if COMPAT_GRAPH_HAS_FILTER
	ftrace_free_filter(&ops.ops);
#endif
	ht_function_set_free(set);
	set = NULL;
}

static int start(const struct ht_functions *functions)
{
	bool plain;
	int err = resolve(functions);

	if (err)
		return err;
	memset(&ops, 0, sizeof(ops));
	depth_limit = functions->depth;
	filtered = functions->filtered;
	min_ns = mul_u64_u64_div_u64(functions->min_tsc, 1000000, tsc_khz);
	err = choose(functions);
	if (err) {
		set = NULL;
		return err;
	}
	plain = !set && !depth_limit && !filtered && !min_ns;
	ops.entryfunc = plain ? entry_plain : entry;
	ops.retfunc = plain ? exit_plain : exit;
	err = register_graph(&ops);
	if (!err)
		return 0;
	if (err == -EBUSY)
		snprintf(functions->message, functions->size,
			 "functions: the function graph is in use by the guest's own ftrace");
	ht_function_set_free(set);
	set = NULL;
	return err;
}

static u64 missed(unsigned int cause)
{
	u64 sum = 0;
	int cpu;

	if (cause != HT_MISSED_RETURN)
		return 0;
	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(overruns, cpu));
	return sum;
}

#else

#define missed NULL

static int start(const struct ht_functions *functions)
{
	snprintf(functions->message, functions->size, "functions: this kernel has no function graph: try --probe return");
	return -EOPNOTSUPP;
}

static void stop(void)
{
}

#endif

const struct ht_function_way ht_function_graph = { .start = start, .stop = stop, .missed = missed };
