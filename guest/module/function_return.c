// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries and exits by the kernel's return hooks. These are not exported for themselves, but every kretprobe brings a pool of
 * them, and its pre_handler hooks the return of whatever function it is called for. So a few kretprobes whose own probe
 * point is never armed serve any number of functions, which ftrace brings: nothing is registered for each, as kretprobes
 * would want, and a call costs less than by an fprobe. The unwinder knows these hooks, and a task that ends gives its back.
 */
#include <linux/kprobes.h>
#include "compat/compat.h"
#include "functions.h"

#define POOLS 4
#define ROOM  4096 /* calls that are open at the same time, of all tasks, to a pool: the most that a kretprobe may have */

/* What the entry handler is given for registers: neither it nor the hook looks at any but these two. */
struct call {
	struct pt_regs regs; /* ip, sp */
	bool hooked;
};

struct open_call {
	u64 begin_tsc;
	unsigned long ip;
};

static struct kretprobe pools[POOLS];
static u32 nr_pools;
static u32 depth_limit;
static u64 min_tsc;

static DEFINE_PER_CPU(u64 [HT_MISSED_CAUSES], missed_calls);

/* How many calls of the task's are open that return through a hook: at least `limit`? */
static __always_inline bool is_deep(u32 limit)
{
	const struct llist_node *node = READ_ONCE(current->rethooks.first);
	u32 depth = 0;

	while (node && depth < limit) {
		node = READ_ONCE(node->next);
		depth++;
	}
	return depth >= limit;
}

/* No hook is left, or RCU does not watch, as in an idle CPU: there is none then. */
static noinline void hook_elsewhere(struct call *call)
{
	u32 i;

	for (i = 1; i < nr_pools && !call->hooked; i++)
		pools[i].kp.pre_handler(&pools[i].kp, &call->regs);
	if (!call->hooked)
		this_cpu_inc(missed_calls[rcu_is_watching() ? HT_MISSED_RETURN : HT_MISSED_IDLE]);
}

static __always_inline void hook(unsigned long ip, struct ftrace_regs *regs)
{
	struct call call; /* not initialised: most of it is never looked at */

	call.regs.ip = ip;
	call.regs.sp = compat_ftrace_regs_sp(regs);
	call.hooked = false;
	pools[0].kp.pre_handler(&pools[0].kp, &call.regs);
	if (unlikely(!call.hooked))
		hook_elsewhere(&call);
}

static void notrace entry(unsigned long ip, unsigned long parent, struct ftrace_ops *unused, struct ftrace_regs *regs)
{
	if (!static_branch_likely(&ht_functions_on))
		return;
	preempt_disable_notrace();
	hook(ip, regs);
	preempt_enable_notrace();
}

static void notrace entry_filtered(unsigned long ip, unsigned long parent, struct ftrace_ops *unused,
				   struct ftrace_regs *regs)
{
	if (!static_branch_likely(&ht_functions_on))
		return;
	preempt_disable_notrace();
	if (!(depth_limit && is_deep(depth_limit)) && ht_function_passes(true))
		hook(ip, regs);
	preempt_enable_notrace();
}

/* Called with a hook that was free: the exit will come. */
static int notrace begin_call(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	container_of(regs, struct call, regs)->hooked = true;
	ht_function_record_entry(regs->ip);
	return 0;
}

static int notrace finish_call(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	if (static_branch_likely(&ht_function_exits_on))
		ht_function_record_exit();
	return 0;
}

static int notrace begin_timed_call(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct open_call *open = (struct open_call *)instance->data;

	container_of(regs, struct call, regs)->hooked = true;
	open->ip = regs->ip;
	open->begin_tsc = rdtsc();
	return 0;
}

static int notrace finish_timed_call(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	const struct open_call *open = (const struct open_call *)instance->data;
	u64 duration = rdtsc() - open->begin_tsc;

	if (duration >= min_tsc && static_branch_likely(&ht_function_exits_on))
		ht_function_record_span(open->ip, duration);
	return 0;
}

static struct ftrace_ops ops;

static void unregister_pools(void)
{
	while (nr_pools)
		unregister_kretprobe(&pools[--nr_pools]);
}

/* The probe points stay disarmed: any function would do. */
static int register_pools(void)
{
	static const struct kretprobe plain = { .entry_handler = begin_call, .handler = finish_call };
	static const struct kretprobe timed = { .entry_handler = begin_timed_call, .handler = finish_timed_call,
						.data_size = sizeof(struct open_call) };

	for (nr_pools = 0; nr_pools < POOLS; nr_pools++) {
		struct kretprobe *pool = &pools[nr_pools];
		int err;

		*pool = min_tsc ? timed : plain;
		pool->maxactive = ROOM;
		pool->kp.symbol_name = "kernel_halt";
		pool->kp.flags = KPROBE_FLAG_DISABLED;
		err = register_kretprobe(pool);
		if (err) {
			unregister_pools();
			return err;
		}
	}
	return 0;
}

/* What a hooked return runs through itself. */
static void leave_hooks_out(void)
{
	static const char *const parts[] = { "*kretprobe*", "*rethook*", "kprobe_*", "objpool_*" };
	char pattern[16];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		strscpy(pattern, parts[i], sizeof(pattern));
		ftrace_set_notrace(&ops, pattern, strlen(pattern), 0); /* not every kernel has them */
	}
}

static int start(const struct ht_functions *functions)
{
	int err;

	depth_limit = functions->depth;
	min_tsc = functions->min_tsc;
	memset(&ops, 0, sizeof(ops)); /* what ftrace_free_filter() leaves of it points nowhere */
	ops.func = functions->filtered || depth_limit ? entry_filtered : entry;
	err = register_pools();
	if (err) {
		snprintf(functions->message, functions->size,
			 "functions: no return hooks in this kernel (%d): try --probe entry or fgraph", err);
		return err;
	}
	err = ht_functions_filter(&ops, functions);
	if (!err) {
		leave_hooks_out();
		err = register_ftrace_function(&ops);
	}
	if (err) {
		ftrace_free_filter(&ops);
		unregister_pools();
	}
	return err;
}

/* Of a call that is open, the hook goes when it returns; its exit is not recorded. */
static void stop(void)
{
	unregister_ftrace_function(&ops);
	ftrace_free_filter(&ops);
	unregister_pools();
}

static u64 missed(unsigned int cause)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(missed_calls[cause], cpu));
	return sum;
}

static void drop(const struct ht_functions *functions, u32 from)
{
	ht_functions_drop(&ops, functions, from);
}

const struct ht_function_way ht_function_return = { start, stop, missed, drop };
