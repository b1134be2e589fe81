/* SPDX-License-Identifier: MIT */
/* The text report on CPUs, tasks and the time tasks wait. */
#include "tools/hypertrace/report_text.h"

#include <stdlib.h>
#include <string.h>

#define COMM_WIDTH 16

static void view_cpus(const struct report_view *view)
{
	static const char *const headers[] = {
		"<cpu", "events", "share", "busy", "idle", "not known", "switches", "lost", NULL};
	const struct machine_report *analysis = view->analysis;
	bool times = machine_report_knows_tasks(analysis);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (uint32_t cpu = 0; cpu < analysis->nr_cpus; cpu++) {
		const struct machine_report_cpu *row = &analysis->cpus[cpu];
		const struct schedule_cpu *time = &analysis->schedule.cpus[cpu];
		uint64_t all_ns = time->busy_ns + time->idle_ns + time->unknown_ns;

		if (!row->seen || !row->wanted)
			continue;
		table_cell(&table, "%u", cpu);
		table_count(&table, row->events);
		table_cell(&table, "%s", human_share(row->events, analysis->events).text);
		table_cell(&table, "%s", human_share(time->busy_ns, times ? all_ns : 0).text);
		table_cell(&table, "%s", human_share(time->idle_ns, times ? all_ns : 0).text);
		table_cell(&table, "%s",
			human_share(time->unknown_ns, times && time->unknown_ns ? all_ns : 0).text);
		table_count(&table, time->switches);
		table_count(&table, row->lost);
	}
	view_title(view, "CPUs", NULL);
	table_print(&table, view->out, view->colour);
}

static void cells_of_task(struct table *table, const struct task *task)
{
	table_foreign(table, task->comm[0] ? task->comm : "?", COMM_WIDTH);
	table_cell(table, "%u", task->pid);
}

static uint64_t busy_ns(const struct machine_report *analysis)
{
	uint64_t ns = 0;

	for (uint32_t cpu = 0; cpu < analysis->nr_cpus; cpu++)
		if (analysis->cpus[cpu].wanted)
			ns += analysis->schedule.cpus[cpu].busy_ns + analysis->schedule.cpus[cpu].idle_ns;
	return ns;
}

static void view_top_tasks(const struct report_view *view, const struct task **tasks, size_t count)
{
	static const char *const headers[] = {"<task", "pid", "tgid", "events", "on CPU", "share", "switches",
		"wake-ups", "preempted", "migrations", NULL};
	const struct machine_report *analysis = view->analysis;
	uint64_t all_ns = machine_report_knows_tasks(analysis) ? busy_ns(analysis) : 0;
	cleanup_table struct table table = {0};
	size_t shown = 0, all = 0;

	table_init(&table, headers);
	for (size_t i = 0; i < count; i++) {
		const struct task *task = tasks[i];

		if (!task->wanted || (!task->events && !task->run_ns))
			continue;
		if (all++ && shown == view_rows(view, count))
			continue;
		shown++;
		cells_of_task(&table, task);
		if (task->tgid)
			table_cell(&table, "%u", task->tgid);
		else
			table_cell(&table, "-");
		table_count(&table, task->events);
		table_ns(&table, all_ns ? task->run_ns : 0);
		table_cell(&table, "%s", human_share(task->run_ns, all_ns).text);
		table_count(&table, task->switches);
		table_count(&table, task->wakeups);
		table_count(&table, task->preemptions);
		table_count(&table, task->migrations);
	}
	view_title(view, "Tasks", "%zu of %zu by time on a CPU", shown, all);
	table_print(&table, view->out, view->colour);
	if (analysis->tasks.others_made)
		fprintf(view->out, "  tasks beyond the first %u: %s events\n", TASK_TABLE_LIMIT,
			human_count(analysis->tasks.others.events).text);
}

static void cells_of_durations(struct table *table, const struct durations *durations)
{
	const struct histogram *histogram = &durations->histogram;

	table_count(table, histogram->count);
	table_ns(table, durations_mean_ns(durations));
	table_ns(table, histogram_percentile(histogram, 50));
	table_ns(table, histogram_percentile(histogram, 90));
	table_ns(table, histogram_percentile(histogram, 99));
	table_ns(table, histogram_percentile(histogram, 99.9));
	table_ns(table, histogram->max);
}

static void row_of_latency(const struct report_view *view, struct table *table, const char *name,
	const struct durations *durations)
{
	if (!durations->histogram.count)
		return;
	table_cell(table, "%s", name);
	cells_of_durations(table, durations);
	table_cell(table, "%s", view_when(view, durations->max_at_ns).text);
	table_foreign(table, view_task(view, durations->max_pid).text, 24);
}

static void view_run_queue(const struct report_view *view)
{
	static const char *const headers[] = {
		"<after", "count", "mean", "p50", "p90", "p99", "p99.9", "max", "at", "<of", NULL};
	const struct schedule *schedule = &view->analysis->schedule;
	cleanup_table struct table table = {0};

	if (!schedule->woken.histogram.count && !schedule->preempted.histogram.count)
		return;
	table_init(&table, headers);
	row_of_latency(view, &table, "waking", &schedule->woken);
	row_of_latency(view, &table, "preemption", &schedule->preempted);
	view_title(view, "Run-queue latency", "how long tasks that could run waited for a CPU");
	table_print(&table, view->out, view->colour);
}

static uint64_t mean(const struct task_wait *wait)
{
	return wait->count ? wait->total_ns / wait->count : 0;
}

static void view_waits(const struct report_view *view, const struct task **tasks, size_t count)
{
	static const char *const headers[] = {"<task", "pid", "wake-ups", "mean", "max", "waited",
		"preempted", "asleep", "in D", "other", NULL};
	cleanup_table struct table table = {0};
	size_t shown = 0;

	table_init(&table, headers);
	for (size_t i = 0; i < count && shown < view_rows(view, count); i++) {
		const struct task *task = tasks[i];

		if (!task->wanted || (!task->woken.count && !task->preempted.count))
			continue;
		shown++;
		cells_of_task(&table, task);
		table_count(&table, task->woken.count);
		table_ns(&table, mean(&task->woken));
		table_ns(&table, task->woken.max_ns);
		table_ns(&table, task->woken.total_ns);
		table_ns(&table, task->preempted.total_ns);
		table_ns(&table, task->blocked[TASK_SLEEP].total_ns);
		table_ns(&table, task->blocked[TASK_DISK].total_ns);
		table_ns(&table,
			task->blocked[TASK_IDLE].total_ns + task->blocked[TASK_STOPPED].total_ns +
				task->blocked[TASK_PARKED].total_ns);
	}
	if (!shown)
		return;
	view_title(view, "Off the CPU", "by the longest run-queue latency after waking");
	table_print(&table, view->out, view->colour);
}

void view_tasks(const struct report_view *view)
{
	const struct task_table *table = &view->analysis->tasks;
	const struct task **tasks = task_table_sorted(table, report_compare_tasks);

	view_cpus(view);
	if (!tasks)
		return;
	view_top_tasks(view, tasks, table->nr_rows);
	view_run_queue(view);
	qsort(tasks, table->nr_rows, sizeof(*tasks), report_compare_waits);
	view_waits(view, tasks, table->nr_rows);
	free(tasks);
}
