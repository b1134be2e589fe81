/* SPDX-License-Identifier: MIT */
/* Exits, for people. */
#include <stdlib.h>

#include "tools/hypertrace/exits_view.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/joint_text.h"
#include "tools/hypertrace/table.h"

#define NAME_WIDTH 32

struct text {
	const struct exits_view *view;
	FILE *out;
	bool colour;
};

static void title(const struct text *text, const char *what, size_t count)
{
	size_t shown = exits_view_shown(text->view, count);

	if (shown < count)
		text_put_title(text->out, text->colour, what, "%zu of %zu", shown, count);
	else
		text_put_title(text->out, text->colour, what, NULL);
}

static void show_reasons(const struct text *text)
{
	static const char *const headers[] = {"<reason", "count", "share", "total", "time", "on pCPU", "min",
		"mean", "p50", "p99", "p99.9", "max", "at", "to the VMM", "lost pCPU", NULL};
	const struct joint_exits *exits = &text->view->exits;
	const struct joint_exit_reason **rows = exits_view_reasons(text->view);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (size_t i = 0; rows && i < exits_view_shown(text->view, exits->reasons.count); i++) {
		const struct joint_exit_reason *row = rows[i];
		const struct histogram *durations = &row->durations;

		table_foreign(&table, exits_view_reason(row->key).text, NAME_WIDTH);
		table_count(&table, durations->count);
		table_cell(&table, "%s", human_share(durations->count, exits->count).text);
		table_ns(&table, durations->sum);
		table_cell(&table, "%s", human_share(durations->sum, exits->total_ns).text);
		table_ns(&table, row->on_ns);
		table_ns(&table, durations->min);
		table_ns(&table, durations->count ? durations->sum / durations->count : 0);
		table_ns(&table, histogram_percentile(durations, 50));
		table_ns(&table, histogram_percentile(durations, 99));
		table_ns(&table, histogram_percentile(durations, 99.9));
		table_ns(&table, durations->max);
		if (durations->count)
			table_cell(&table, "%s", joint_feed_when(&text->view->feed, row->max_at_ns).text);
		else
			table_cell(&table, "-");
		table_count(&table, row->user);
		table_count(&table, row->lost_pcpu);
	}
	title(text, "Reasons", exits->reasons.count);
	table_print(&table, text->out, text->colour);
	free(rows);
}

/* The cells behind a row's name. */
static void cells(struct table *table, const struct text *text, uint64_t count, uint64_t total_ns,
	uint64_t max_ns, uint64_t max_at_ns)
{
	table_count(table, count);
	table_cell(table, "%s", human_share(count, text->view->exits.count).text);
	table_ns(table, total_ns);
	table_ns(table, count ? total_ns / count : 0);
	table_ns(table, max_ns);
	table_cell(table, "%s", joint_feed_when(&text->view->feed, max_at_ns).text);
}

static void show_vcpus(const struct text *text)
{
	static const char *const headers[] = {
		"<VM", "vCPU", "count", "share", "total", "mean", "max", "at", "per second", NULL};
	const struct joint *joint = text->view->feed.joint;
	const struct joint_exit_row **rows = exits_view_rows(text->view, &text->view->exits.vcpus);
	uint64_t ns = joint_end_ns(joint) - joint_start_ns(joint);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (size_t i = 0; rows && i < exits_view_shown(text->view, text->view->exits.vcpus.count); i++) {
		uint32_t number = (uint32_t)rows[i]->key;

		table_foreign(&table, joint_feed_vm(&text->view->feed, number).text, NAME_WIDTH);
		table_cell(&table, "%u", joint->vcpus[number].number);
		cells(&table, text, rows[i]->count, rows[i]->total_ns, rows[i]->max_ns, rows[i]->max_at_ns);
		table_count(&table, ns ? (uint64_t)((double)rows[i]->count * 1e9 / (double)ns) : 0);
	}
	if (rows) {
		title(text, "vCPUs", text->view->exits.vcpus.count);
		table_print(&table, text->out, text->colour);
	}
	free(rows);
}

static void show_tasks(const struct text *text)
{
	static const char *const headers[] = {
		"<guest", "<task", "pid", "count", "share", "total", "mean", "max", "at", NULL};
	size_t count;
	struct exits_task *rows = exits_view_tasks(text->view, &count);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (size_t i = 0; i < exits_view_shown(text->view, count); i++) {
		const struct task *task = rows[i].task;

		table_foreign(&table, exits_view_guest(text->view, rows[i].machine), NAME_WIDTH);
		table_foreign(&table, task->comm[0] ? task->comm : task->pid ? "?" : "<idle>", 16);
		table_cell(&table, "%u", task->pid);
		cells(&table, text, task->exits.count, task->exits.total_ns, task->exits.max_ns,
			task->exits.max_at_ns);
	}
	if (count) {
		title(text, "Guests' tasks", count);
		table_print(&table, text->out, text->colour);
	}
	free(rows);
}

static void show_functions(const struct text *text)
{
	static const char *const headers[] = {
		"<guest", "<function", "count", "share", "total", "mean", "max", "at", NULL};
	size_t count;
	struct exits_function *rows = exits_view_functions(text->view, &count);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (size_t i = 0; i < exits_view_shown(text->view, count); i++) {
		table_foreign(&table, exits_view_guest(text->view, rows[i].machine), NAME_WIDTH);
		table_foreign(&table, rows[i].name, 40);
		cells(&table, text, rows[i].count, rows[i].total_ns, rows[i].max_ns, rows[i].max_at_ns);
	}
	if (count) {
		title(text, "Where in the guest", count);
		table_print(&table, text->out, text->colour);
	}
	free(rows);
}

static void show_hypercalls(const struct text *text)
{
	static const char *const headers[] = {
		"<hypercall", "count", "share", "total", "mean", "max", "at", NULL};
	const struct joint_exit_row **rows = exits_view_rows(text->view, &text->view->exits.hypercalls);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (size_t i = 0; rows && i < exits_view_shown(text->view, text->view->exits.hypercalls.count);
		i++) {
		table_foreign(&table, exits_view_hypercall(rows[i]->key).text, NAME_WIDTH);
		cells(&table, text, rows[i]->count, rows[i]->total_ns, rows[i]->max_ns, rows[i]->max_at_ns);
	}
	if (rows) {
		title(text, "Hypercalls", text->view->exits.hypercalls.count);
		table_print(&table, text->out, text->colour);
	}
	free(rows);
}

void exits_text(const struct exits_view *view, FILE *out, bool colour)
{
	const struct text text = {view, out, colour};
	const struct joint *joint = view->feed.joint;

	joint_text_head(&view->feed, out, colour);
	fprintf(out, "  %s exits, %s together\n", human_count(view->exits.count).text,
		human_ns(view->exits.total_ns).text);
	if (view->exits.headless)
		fprintf(out, "  %s more, whose beginning was not seen\n",
			human_count(view->exits.headless).text);
	if (joint->histograms && !joint->exits)
		fputs("  recorded as histograms: percentiles within a factor of 1.5, no tasks and no places in the guest\n",
			out);
	else if (!joint->nr_guests)
		fputs("  no guest of theirs is in the trace: tasks and functions are not known\n", out);
	if (!view->exits.count)
		return;
	show_reasons(&text);
	show_vcpus(&text);
	show_tasks(&text);
	show_functions(&text);
	show_hypercalls(&text);
}
