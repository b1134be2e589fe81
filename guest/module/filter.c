// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which events are recorded, by pid, comm and CPU, before anything is encoded. While there is no filter a probe pays
 * nothing: its other variant is registered. Changed live: readers run with preemption off, so the old one is freed by RCU.
 */
#include <linux/cpumask.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "hypertrace.h"

struct filter {
	struct rcu_head rcu;
	u32 flags, nr_pids, nr_comms;
	s32 pids[HT_CONTROL_PIDS];
	char comms[HT_CONTROL_COMMS][TASK_COMM_LEN];
	u64 cpus[HT_MAX_CPUS / 64];
};
static struct filter __rcu *filter;

bool ht_filter_active(void)
{
	return rcu_access_pointer(filter) != NULL;
}

static bool pid_listed(const struct filter *f, s32 pid)
{
	u32 i;

	for (i = 0; i < f->nr_pids; i++)
		if (f->pids[i] == pid)
			return true;
	return false;
}

static bool comm_listed(const struct filter *f, const char *comm)
{
	u32 i;

	for (i = 0; i < f->nr_comms; i++)
		if (!strncmp(f->comms[i], comm, TASK_COMM_LEN))
			return true;
	return false;
}

/* Any context with preemption off. Every kind of condition that is given must hold. */
bool ht_filter_match(const struct task_struct *task)
{
	const struct filter *f = rcu_dereference_sched(filter);
	unsigned int cpu = smp_processor_id();

	if (!f)
		return true;
	if (f->flags & HT_CONTROL_CPUS && !(f->cpus[cpu / 64] & BIT_ULL(cpu % 64)))
		return false;
	if (f->nr_pids && pid_listed(f, task->pid) == !!(f->flags & HT_CONTROL_PIDS_EXCLUDE))
		return false;
	return !f->nr_comms || comm_listed(f, task->comm) != !!(f->flags & HT_CONTROL_COMMS_EXCLUDE);
}

/* An allocation that fails leaves the filter as it was, and is said. */
void ht_filter_set(const struct ht_control *control)
{
	struct filter *old = rcu_dereference_protected(filter, true), *new = NULL;

	if (control->nr_pids || control->nr_comms || control->flags & HT_CONTROL_CPUS) {
		new = kzalloc(sizeof(*new), GFP_KERNEL);
		if (!new) {
			pr_err("no memory for the filter: it stays as it was\n");
			return;
		}
		new->flags = control->flags;
		new->nr_pids = min_t(u32, control->nr_pids, HT_CONTROL_PIDS);
		new->nr_comms = min_t(u32, control->nr_comms, HT_CONTROL_COMMS);
		memcpy(new->pids, control->pids, sizeof(new->pids));
		memcpy(new->comms, control->comms, sizeof(new->comms));
		memcpy(new->cpus, control->cpus, sizeof(new->cpus));
	}
	rcu_assign_pointer(filter, new);
	if (old)
		kfree_rcu(old, rcu);
}
