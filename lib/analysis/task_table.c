/* SPDX-License-Identifier: MIT */
#include "lib/analysis/task_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int task_table_init(struct task_table *table, const struct names *names, task_wanted_fn *wanted,
	const void *wanted_context)
{
	*table = (struct task_table){.names = names, .wanted = wanted, .wanted_context = wanted_context};
	table->by_pid = calloc(TASK_TABLE_PIDS, sizeof(*table->by_pid));
	table->rows = calloc(TASK_TABLE_LIMIT, sizeof(*table->rows));
	table->others.wanted = !wanted;
	return table->by_pid && table->rows ? 0 : -ENOMEM;
}

void task_table_deinit(struct task_table *table)
{
	for (uint32_t i = 0; i < table->nr_rows; i++)
		free(table->rows[i]);
	free(table->rows);
	free(table->by_pid);
	*table = (struct task_table){0};
}

static void ask_wanted(const struct task_table *table, struct task *task)
{
	task->wanted = !table->wanted || table->wanted(table->wanted_context, task->pid, task->comm);
}

static struct task *add(struct task_table *table, uint32_t pid)
{
	struct task *task = NULL;

	if (pid < TASK_TABLE_PIDS && table->nr_rows < TASK_TABLE_LIMIT)
		task = calloc(1, sizeof(*task));
	if (!task) {
		table->others_made++;
		return &table->others;
	}
	task->pid = pid;
	table->rows[table->nr_rows++] = task;
	table->by_pid[pid] = table->nr_rows;
	return task;
}

struct task *task_table_add(struct task_table *table, uint32_t pid)
{
	const struct names_task *name = table->names ? names_task(table->names, pid) : NULL;
	struct task *task = add(table, pid);

	if (task == &table->others)
		return task;
	if (name) {
		task->tgid = name->tgid;
		memcpy(task->comm, name->comm, sizeof(task->comm));
	} else if (!pid) {
		strcpy(task->comm, "swapper");
	}
	ask_wanted(table, task);
	return task;
}

static void set_comm(struct task *task, const uint8_t comm[16])
{
	memcpy(task->comm, comm, 16);
	task->comm[16] = 0;
}

struct task *task_table_fork(struct task_table *table, uint32_t pid, uint32_t tgid, const uint8_t comm[16])
{
	struct task *task = pid < TASK_TABLE_PIDS && table->by_pid[pid] ? task_table_at(table, pid) : NULL;
	const struct names_task *name;

	/* No event speaks of a task before its fork, so whoever did anything under this pid is another one. */
	if (!task || task->exited || task->events || task->state != TASK_UNKNOWN)
		task = add(table, pid);
	if (task == &table->others)
		return task;
	task->tgid = tgid;
	task->forked = true;
	set_comm(task, comm);
	/*
	 * Kernel threads get their names after their fork, without an event; the guest's list of tasks may
	 * have it.
	 */
	name = table->names && !strcmp(task->comm, "kthreadd") ? names_task(table->names, pid) : NULL;
	if (name && name->tgid == tgid)
		memcpy(task->comm, name->comm, sizeof(task->comm));
	ask_wanted(table, task);
	return task;
}

void task_table_rename(struct task_table *table, uint32_t pid, const uint8_t comm[16])
{
	struct task *task = task_table_at(table, pid);

	if (task == &table->others)
		return;
	set_comm(task, comm);
	ask_wanted(table, task);
}

void task_table_exec(struct task_table *table, uint32_t pid, const uint8_t comm[16])
{
	struct task *task = task_table_at(table, pid);

	if (task != &table->others && !task->tgid)
		task->tgid = pid;
	task_table_rename(table, pid, comm);
}

void task_table_exit(struct task_table *table, uint32_t pid)
{
	struct task *task = task_table_at(table, pid);

	if (task != &table->others)
		task->exited = true;
}

const struct task **task_table_sorted(
	const struct task_table *table, int (*compare)(const void *, const void *))
{
	const struct task **rows = table->nr_rows ? malloc(table->nr_rows * sizeof(*rows)) : NULL;

	if (!rows)
		return NULL;
	memcpy(rows, table->rows, table->nr_rows * sizeof(*rows));
	qsort(rows, table->nr_rows, sizeof(*rows), compare);
	return rows;
}
