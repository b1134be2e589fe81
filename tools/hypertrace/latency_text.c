/* SPDX-License-Identifier: MIT */
/* Wake-ups of guests, for people. */
#include <stdlib.h>

#include "tools/hypertrace/human.h"
#include "tools/hypertrace/joint_text.h"
#include "tools/hypertrace/latency_view.h"
#include "tools/hypertrace/table.h"

#define NAME_WIDTH 32

struct text {
	const struct latency_view *view;
	FILE *out;
	bool colour;
};

static void cells_of(
	struct table *table, const char *name, const struct histogram *part, const struct histogram *total)
{
	table_cell(table, "%s", name);
	table_ns(table, part->sum);
	table_cell(table, "%s", human_share(part->sum, total->sum).text);
	table_ns(table, part->count ? part->sum / part->count : 0);
	table_ns(table, histogram_percentile(part, 50));
	table_ns(table, histogram_percentile(part, 90));
	table_ns(table, histogram_percentile(part, 99));
	table_ns(table, histogram_percentile(part, 99.9));
	table_ns(table, part->max);
}

static void show_guest(const struct text *text, uint32_t machine)
{
	static const char *const headers[] = {
		"<", "total", "share", "mean", "p50", "p90", "p99", "p99.9", "max", NULL};
	static const char *const names[JOINT_PARTS] = {
		"guest's scheduler", "hypervisor", "host", "not known"};
	const struct joint_latency_guest *guest = text->view->latency.guests[machine];
	const char *name = text->view->feed.trace->machines[machine].name;
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	cells_of(&table, "from waking to running", &guest->total, &guest->total);
	for (int part = 0; part < JOINT_PARTS && joint_is_hosted(text->view->feed.joint, machine); part++)
		if (part != JOINT_PART_UNKNOWN || guest->parts[part].sum)
			cells_of(&table, names[part], &guest->parts[part], &guest->total);
	text_put_title(text->out, text->colour, "Wake-ups", "%s of tasks of %s",
		human_count(guest->total.count).text, name);
	table_print(&table, text->out, text->colour);
	if (!joint_is_hosted(text->view->feed.joint, machine))
		fprintf(text->out,
			"  no host of %s is in the trace: whether its scheduler, the hypervisor or the host took the "
			"time is not known\n",
			name);
}

static void cells_of_parts(struct table *table, const uint64_t parts_ns[JOINT_PARTS])
{
	for (int part = 0; part < JOINT_PARTS; part++)
		table_ns(table, parts_ns[part]);
}

static void show_tasks(const struct text *text)
{
	static const char *const headers[] = {"<guest", "<task", "pid", "wake-ups", "waited", "mean", "max",
		"at", "guest", "hypervisor", "host", "not known", NULL};
	size_t count;
	struct latency_task *rows = latency_view_tasks(text->view, &count);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (size_t i = 0; i < latency_view_shown(text->view, count); i++) {
		const struct task *task = rows[i].task;

		table_foreign(&table, text->view->feed.trace->machines[rows[i].machine].name, NAME_WIDTH);
		table_foreign(&table, task->comm[0] ? task->comm : "?", 16);
		table_cell(&table, "%u", task->pid);
		table_count(&table, task->woken.count);
		table_ns(&table, task->woken.total_ns);
		table_ns(&table, task->woken.total_ns / task->woken.count);
		table_ns(&table, task->woken.max_ns);
		table_cell(&table, "%s", joint_feed_when(&text->view->feed, task->woken.max_at_ns).text);
		cells_of_parts(&table, task->woken_parts_ns);
	}
	if (count) {
		text_put_title(text->out, text->colour, "Tasks", "%zu of %zu, by the longest wait",
			latency_view_shown(text->view, count), count);
		table_print(&table, text->out, text->colour);
	}
	free(rows);
}

static void show_worst(const struct text *text)
{
	static const char *const headers[] = {"waited", "at", "<guest", "cpu", "<task", "pid", "guest",
		"hypervisor", "host", "not known", "<by", NULL};
	const struct joint_latency *latency = &text->view->latency;
	cleanup_table struct table table = {0};
	char culprit[64];

	table_init(&table, headers);
	for (size_t i = 0; i < latency_view_shown(text->view, latency->nr_worst); i++) {
		const struct joint_wakeup *one = &latency->worst[i];

		table_ns(&table, one->run_ns - one->woken_ns);
		table_cell(&table, "%s", joint_feed_when(&text->view->feed, one->woken_ns).text);
		table_foreign(&table, text->view->feed.trace->machines[one->machine].name, NAME_WIDTH);
		table_cell(&table, "%u", one->cpu);
		table_foreign(&table, one->task->comm[0] ? one->task->comm : "?", 16);
		table_cell(&table, "%u", one->task->pid);
		cells_of_parts(&table, one->parts_ns);
		snprintf(culprit, sizeof(culprit), "%s/%u", one->culprit.comm, one->culprit.pid);
		table_foreign(&table, one->culprit.pid ? culprit : "-", NAME_WIDTH);
	}
	if (latency->nr_worst) {
		text_put_title(text->out, text->colour, "The worst",
			"the last column: who had the vCPU's pCPU meanwhile");
		table_print(&table, text->out, text->colour);
	}
}

void latency_text(const struct latency_view *view, FILE *out, bool colour)
{
	const struct text text = {view, out, colour};

	joint_text_head(&view->feed, out, colour);
	if (view->latency.left_out)
		fprintf(out, "  %s wake-ups left out: too many until it was certain what their vCPU did\n",
			human_count(view->latency.left_out).text);
	if (!view->latency.count)
		fputs("  no wake-ups: they need sched_waking and sched_switch of a guest\n", out);
	for (uint32_t i = 0; i < view->latency.nr_machines; i++)
		if (view->latency.guests[i])
			show_guest(&text, i);
	show_tasks(&text);
	show_worst(&text);
}
