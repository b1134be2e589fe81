// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which events are recorded, by pid, comm and CPU, before anything is encoded. While there is no filter a probe pays
 * nothing: its other variant is registered. Changed live: readers run with preemption off, so the old one is freed after
 * an RCU grace period.
 */
#include <linux/cpumask.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "hypertrace.h"

struct filter {
	u32 flags, nr_pids, nr_comms;
	s32 pids[HT_CONTROL_PIDS];
	char comms[HT_CONTROL_COMMS][TASK_COMM_LEN];
	u64 cpus[HT_MAX_CPUS / 64];
};
static struct filter __rcu *filter;

DEFINE_PER_CPU(u32, ht_verdicts[HT_VERDICTS]);
#define NO_VERDICT U32_MAX

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
static bool match(s32 pid, const char *comm)
{
	const struct filter *f = rcu_dereference_sched(filter);
	unsigned int cpu = smp_processor_id();

	if (!f)
		return true;
	if (f->flags & HT_CONTROL_CPUS && !(f->cpus[cpu / 64] & BIT_ULL(cpu % 64)))
		return false;
	if (f->nr_pids && pid_listed(f, pid) == !!(f->flags & HT_CONTROL_PIDS_EXCLUDE))
		return false;
	return !f->nr_comms || comm_listed(f, comm) != !!(f->flags & HT_CONTROL_COMMS_EXCLUDE);
}

/* Judges, and remembers. */
bool ht_filter_judge(s32 pid, const char *comm)
{
	bool pass = match(pid, comm);

	this_cpu_write(ht_verdicts[pid % HT_VERDICTS], (u32)pid << 1 | pass);
	return pass;
}

/* A task is about to be called so: no CPU may remember what was judged by its old name. */
void ht_filter_renamed(const struct task_struct *task, const char *comm)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		WRITE_ONCE(per_cpu(ht_verdicts[task->pid % HT_VERDICTS], cpu), NO_VERDICT);
	if (task == current)
		ht_filter_judge(task->pid, comm);
}

/* An allocation that fails leaves the filter as it was, and is said. */
void ht_filter_set(const struct ht_control *control)
{
	struct filter *old = rcu_dereference_protected(filter, true), *new = NULL;
	unsigned int cpu;

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
	synchronize_rcu(); /* from here on nobody judges by the old one */
	for_each_possible_cpu(cpu)
		memset32(per_cpu_ptr(ht_verdicts, cpu), NO_VERDICT, HT_VERDICTS);
	kfree(old);
}
