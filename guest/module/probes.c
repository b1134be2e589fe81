// SPDX-License-Identifier: GPL-2.0-only
/* Finds the kernel's tracepoints by name, and connects those that are asked for with their probes. */
#include <linux/module.h>
#include "hypertrace.h"

static struct ht_probe *const groups[] = {
	ht_probes_sched, ht_probes_irq, ht_probes_syscalls, ht_probes_timers, ht_probes_faults,
};

#define for_each_probe(group, probe)                                             \
	for ((group) = 0; (group) < ARRAY_SIZE(groups); (group)++)               \
		for ((probe) = groups[group]; (probe)->name; (probe)++)

static void find(struct tracepoint *tracepoint, void *unused)
{
	struct ht_probe *probe;
	unsigned int g;

	for_each_probe(g, probe)
		if (!strcmp(tracepoint->name, probe->name))
			probe->tracepoint = tracepoint;
}

struct wanted {
	const char *name;
	struct tracepoint *tracepoint;
};

static void find_one(struct tracepoint *tracepoint, void *context)
{
	struct wanted *wanted = context;

	if (!strcmp(tracepoint->name, wanted->name))
		wanted->tracepoint = tracepoint;
}

/* For whoever wants no more than to be told. NULL: this kernel has none of that name. */
struct tracepoint *ht_tracepoint(const char *name)
{
	struct wanted wanted = { name };

	for_each_kernel_tracepoint(find_one, &wanted);
	return wanted.tracepoint;
}

int ht_probes_init(void)
{
	struct ht_probe *probe;
	unsigned int g;

	for_each_kernel_tracepoint(find, NULL);
	for_each_probe(g, probe)
		if (!probe->tracepoint)
			pr_warn("this kernel has no tracepoint %s\n", probe->name);
	return 0;
}

static int set(struct ht_probe *probe, void *function)
{
	int err = 0;

	if (probe->registered == function)
		return 0;
	if (probe->registered)
		tracepoint_probe_unregister(probe->tracepoint, probe->registered, NULL);
	probe->registered = NULL;
	if (!function)
		return 0;
	err = probe->tracepoint ? tracepoint_probe_register(probe->tracepoint, function, NULL) : -ENOENT;
	if (!err)
		probe->registered = function;
	return err;
}

/* Makes the registered probes those of `control`. On an error the others are as asked for, and message says which. */
int ht_probes_set(const struct ht_control *control, char *message, size_t size)
{
	u64 events = control->events;
	struct ht_probe *probe;
	unsigned int g;
	int err, first = 0;

	if (control->flags & HT_CONTROL_SYSCALL_ARGS && events & HT_SYS_ENTER_BITS)
		events |= HT_BIT(sys_enter_args);
	/* A verdict by name holds until the name changes. */
	if (control->nr_comms)
		events |= BIT_ULL(HT_ID_task_rename);
	/* A system call is one event at its start, with arguments or without. */
	if (events & HT_BIT(sys_enter_args))
		events &= ~HT_SYS_ENTER_BITS;
	for_each_probe(g, probe) {
		void *function = !(events & probe->events) ? NULL :
				 probe->timed && ht_duration_wanted(probe->pair) ? probe->timed :
				 ht_filter_active() ? probe->filtered : probe->plain;

		err = set(probe, function);
		if (err && !first) {
			first = err;
			snprintf(message, size, "tracepoint %s: error %d", probe->name, err);
		}
	}
	return first;
}

void ht_probes_stop(void)
{
	char message[64];

	ht_probes_set(&ht_control_none, message, sizeof(message));
	tracepoint_synchronize_unregister();
}
