// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of the kernel's functions, by one of three ways: docs/design/functions.md. This file knows what is wanted, and
 * what is in force; none of it is on the path of a call, but ht_function_ask().
 */
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include "functions.h"

static const struct ht_function_way *way; /* in force */
static struct ht_control *in_force;
static u64 in_force_min_tsc;
static bool in_force_filtered;
static u64 reported[HT_MISSED_CAUSES];

DEFINE_STATIC_KEY_FALSE(ht_functions_on);
DEFINE_STATIC_KEY_FALSE(ht_function_exits_on);

static DEFINE_PER_CPU(bool, asking);
static DEFINE_PER_CPU(u64, recursions);

/* Slow, and rare: of a task that this CPU has not judged so far. What is called here may be traced itself. */
noinline bool ht_function_ask(void)
{
	bool pass;

	if (this_cpu_read(asking)) {
		this_cpu_inc(recursions);
		return false;
	}
	/* where RCU does not watch, the filter may go away: an idle CPU's functions, of no task that one asks for */
	if (!rcu_is_watching())
		return false;
	this_cpu_write(asking, true);
	pass = ht_filter_match(current);
	this_cpu_write(asking, false);
	return pass;
}

/* The run-time address of a symbol; 0: none. A kprobe that is never armed tells it. */
unsigned long ht_function_address(const char *name)
{
	struct kprobe probe = { .symbol_name = name, .flags = KPROBE_FLAG_DISABLED };
	unsigned long address, offset, size;
	char *symbol, *plus;

	if (register_kprobe(&probe))
		return 0;
	address = (unsigned long)probe.addr; /* behind its ENDBR */
	unregister_kprobe(&probe);
	symbol = kmalloc(KSYM_SYMBOL_LEN, GFP_KERNEL);
	if (!symbol)
		return 0;
	sprint_symbol(symbol, address);
	plus = strrchr(symbol, '+');
	if (!plus || sscanf(plus, "+0x%lx/0x%lx", &offset, &size) != 2)
		offset = 0;
	kfree(symbol);
	return address - offset;
}

/* All functions, but for those that are taken out: many more than can be dropped. */
static bool takes_all(const char *patterns)
{
	const char *line = patterns;

	for (; line && *line; line = strchr(line, '\n'), line += !!line)
		if (line[0] == '*' && (line[1] == '\n' || !line[1]))
			return true;
	return false;
}

/*
 * In one go: each change of a filter in use has the kernel look through all its functions. Not of a short filter: one that has
 * lost its last function is an empty one, which means all. -ENOENT: one is not in the filter, and none is taken out.
 */
static int drop_at_once(struct ftrace_ops *ops, const struct ht_functions *functions, u32 from)
{
	const u32 count = functions->nr_dropped - from;
	unsigned long *addresses;
	u32 i;
	int err;

	if (!takes_all(functions->patterns))
		return -EOPNOTSUPP;
	addresses = kcalloc(count, sizeof(*addresses), GFP_KERNEL);
	if (!addresses)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		addresses[i] = (unsigned long)(s64)(s32)functions->dropped[from + i];
	err = ftrace_set_filter_ips(ops, addresses, count, 1, 0);
	kfree(addresses);
	return err;
}

/*
 * Takes those dropped from number `from` on out of the filter, also while it is in use. Where that is not possible by their
 * addresses, by their names, which a function may share with others.
 */
void ht_functions_drop(struct ftrace_ops *ops, const struct ht_functions *functions, u32 from)
{
	char *symbol;

	if (from >= functions->nr_dropped || !drop_at_once(ops, functions, from))
		return;
	symbol = kmalloc(KSYM_SYMBOL_LEN, GFP_KERNEL);
	for (; symbol && from < functions->nr_dropped; from++) {
		sprint_symbol(symbol, (unsigned long)(s64)(s32)functions->dropped[from]);
		symbol[strcspn(symbol, "+ ")] = '\0';
		ftrace_set_notrace(ops, symbol, strlen(symbol), 0); /* a wrong address names nothing */
	}
	kfree(symbol);
}

/* One pattern, with its '!', added to the others. -EINVAL: it names none. */
static int add(struct ftrace_ops *ops, const char *pattern)
{
	const bool out = pattern[0] == '!';
	char *own = kstrdup(pattern + out, GFP_KERNEL); /* ftrace writes into what it parses */
	int err;

	if (!own)
		return -ENOMEM;
	err = out ? ftrace_set_notrace(ops, own, strlen(own), 0) : ftrace_set_filter(ops, own, strlen(own), 0);
	kfree(own);
	return err;
}

/*
 * Puts the patterns into the ops' filter. One that takes in none is said in the message, and the others hold. -ENOENT: none
 * of those that take in names any; -ENOMEM.
 */
int ht_functions_filter(struct ftrace_ops *ops, const struct ht_functions *functions)
{
	char *copy = kstrdup(functions->patterns, GFP_KERNEL), *rest = copy, *pattern;
	unsigned int matched = 0;
	int err = copy ? 0 : -ENOMEM;

	ftrace_set_filter(ops, NULL, 0, 1);
	ftrace_set_notrace(ops, NULL, 0, 1);
	while (!err && (pattern = strsep(&rest, "\n"))) {
		const bool out = pattern[0] == '!';

		if (!pattern[out])
			continue;
		err = add(ops, pattern);
		matched += !err && !out;
		if (err == -EINVAL && !out && !functions->message[0])
			snprintf(functions->message, functions->size,
				 "functions: no function that can be traced matches %s", pattern);
		err = err == -EINVAL ? 0 : err;
	}
	kfree(copy);
	if (!err)
		ht_functions_drop(ops, functions, 0);
	return err ?: matched ? 0 : -ENOENT;
}

/* Ever, of the way that is in force. */
static u64 count_missed(unsigned int cause)
{
	u64 sum = 0;
	int cpu;

	if (cause != HT_MISSED_RECURSION)
		return way->missed ? way->missed(cause) : 0;
	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu(recursions, cpu));
	return sum;
}

static void write_missed(u8 cause, u64 count)
{
	struct {
		u8 cause;
		u32 count;
	} __packed payload = { cause, min_t(u64, count, U32_MAX) };

	ht_write(HT_ID_func_missed, &payload, sizeof(payload), NULL, 0);
}

void ht_functions_poll(void)
{
	unsigned int cause;

	if (!way)
		return;
	for (cause = HT_MISSED_RECURSION; cause < HT_MISSED_CAUSES; cause++) {
		u64 count = count_missed(cause);

		if (count != reported[cause])
			write_missed(cause, count - reported[cause]);
		reported[cause] = count;
	}
}

static void say_switched(void *unused)
{
	write_missed(HT_MISSED_SWITCHED, 0);
}

/* What is open on any CPU now will have no exit. */
void ht_functions_stop(void)
{
	if (way) {
		static_branch_disable(&ht_functions_on);
		static_branch_disable(&ht_function_exits_on);
		way->stop();
		ht_functions_poll();
		on_each_cpu(say_switched, NULL, 1);
	}
	way = NULL;
	kfree(in_force);
	in_force = NULL;
}

/* But for more that are dropped. */
static bool is_in_force(const struct ht_control *control)
{
	return way && in_force->function_probe == control->function_probe &&
	       in_force->function_depth == control->function_depth &&
	       in_force_filtered == ht_filter_active() && in_force_min_tsc == ht_duration_tsc(HT_PAIR_FUNCTION) &&
	       in_force->nr_dropped <= control->nr_dropped &&
	       !memcmp(in_force->dropped, control->dropped, in_force->nr_dropped * sizeof(control->dropped[0])) &&
	       (way->drop || in_force->nr_dropped == control->nr_dropped) &&
	       !strcmp(in_force->functions, control->functions);
}

/* Before other events change: whose calls they are only sched_switch tells, to their last. */
void ht_functions_end(const struct ht_control *control)
{
	if (!is_in_force(control))
		ht_functions_stop();
}

static const struct ht_function_way *const ways[] = {
	[HT_FUNCTION_ENTRY] = &ht_function_entry,
	[HT_FUNCTION_RETURN] = &ht_function_return,
	[HT_FUNCTION_GRAPH] = &ht_function_graph,
};

/* On an error none is traced, or those that match; the message says which. */
int ht_functions_set(const struct ht_control *control, char *message, size_t size)
{
	char own[256] = "";
	struct ht_functions functions = {
		.patterns = control->functions, .dropped = control->dropped, .nr_dropped = control->nr_dropped,
		.depth = control->function_depth, .min_tsc = ht_duration_tsc(HT_PAIR_FUNCTION),
		.filtered = ht_filter_active(), .message = own, .size = sizeof(own),
	};
	const u32 probe = control->function_probe;
	unsigned int cause;
	int err;

	if (is_in_force(control)) {
		if (in_force->nr_dropped < control->nr_dropped)
			way->drop(&functions, in_force->nr_dropped);
		memcpy(in_force->dropped, control->dropped, sizeof(in_force->dropped));
		in_force->nr_dropped = control->nr_dropped;
		return 0;
	}
	ht_functions_stop();
	if (!control->functions[0])
		return 0;
	if (probe >= ARRAY_SIZE(ways) || !ways[probe]) {
		snprintf(message, size, "functions: unknown probe %u", probe);
		return -EINVAL;
	}
	if (probe == HT_FUNCTION_ENTRY && (functions.depth || functions.min_tsc)) {
		snprintf(message, size, "functions: depth and duration need a probe of their returns");
		return -EINVAL;
	}
	/* the names of what is traced come first: the thread that sends them has the lowest priority, and is traced itself */
	ht_names_wait();
	in_force = kmemdup(control, sizeof(*control), GFP_KERNEL);
	in_force_min_tsc = functions.min_tsc;
	in_force_filtered = functions.filtered;
	err = in_force ? ways[probe]->start(&functions) : -ENOMEM;
	if (!err) {
		way = ways[probe];
		for (cause = 0; cause < HT_MISSED_CAUSES; cause++)
			reported[cause] = count_missed(cause);
		static_branch_enable(&ht_function_exits_on);
		static_branch_enable(&ht_functions_on);
		err = own[0] ? -ENOENT : 0; /* some of what was asked for */
	} else {
		kfree(in_force);
		in_force = NULL;
		/* what is set already says why, or only that one of the patterns matches nothing */
		if (!own[0] || err == -EINVAL || err == -ENOMEM)
			snprintf(own + strlen(own), sizeof(own) - strlen(own), "%sfunctions: error %d",
				 own[0] ? "; " : "", err);
	}
	if (own[0])
		strscpy(message, own, size);
	return err;
}
