// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state dump: names that events only have numbers for. They travel once, in the names ring, by a thread of lowest
 * priority that waits for the host where the ring is full.
 */
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdesc.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "hypertrace.h"

#define WAIT_MS 5000 /* the host gives an answer 8 s */

static struct task_struct *thread;
static bool with_symbols;
static u32 dump_seq;

/* Waits for room. Returns false when the thread is to stop. */
bool ht_names_put(u32 id, const void *payload, u32 bytes, const char *text)
{
	while (!ht_names_write(id, payload, bytes, text)) {
		if (kthread_should_stop())
			return false;
		msleep(5);
	}
	return !kthread_should_stop();
}

struct task_name {
	u32 pid, tgid;
	char comm[TASK_COMM_LEN];
} __packed;

/* Tasks are copied under RCU in one go, because writing them may sleep. */
static void dump_tasks(void)
{
	struct task_struct *process, *task;
	struct task_name *names;
	u32 count = 0, room = 1024, i;

	rcu_read_lock();
	for_each_process_thread(process, task)
		room++;
	rcu_read_unlock();
	names = kvcalloc(room, sizeof(*names), GFP_KERNEL);
	if (!names)
		return;
	rcu_read_lock();
	for_each_process_thread(process, task) {
		if (count == room)
			break;
		names[count].pid = task->pid;
		names[count].tgid = task->tgid;
		memcpy(names[count++].comm, task->comm, TASK_COMM_LEN);
	}
	rcu_read_unlock();
	for (i = 0; i < count; i++)
		if (!ht_names_put(HT_ID_task_name, &names[i], sizeof(names[i]), NULL))
			break;
	kvfree(names);
}

static void dump_irqs(void)
{
	u32 irq;

	for (irq = 0; irq < nr_irqs; irq++) {
		struct irq_data *data = irq_get_irq_data(irq);
		struct irqaction *action;
		char name[64] = "";
		struct irq_desc *desc;
		unsigned long flags;

		if (!data)
			continue;
		desc = irq_data_to_desc(data);
		raw_spin_lock_irqsave(&desc->lock, flags);
		for (action = desc->action; action; action = action->next) {
			if (name[0])
				strlcat(name, ",", sizeof(name));
			strlcat(name, action->name ?: "?", sizeof(name));
		}
		raw_spin_unlock_irqrestore(&desc->lock, flags);
		if (name[0] && !ht_names_put(HT_ID_irq_name, &irq, sizeof(irq), name))
			return;
	}
}

static int dump(void *unused)
{
	set_user_nice(current, MAX_NICE);
	dump_tasks();
	dump_irqs();
	ht_generic_names();
	if (with_symbols)
		ht_symbols_write();
	if (!kthread_should_stop()) {
		ht_names_flush();
		/* pairs with the acquire load in the host's control_names_done() */
		smp_store_release(&ht_map.region->names_done, dump_seq);
	}
	for (;;) { /* ht_names_stop() needs a thread to stop */
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

void ht_names_start(u32 seq, bool symbols)
{
	ht_names_stop();
	ht_names_begin();
	dump_seq = seq;
	with_symbols = symbols;
	thread = kthread_run(dump, NULL, "hypertrace/dump");
	if (IS_ERR(thread)) {
		pr_err("no thread for the names (%ld): tasks and irqs will be numbers\n", PTR_ERR(thread));
		thread = NULL;
	}
}

/* Until they are all in the ring, or the host does not read them. */
void ht_names_wait(void)
{
	unsigned int i;

	for (i = 0; i < WAIT_MS / 10 && thread && READ_ONCE(ht_map.region->names_done) != dump_seq; i++)
		msleep(10);
}

void ht_names_stop(void)
{
	if (thread)
		kthread_stop(thread);
	thread = NULL;
}
