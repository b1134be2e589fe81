// SPDX-License-Identifier: GPL-2.0-only
/* The scheduler's events. */
#include <linux/binfmts.h>
#include <linux/sched.h>
#include "hypertrace.h"

#define STATE_BITS      0x7fu
#define STATE_IDLE      0x80u
#define STATE_PREEMPTED 0x100u

static u64 pack_task(u32 pid, u32 ten_bits, int prio)
{
	return (u64)(u8)prio << 32 | ten_bits << 22 | pid;
}

static void sched_switch(void *data, bool preempt, struct task_struct *prev, struct task_struct *next,
			 unsigned int prev_state)
{
	u32 state = prev_state & STATE_BITS;

	if (!ht_pass_either(prev, next))
		return;
	if (unlikely(prev_state & TASK_NOLOAD))
		state |= STATE_IDLE;
	if (preempt)
		state = STATE_PREEMPTED;
	ht_ring_write((struct ht_this_cpu){}, HT_ID_sched_switch, pack_task(next->pid, state, next->prio), 5);
}

static void sched_waking(void *data, struct task_struct *task)
{
	if (ht_pass_either(current, task))
		ht_ring_write((struct ht_this_cpu){}, HT_ID_sched_waking,
			      pack_task(task->pid, task_cpu(task), task->prio), 5);
}

static void sched_wakeup_new(void *data, struct task_struct *task)
{
	if (ht_pass_either(current, task))
		ht_ring_write((struct ht_this_cpu){}, HT_ID_sched_wakeup_new,
			      pack_task(task->pid, task_cpu(task), task->prio), 5);
}

static void sched_migrate_task(void *data, struct task_struct *task, int dest_cpu)
{
	if (ht_pass(task))
		ht_ring_write((struct ht_this_cpu){}, HT_ID_sched_migrate_task,
			      pack_task(task->pid, dest_cpu, task->prio) | (u64)(u16)task_cpu(task) << 40, 7);
}

static void sched_process_fork(void *data, struct task_struct *parent, struct task_struct *child)
{
	struct {
		u32 parent_pid, child_pid, child_tgid;
		char comm[TASK_COMM_LEN];
	} __packed payload = { parent->pid, child->pid, child->tgid };

	if (!ht_pass_either(parent, child))
		return;
	memcpy(payload.comm, child->comm, sizeof(payload.comm));
	ht_write(HT_ID_sched_process_fork, &payload, sizeof(payload), NULL, 0);
}

static void sched_process_exec(void *data, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	struct {
		u32 pid, old_pid;
		char comm[TASK_COMM_LEN];
	} __packed payload = { task->pid, old_pid };

	if (!ht_pass(task))
		return;
	memcpy(payload.comm, task->comm, sizeof(payload.comm));
	ht_write_text(HT_ID_sched_process_exec, &payload, sizeof(payload), bprm->filename);
}

static void sched_process_exit(void *data, struct task_struct *task)
{
	if (ht_pass(task))
		ht_ring_write((struct ht_this_cpu){}, HT_ID_sched_process_exit,
			      (u64)(u32)task->exit_code << 32 | (u32)task->pid, 8);
}

struct ht_probe ht_probes_sched[] = {
	HT_PROBE(sched_switch, sched_switch),
	HT_PROBE(sched_waking, sched_waking),
	HT_PROBE(sched_wakeup_new, sched_wakeup_new),
	HT_PROBE(sched_migrate_task, sched_migrate_task),
	HT_PROBE(sched_process_fork, sched_process_fork),
	HT_PROBE(sched_process_exec, sched_process_exec),
	HT_PROBE(sched_process_exit, sched_process_exit),
	{ }
};
