// SPDX-License-Identifier: GPL-2.0-only
/* The scheduler's events. */
#include <linux/binfmts.h>
#include <linux/sched.h>
#include "hypertrace.h"

#define STATE_BITS      0x7fu
#define STATE_IDLE      0x80u
#define STATE_PREEMPTED 0x100u

/* The fields that the scheduler's events begin with: a pid and ten bits, then a priority of 8 bits. */
static __always_inline u32 pack(u32 pid, u32 ten_bits)
{
	return ten_bits << 22 | pid;
}

static __always_inline u32 pack_switch(bool preempt, const struct task_struct *next, unsigned int prev_state)
{
	u32 state = prev_state & STATE_BITS;

	if (unlikely(preempt))
		state = STATE_PREEMPTED;
	else if (unlikely(prev_state & TASK_NOLOAD))
		state |= STATE_IDLE;
	return pack(next->pid, state);
}

static __always_inline void sched_switch_body(bool filtered, bool preempt, struct task_struct *prev,
					      struct task_struct *next, unsigned int prev_state)
{
	if (ht_pass_either(filtered, prev, next))
		ht_record(HT_ID_sched_switch, 5, pack_switch(preempt, next, prev_state), (u8)next->prio);
}
HT_VARIANTS(sched_switch, (bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state),
	    (preempt, prev, next, prev_state))

static __always_inline void sched_waking_body(bool filtered, struct task_struct *task)
{
	if (ht_pass_either(filtered, current, task))
		ht_record(HT_ID_sched_waking, 5, pack(task->pid, task_cpu(task)), (u8)task->prio);
}
HT_VARIANTS(sched_waking, (struct task_struct *task), (task))

static __always_inline void sched_wakeup_new_body(bool filtered, struct task_struct *task)
{
	if (ht_pass_either(filtered, current, task))
		ht_record(HT_ID_sched_wakeup_new, 5, pack(task->pid, task_cpu(task)), (u8)task->prio);
}
HT_VARIANTS(sched_wakeup_new, (struct task_struct *task), (task))

static __always_inline void sched_migrate_task_body(bool filtered, struct task_struct *task, int dest_cpu)
{
	if (ht_pass(filtered, task))
		ht_record(HT_ID_sched_migrate_task, 7, pack(task->pid, dest_cpu),
			  (u8)task->prio | (u32)(u16)task_cpu(task) << 8);
}
HT_VARIANTS(sched_migrate_task, (struct task_struct *task, int dest_cpu), (task, dest_cpu))

static __always_inline void sched_process_fork_body(bool filtered, struct task_struct *parent, struct task_struct *child)
{
	struct {
		u32 parent_pid, child_pid, child_tgid;
		char comm[TASK_COMM_LEN];
	} __packed payload = { parent->pid, child->pid, child->tgid };

	if (!ht_pass_either(filtered, parent, child))
		return;
	memcpy(payload.comm, child->comm, sizeof(payload.comm));
	ht_write(HT_ID_sched_process_fork, &payload, sizeof(payload), NULL, 0);
}
HT_VARIANTS(sched_process_fork, (struct task_struct *parent, struct task_struct *child), (parent, child))

static __always_inline void sched_process_exec_body(bool filtered, struct task_struct *task, pid_t old_pid,
					struct linux_binprm *bprm)
{
	struct {
		u32 pid, old_pid;
		char comm[TASK_COMM_LEN];
	} __packed payload = { task->pid, old_pid };

	if (!ht_pass(filtered, task))
		return;
	memcpy(payload.comm, task->comm, sizeof(payload.comm));
	ht_write_text(HT_ID_sched_process_exec, &payload, sizeof(payload), bprm->filename);
}
HT_VARIANTS(sched_process_exec, (struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm),
	    (task, old_pid, bprm))

/* Not filtered by name: it is the only way to learn what other events' tasks are called. */
static __always_inline void task_rename_body(bool filtered, struct task_struct *task, const char *comm)
{
	struct {
		u32 pid;
		char comm[TASK_COMM_LEN];
	} __packed payload = { task->pid };

	strscpy_pad(payload.comm, comm, sizeof(payload.comm));
	ht_write(HT_ID_task_rename, &payload, sizeof(payload), NULL, 0);
	/* The filter may let this task pass from now on, and nobody was told that it runs: the next packet says so. */
	if (filtered)
		ht_filter_renamed(task, payload.comm);
	if (filtered && task == current)
		ht_flush_this_cpu();
}
HT_VARIANTS(task_rename, (struct task_struct *task, const char *comm), (task, comm))

static __always_inline void sched_process_exit_body(bool filtered, struct task_struct *task)
{
	if (ht_pass(filtered, task))
		ht_record(HT_ID_sched_process_exit, 8, (u64)(u32)task->exit_code << 32 | (u32)task->pid, 0);
}
HT_VARIANTS(sched_process_exit, (struct task_struct *task), (task))

struct ht_probe ht_probes_sched[] = {
	HT_PROBE(sched_switch, sched_switch),
	HT_PROBE(sched_waking, sched_waking),
	HT_PROBE(sched_wakeup_new, sched_wakeup_new),
	HT_PROBE(sched_migrate_task, sched_migrate_task),
	HT_PROBE(sched_process_fork, sched_process_fork),
	HT_PROBE(sched_process_exec, sched_process_exec),
	HT_PROBE(sched_process_exit, sched_process_exit),
	HT_PROBE(task_rename, task_rename),
	{ }
};
