/* SPDX-License-Identifier: MIT */
#include "lib/analysis/syscalls.h"

#include <errno.h>
#include <string.h>

#include "lib/model/syscall_names.h"

#define ERRNO_MAX 4095 /* MAX_ERRNO of the kernel */

int syscalls_init(struct syscalls *syscalls, struct task_table *tasks, bool with_tasks)
{
	size_t task_limit = with_tasks ? SYSCALL_TASK_LIMIT : 1;
	int result;

	*syscalls = (struct syscalls){.tasks = tasks, .with_tasks = with_tasks, .generation = 1};
	result = capped_table_init(&syscalls->rows, sizeof(struct syscall_row), SYSCALL_LIMIT);
	if (capped_table_init(&syscalls->by_task, sizeof(struct syscall_task_row), task_limit) < 0)
		result = -ENOMEM;
	return result;
}

void syscalls_deinit(struct syscalls *syscalls)
{
	capped_table_deinit(&syscalls->rows);
	capped_table_deinit(&syscalls->by_task);
}

static bool is_error(int64_t ret)
{
	return ret < 0 && ret >= -ERRNO_MAX;
}

static void count_errno(struct syscall_row *row, uint32_t number)
{
	for (int i = 0; i < SYSCALL_ERRNOS; i++) {
		struct syscall_errno *slot = &row->errnos[i];

		if (slot->count && slot->number != number)
			continue;
		slot->number = number;
		slot->count++;
		return;
	}
}

static struct syscall_task_row *task_row(struct syscalls *syscalls, struct task *task, uint16_t nr)
{
	struct syscall_task_row *row;

	if (!syscalls->with_tasks)
		return NULL;
	row = capped_table_at(&syscalls->by_task, (uint64_t)task->pid << 16 | nr);
	row->task = task;
	return row;
}

static void count(struct syscall_row *row, struct syscall_task_row *by_task, struct task *task, int64_t ret)
{
	task->calls++;
	row->exits++;
	if (by_task)
		by_task->exits++;
	if (!is_error(ret))
		return;
	row->errors++;
	count_errno(row, (uint32_t)-ret);
	if (by_task)
		by_task->errors++;
}

static void add_duration(struct syscall_row *row, struct syscall_task_row *by_task, const struct task *task,
	uint32_t cpu, uint64_t ns, uint64_t now_ns)
{
	durations_add(&row->durations, ns, now_ns, cpu, task->pid);
	if (!by_task)
		return;
	by_task->timed++;
	by_task->total_ns += ns;
	if (ns > by_task->max_ns)
		by_task->max_ns = ns;
}

void syscalls_enter(struct syscalls *syscalls, struct task *task, uint16_t nr, uint64_t now_ns)
{
	task->called = true;
	task->call_nr = nr;
	task->call_since_ns = now_ns;
	task->call_away_ns = task->away_ns;
	task->call_generation = syscalls->generation;
}

void syscalls_exit(struct syscalls *syscalls, struct task *task, uint32_t cpu, uint16_t nr, int64_t ret,
	bool wanted, uint64_t now_ns)
{
	bool known = task->call_since_ns && (nr == SYSCALL_NONE || task->call_nr == nr) &&
		task->call_generation == syscalls->generation && task_is_known(syscalls->tasks, task);
	struct syscall_task_row *by_task;
	struct syscall_row *row;
	uint64_t ns = 0;

	/* A new task's first return is that of its parent's call, which counts there. */
	if (!known && task->forked && !task->called && !ret) {
		task->called = true;
		return;
	}
	if (known)
		nr = task->call_nr;
	if (!known)
		syscalls->unmatched++;
	else if (!duration_between(task->call_since_ns, now_ns, &ns)) {
		syscalls->backwards++;
		known = false;
	}
	task->call_since_ns = 0;
	if (!wanted || nr == SYSCALL_NONE || (syscalls->min_ns && (!known || ns < syscalls->min_ns)))
		return;
	row = capped_table_at(&syscalls->rows, nr);
	by_task = task_row(syscalls, task, nr);
	count(row, by_task, task, ret);
	if (!known)
		return;
	add_duration(row, by_task, task, cpu, ns, now_ns);
	row->off_cpu_ns += task->away_ns - task->call_away_ns;
}

void syscalls_span(struct syscalls *syscalls, struct task *task, uint32_t cpu, uint16_t nr, int64_t ret,
	bool wanted, uint64_t duration_ns, uint64_t now_ns)
{
	struct syscall_task_row *by_task;
	struct syscall_row *row;

	if (!wanted || duration_ns < syscalls->min_ns)
		return;
	row = capped_table_at(&syscalls->rows, nr);
	by_task = task_row(syscalls, task, nr);
	count(row, by_task, task, ret);
	add_duration(row, by_task, task, cpu, duration_ns, now_ns);
}

void syscalls_lost(struct syscalls *syscalls)
{
	syscalls->generation++;
}

void syscalls_finish(struct syscalls *syscalls)
{
	for (uint32_t i = 0; i < syscalls->tasks->nr_rows; i++) {
		const struct task *task = syscalls->tasks->rows[i];
		struct syscall_row *row;

		/* exit() and exit_group() never return */
		if (!task->call_since_ns || task->exited || !task->wanted ||
			task->call_generation != syscalls->generation)
			continue;
		row = capped_table_at(&syscalls->rows, task->call_nr);
		row->unfinished++;
	}
}

const struct syscall_errno *syscall_row_errno(const struct syscall_row *row)
{
	const struct syscall_errno *most = &row->errnos[0];

	for (int i = 1; i < SYSCALL_ERRNOS; i++)
		if (row->errnos[i].count > most->count)
			most = &row->errnos[i];
	return most->count ? most : NULL;
}

const char *syscall_errno_name(uint32_t number)
{
	/* include/linux/errno.h of the kernel: user space never sees these */
	switch (number) {
	case 512:
		return "ERESTARTSYS";
	case 513:
		return "ERESTARTNOINTR";
	case 514:
		return "ERESTARTNOHAND";
	case 515:
		return "ENOIOCTLCMD";
	case 516:
		return "ERESTART_RESTARTBLOCK";
	}
	return number && number <= ERRNO_MAX ? strerrorname_np((int)number) : NULL;
}
