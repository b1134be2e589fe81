// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries and exits by what the kernel has for modules: one fprobe where there is CONFIG_FPROBE, else a kretprobe for each
 * function, whose registration takes so long that there is a limit to them. Both find room to remember the return
 * before they call us, so an entry is only recorded if its exit will be, and they count what they found no room for.
 */
#include <linux/kprobes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "compat/compat.h"
#include "functions.h"

static u32 depth_limit;
static bool filtered;
static u64 min_tsc;

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

/* Of a call. *begin: for finish(), unless true is returned: there is nothing to record at its exit. */
static __always_inline bool begin_call(unsigned long ip, u64 *begin)
{
	if (!static_branch_likely(&ht_functions_on))
		return true;
	if (unlikely(depth_limit) && is_deep(depth_limit))
		return true;
	if (unlikely(filtered) && !ht_function_passes(true))
		return true;
	if (unlikely(min_tsc))
		*begin = rdtsc();
	else
		ht_function_record_entry(ip);
	return false;
}

static __always_inline void finish_call(unsigned long ip, const u64 *begin)
{
	u64 duration;

	if (!static_branch_likely(&ht_functions_on))
		return;
	if (likely(!min_tsc)) {
		ht_function_record_exit();
		return;
	}
	duration = rdtsc() - *begin;
	if (duration >= min_tsc)
		ht_function_record_span(ip, duration);
}

static void take_wishes(const struct ht_functions *functions)
{
	depth_limit = functions->depth;
	filtered = functions->filtered;
	min_tsc = functions->min_tsc;
}

#ifdef CONFIG_FPROBE

#include <linux/fprobe.h>

#define ROOM 16384 /* calls that are open at the same time, of all tasks */

static int notrace entry(struct fprobe *unused, unsigned long ip, unsigned long ret_ip, struct pt_regs *regs, void *data)
{
	return begin_call(ip, data);
}

static void notrace exit(struct fprobe *unused, unsigned long ip, unsigned long ret_ip, struct pt_regs *regs, void *data)
{
	finish_call(ip, data);
}

static struct fprobe probe;

static int start(const struct ht_functions *functions)
{
	const char *last = NULL;
	int err;

	take_wishes(functions);
	probe = (struct fprobe){
		.entry_handler = entry, .exit_handler = exit, .nr_maxactive = ROOM,
		.entry_data_size = functions->min_tsc ? sizeof(u64) : 0,
	};
	err = ht_functions_filter(&probe.ops, functions, &last);
	/* adds to what the filter has: it insists on a pattern */
	if (!err)
		err = register_fprobe(&probe, last, NULL);
	if (err)
		ftrace_free_filter(&probe.ops);
	kfree(last);
	return err;
}

static void stop(void)
{
	unregister_fprobe(&probe);
	ftrace_free_filter(&probe.ops);
}

static u64 missed(void)
{
	return READ_ONCE(probe.nmissed);
}

#else /* kretprobes */

#define FUNCTIONS_MAX 1000
#define ROOM          64 /* calls of a function that are open at the same time */

static int notrace entry(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	return begin_call((unsigned long)get_kretprobe(instance)->kp.addr, (u64 *)instance->data);
}

static int notrace exit(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	finish_call((unsigned long)get_kretprobe(instance)->kp.addr, (u64 *)instance->data);
	return 0;
}

static struct kretprobe **probes;
static u32 nr_probes;

static void stop(void)
{
	u32 i;

	if (nr_probes)
		unregister_kretprobes(probes, nr_probes);
	for (i = 0; i < nr_probes; i++)
		kfree(probes[i]);
	kvfree(probes);
	probes = NULL;
	nr_probes = 0;
}

/* What is no function of ftrace's is passed over, as the other ways do. */
static int add(unsigned long address)
{
	struct kretprobe *one = kzalloc(sizeof(*one), GFP_KERNEL);

	if (!one)
		return -ENOMEM;
	one->kp.addr = (kprobe_opcode_t *)address;
	one->entry_handler = entry;
	one->handler = exit;
	one->maxactive = ROOM;
	one->data_size = min_tsc ? sizeof(u64) : 0;
	if (register_kretprobe(one)) {
		kfree(one);
		return 0;
	}
	if (!kprobe_ftrace(&one->kp)) {
		unregister_kretprobe(one);
		kfree(one);
		return 0;
	}
	probes[nr_probes++] = one;
	return 0;
}

static int start(const struct ht_functions *functions)
{
	struct ht_function_set *set = ht_function_set_new(functions);
	unsigned long address = 0;
	int err = 0;
	u32 count;

	if (IS_ERR(set))
		return PTR_ERR(set);
	take_wishes(functions);
	count = ht_function_set_count(set);
	if (count > FUNCTIONS_MAX) {
		snprintf(functions->message, functions->size,
			 "functions: %u match, and this kernel has return probes for %u: try --probe fgraph or entry",
			 count, FUNCTIONS_MAX);
		err = -E2BIG;
	}
	if (!err)
		probes = kvcalloc(count, sizeof(*probes), GFP_KERNEL);
	if (!err && !probes)
		err = -ENOMEM;
	while (!err && ht_function_set_next(set, &address))
		err = add(address);
	if (!err && !nr_probes)
		err = -ENOENT;
	if (err)
		stop();
	ht_function_set_free(set);
	return err;
}

static u64 missed(void)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < nr_probes; i++)
		sum += READ_ONCE(probes[i]->nmissed) + READ_ONCE(probes[i]->kp.nmissed);
	return sum;
}

#endif

const struct ht_function_way ht_function_return = { start, stop, missed };
