/* SPDX-License-Identifier: MIT */
/* The text report on the kernel's work: system calls, interrupts, timers, page faults. */
#include "tools/hypertrace/report_text.h"

#include <stdlib.h>

#define UNFINISHED_SHOWN 6

static void cells_of_durations(struct table *table, const struct durations *durations)
{
	const struct histogram *histogram = &durations->histogram;

	table_ns(table, histogram->sum);
	table_ns(table, durations_mean_ns(durations));
	table_ns(table, histogram_percentile(histogram, 50));
	table_ns(table, histogram_percentile(histogram, 99));
	table_ns(table, histogram->max);
}

static void row_of_syscall(const struct report_view *view, struct table *table, const struct syscall_row *row)
{
	const struct syscall_errno *most = syscall_row_errno(row);

	table_cell(table, "%s", report_syscall(row->key).text);
	table_count(table, row->exits);
	cells_of_durations(table, &row->durations);
	table_ns(table, row->off_cpu_ns);
	if (most)
		table_cell(table, "%s %s%s", human_count(row->errors).text, report_errno(most->number).text,
			most->count < row->errors ? " .." : "");
	else
		table_cell(table, "-");
}

static void view_calls_by_task(const struct report_view *view)
{
	static const char *const headers[] = {
		"<task", "pid", "<syscall", "count", "errors", "total", "mean", "max", NULL};
	const struct capped_table *by_task = &view->analysis->syscalls.by_task;
	const void **rows = capped_table_sorted(by_task, report_compare_task_calls);
	size_t nr_rows = view_rows(view, by_task->count);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (size_t i = 0; rows && i < nr_rows; i++) {
		const struct syscall_task_row *row = rows[i];

		table_foreign(&table, row->task->comm, 16);
		table_cell(&table, "%u", row->task->pid);
		table_cell(&table, "%s", report_syscall(row->key & UINT16_MAX).text);
		table_count(&table, row->exits);
		table_count(&table, row->errors);
		table_ns(&table, row->total_ns);
		table_ns(&table, row->timed ? row->total_ns / row->timed : 0);
		table_ns(&table, row->max_ns);
	}
	if (rows) {
		view_title(view, "System calls by task", "%zu of %zu by total time", nr_rows, by_task->count);
		table_print(&table, view->out, view->colour);
	}
	free(rows);
}

static void view_unfinished(const struct report_view *view, const void **rows, size_t count)
{
	size_t shown = 0;

	for (size_t i = 0; i < count; i++) {
		const struct syscall_row *row = rows[i];

		if (!row->unfinished || shown > UNFINISHED_SHOWN)
			continue;
		if (shown++ == UNFINISHED_SHOWN)
			fputs(", ...", view->out);
		else
			fprintf(view->out, "%s %s %s", shown == 1 ? "  not returned at the end:" : ",",
				human_count(row->unfinished).text, report_syscall(row->key).text);
	}
	if (shown)
		fputc('\n', view->out);
}

void view_syscalls(const struct report_view *view)
{
	static const char *const headers[] = {
		"<syscall", "count", "total", "mean", "p50", "p99", "max", "off CPU", "<errors", NULL};
	const struct syscalls *syscalls = &view->analysis->syscalls;
	const struct syscall_row *others = syscalls->rows.others;
	const void **rows = capped_table_sorted(&syscalls->rows, report_compare_syscalls);
	size_t nr_rows = view_rows(view, syscalls->rows.count);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (size_t i = 0; rows && i < nr_rows; i++)
		if (((const struct syscall_row *)rows[i])->exits)
			row_of_syscall(view, &table, rows[i]);
	if (others->exits)
		row_of_syscall(view, &table, others);
	if (rows) {
		view_title(view, "System calls", "%zu of %zu by total time", nr_rows, syscalls->rows.count);
		table_print(&table, view->out, view->colour);
		view_unfinished(view, rows, syscalls->rows.count);
		if (syscalls->unmatched)
			fprintf(view->out,
				"  %s returned whose start is not in the trace: counted, not timed\n",
				human_count(syscalls->unmatched).text);
	}
	free(rows);
	if (view->report->by_task)
		view_calls_by_task(view);
}

static void row_of_interrupt(const struct report_view *view, struct table *table, enum interrupt_kind kind,
	const struct interrupt_row *row)
{
	table_foreign(table, report_interrupt(view->machine->machine, kind, row->key).text, 36);
	table_count(table, row->own.histogram.count);
	cells_of_durations(table, &row->own);
	table_ns(table, row->elapsed_ns);
}

static void view_kind(
	const struct report_view *view, enum interrupt_kind kind, const char *title, const char *name)
{
	const char *const headers[] = {
		name, "count", "total", "mean", "p50", "p99", "max", "with nested", NULL};
	const struct capped_table *table_of_kind = &view->analysis->interrupts.rows[kind];
	const struct interrupt_row *others = table_of_kind->others;
	const void **rows = capped_table_sorted(table_of_kind, report_compare_interrupts);
	size_t nr_rows = view_rows(view, table_of_kind->count);
	cleanup_table struct table table = {0};

	if (!rows)
		return;
	table_init(&table, headers);
	for (size_t i = 0; i < nr_rows; i++)
		row_of_interrupt(view, &table, kind, rows[i]);
	if (others->own.histogram.count)
		row_of_interrupt(view, &table, kind, others);
	if (nr_rows < table_of_kind->count)
		view_title(view, title, "%zu of %zu by own time", nr_rows, table_of_kind->count);
	else
		view_title(view, title, NULL);
	table_print(&table, view->out, view->colour);
	free(rows);
}

static void view_delays(const struct report_view *view)
{
	static const char *const headers[] = {
		"<softirq", "count", "mean", "p50", "p99", "max", "at", "cpu", NULL};
	const struct capped_table *delays = &view->analysis->interrupts.delays;
	cleanup_table struct table table = {0};

	if (!delays->count)
		return;
	table_init(&table, headers);
	for (size_t i = 0; i < delays->count; i++) {
		const struct interrupt_delay *row = capped_table_row(delays, i);
		const struct histogram *histogram = &row->delay.histogram;

		table_cell(&table, "%s",
			report_interrupt(view->machine->machine, INTERRUPT_SOFT, row->key).text);
		table_count(&table, histogram->count);
		table_ns(&table, durations_mean_ns(&row->delay));
		table_ns(&table, histogram_percentile(histogram, 50));
		table_ns(&table, histogram_percentile(histogram, 99));
		table_ns(&table, histogram->max);
		table_cell(&table, "%s", view_when(view, row->delay.max_at_ns).text);
		table_cell(&table, "%u", row->delay.max_cpu);
	}
	view_title(view, "Softirq delay", "from being raised until it runs");
	table_print(&table, view->out, view->colour);
}

void view_interrupts(const struct report_view *view)
{
	view_kind(view, INTERRUPT_HARD, "Interrupts", "<irq");
	view_kind(view, INTERRUPT_SOFT, "Softirqs", "<softirq");
	view_delays(view);
	view_kind(view, INTERRUPT_HRTIMER, "High-resolution timers", "<function");
	view_kind(view, INTERRUPT_TIMER, "Timers", "<function");
}

static int compare_faults(const void *a, const void *b)
{
	const struct task *one = *(const struct task *const *)a, *other = *(const struct task *const *)b;
	uint64_t faults = one->faults_user + one->faults_kernel,
		 others = other->faults_user + other->faults_kernel;

	if (faults != others)
		return faults < others ? 1 : -1;
	return (one->pid > other->pid) - (one->pid < other->pid);
}

static void view_fault_tasks(const struct report_view *view)
{
	static const char *const headers[] = {"<task", "pid", "in user mode", "in the kernel", NULL};
	const struct task_table *tasks = &view->analysis->tasks;
	const struct task **rows = task_table_sorted(tasks, compare_faults);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (size_t i = 0; rows && i < view_rows(view, tasks->nr_rows); i++) {
		if (!rows[i]->faults_user && !rows[i]->faults_kernel)
			break;
		table_foreign(&table, rows[i]->comm, 16);
		table_cell(&table, "%u", rows[i]->pid);
		table_count(&table, rows[i]->faults_user);
		table_count(&table, rows[i]->faults_kernel);
	}
	table_print(&table, view->out, view->colour);
	free(rows);
}

void view_faults(const struct report_view *view)
{
	static const char *const headers[] = {"<faulting function of the kernel", "count", NULL};
	const struct faults *faults = &view->analysis->faults;
	size_t nr;
	struct report_function_count *functions = report_fault_functions(view->machine, &nr);
	cleanup_table struct table table = {0};

	if (faults->user || faults->kernel) {
		view_title(view, "Page faults",
			"%s in user mode, %s in the kernel; %s by writing, %s for lack of rights",
			human_count(faults->user).text, human_count(faults->kernel).text,
			human_count(faults->writes).text, human_count(faults->protection).text);
		view_fault_tasks(view);
	}
	table_init(&table, headers);
	for (size_t i = 0; functions && i < view_rows(view, nr); i++) {
		table_foreign(&table, functions[i].name.text, 40);
		table_count(&table, functions[i].count);
	}
	if (functions)
		table_print(&table, view->out, view->colour);
	free(functions);
}
