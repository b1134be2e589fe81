/* SPDX-License-Identifier: MIT */
/* What vCPUs did, for people. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hypertrace/human.h"
#include "tools/hypertrace/joint_text.h"
#include "tools/hypertrace/table.h"
#include "tools/hypertrace/vcpu_view.h"

#define NAME_WIDTH 32

struct text {
	const struct vcpu_view *view;
	FILE *out;
	bool colour;
	uint32_t *order; /* of vCPUs */
	size_t nr_vcpus;
};

static const char *const state_headers[VCPU_STATES] = {
	[VCPU_UNKNOWN] = "not known",
	[VCPU_GUEST] = "guest",
	[VCPU_EXIT] = "in exits",
	[VCPU_USER] = "VMM",
	[VCPU_HALTED] = "halted",
	[VCPU_BLOCKED] = "blocked",
	[VCPU_PREEMPTED] = "preempted",
	[VCPU_WAITING] = "waiting",
	[VCPU_RUNNING] = "on a pCPU",
};

/* In the order in which people ask. */
static const enum vcpu_state state_order[VCPU_STATES] = {
	VCPU_GUEST,
	VCPU_EXIT,
	VCPU_USER,
	VCPU_RUNNING,
	VCPU_HALTED,
	VCPU_BLOCKED,
	VCPU_PREEMPTED,
	VCPU_WAITING,
	VCPU_UNKNOWN,
};

static bool is_shown(const struct text *text, uint32_t vcpu)
{
	return text->view->feed.joint->vcpus[vcpu].wanted && joint_states_of(&text->view->states, vcpu);
}

/* Columns of states that no vCPU was in are left out. */
static size_t used_states(const struct text *text, enum vcpu_state used[VCPU_STATES])
{
	size_t count = 0;

	for (int i = 0; i < VCPU_STATES; i++) {
		bool any = false;

		for (size_t j = 0; j < text->nr_vcpus; j++)
			any |= is_shown(text, text->order[j]) &&
				joint_states_of(&text->view->states, text->order[j])->ns[state_order[i]];
		if (any)
			used[count++] = state_order[i];
	}
	return count;
}

static void cells_of_vcpu(struct table *table, const struct text *text, uint32_t vcpu)
{
	table_foreign(table, joint_feed_vm(&text->view->feed, vcpu).text, NAME_WIDTH);
	table_cell(table, "%u", text->view->feed.joint->vcpus[vcpu].number);
}

static void show_states(const struct text *text, bool shares)
{
	const char *headers[VCPU_STATES + 6] = {"<VM", "vCPU"};
	enum vcpu_state used[VCPU_STATES];
	size_t count = used_states(text, used), column = 2;
	cleanup_table struct table table = {0};

	for (size_t i = 0; i < count; i++)
		headers[column++] = state_headers[used[i]];
	if (!shares) {
		headers[column++] = "stolen";
		headers[column++] = "exits";
		headers[column++] = "migrations";
	}
	table_init(&table, headers);
	for (size_t i = 0; i < text->nr_vcpus; i++) {
		const struct joint_vcpu_states *states = joint_states_of(&text->view->states, text->order[i]);
		uint64_t all_ns = 0;

		if (!is_shown(text, text->order[i]))
			continue;
		cells_of_vcpu(&table, text, text->order[i]);
		for (int state = 0; state < VCPU_STATES; state++)
			all_ns += states->ns[state];
		for (size_t j = 0; j < count && shares; j++)
			table_cell(&table, "%s", human_share(states->ns[used[j]], all_ns).text);
		if (shares)
			continue;
		for (size_t j = 0; j < count; j++)
			table_ns(&table, states->ns[used[j]]);
		table_ns(&table, joint_stolen_ns(states));
		table_count(&table, states->exits);
		table_count(&table, states->migrations);
	}
	table_print(&table, text->out, text->colour);
}

static void show_waits(const struct text *text)
{
	static const char *const headers[] = {
		"<VM", "vCPU", "<", "count", "total", "mean", "p50", "p90", "p99", "max", NULL};
	cleanup_table struct table table = {0};
	uint64_t count = 0;

	table_init(&table, headers);
	for (size_t i = 0; i < text->nr_vcpus; i++) {
		const struct joint_vcpu_states *states = joint_states_of(&text->view->states, text->order[i]);

		for (int woken = 0; is_shown(text, text->order[i]) && woken < 2; woken++) {
			const struct histogram *waits = woken ? &states->waiting : &states->preempted;

			count += waits->count;
			if (!waits->count)
				continue;
			cells_of_vcpu(&table, text, text->order[i]);
			table_cell(&table, woken ? "after its waking" : "preempted");
			table_count(&table, waits->count);
			table_ns(&table, waits->sum);
			table_ns(&table, waits->sum / waits->count);
			table_ns(&table, histogram_percentile(waits, 50));
			table_ns(&table, histogram_percentile(waits, 90));
			table_ns(&table, histogram_percentile(waits, 99));
			table_ns(&table, waits->max);
		}
	}
	text_put_title(text->out, text->colour, "Without a pCPU", "%s",
		count ? "though they could run" : "never: whenever they could run they had one");
	if (count)
		table_print(&table, text->out, text->colour);
}

static void show_longest(const struct text *text)
{
	static const char *const headers[] = {"duration", "at", "<VM", "vCPU", "pCPU", "<", "<by", NULL};
	const struct joint_states *states = &text->view->states;
	cleanup_table struct table table = {0};

	if (!states->nr_longest)
		return;
	table_init(&table, headers);
	for (size_t i = 0; i < vcpu_view_rows(text->view, states->nr_longest); i++) {
		const struct joint_preemption *one = &states->longest[i];

		table_ns(&table, one->duration_ns);
		table_cell(&table, "%s", joint_feed_when(&text->view->feed, one->at_ns).text);
		cells_of_vcpu(&table, text, one->vcpu);
		if (one->pcpu == VCPU_NO_PCPU)
			table_cell(&table, "-");
		else
			table_cell(&table, "%u", one->pcpu);
		table_cell(&table, one->woken ? "waited" : "preempted");
		table_foreign(&table, vcpu_view_task_name(&one->culprit).text, NAME_WIDTH);
	}
	text_put_title(text->out, text->colour, "Longest without a pCPU", NULL);
	table_print(&table, text->out, text->colour);
}

static void show_culprits(const struct text *text)
{
	static const char *const headers[] = {
		"<task of the host", "pid", "times", "total", "mean", "max", "<of", NULL};
	const struct joint_culprit **rows = vcpu_view_culprits(text->view);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (size_t i = 0; rows && i < vcpu_view_rows(text->view, text->view->states.culprits.count); i++) {
		const struct joint_culprit *row = rows[i];

		table_foreign(&table,
			!row->task.pid              ? "(nobody)"
				: row->task.comm[0] ? row->task.comm
						    : "?",
			NAME_WIDTH);
		table_cell(&table, "%u", row->task.pid);
		table_count(&table, row->count);
		table_ns(&table, row->total_ns);
		table_ns(&table, row->total_ns / row->count);
		table_ns(&table, row->max_ns);
		table_foreign(&table, joint_feed_vcpu(&text->view->feed, row->victim).text, NAME_WIDTH);
	}
	if (rows) {
		text_put_title(text->out, text->colour, "Who had their pCPUs",
			"the last column: whose wait was the longest");
		table_print(&table, text->out, text->colour);
	}
	free(rows);
}

static void show_ways(const struct text *text)
{
	static const char *const headers[] = {
		"<VM", "vCPU", "from", "to", "times", "waited", "longest", "until guest code", NULL};
	const struct joint_way **rows = vcpu_view_ways(text->view);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (size_t i = 0; rows && i < vcpu_view_rows(text->view, text->view->states.ways.count); i++) {
		const struct joint_way *row = rows[i];

		cells_of_vcpu(&table, text, (uint32_t)(row->key >> 32));
		table_cell(&table, "%u", (unsigned)(row->key >> 16 & 0xffff));
		table_cell(&table, "%u", (unsigned)(row->key & 0xffff));
		table_count(&table, row->count);
		table_ns(&table, row->waited_ns);
		table_ns(&table, row->max_waited_ns);
		table_ns(&table, row->entries ? row->entry_ns / row->entries : 0);
	}
	if (rows) {
		text_put_title(text->out, text->colour, "Migrations",
			"between pCPUs: time that they waited around them, mean time from the new pCPU to guest code");
		table_print(&table, text->out, text->colour);
	}
	free(rows);
}

static void show_tasks(const struct text *text)
{
	static const char *const headers[] = {"<guest", "<task", "pid", "scheduled in", "really ran", "",
		"exits", "VMM", "no pCPU", "", "halted", NULL};
	size_t count;
	struct vcpu_view_task *rows = vcpu_view_tasks(text->view, &count);
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (size_t i = 0; i < vcpu_view_rows(text->view, count); i++) {
		const struct task *task = rows[i].task;
		uint64_t in_ns = vcpu_view_in_ns(task);

		table_foreign(&table, text->view->feed.trace->machines[rows[i].machine].name, NAME_WIDTH);
		table_foreign(&table, task->comm[0] ? task->comm : task->pid ? "?" : "<idle>", 16);
		table_cell(&table, "%u", task->pid);
		table_ns(&table, in_ns);
		table_ns(&table, task->vcpu_ns[VCPU_GUEST] + task->vcpu_ns[VCPU_RUNNING]);
		table_cell(&table, "%s",
			human_share(task->vcpu_ns[VCPU_GUEST] + task->vcpu_ns[VCPU_RUNNING], in_ns).text);
		table_ns(&table, task->vcpu_ns[VCPU_EXIT]);
		table_ns(&table, task->vcpu_ns[VCPU_USER]);
		table_ns(&table, vcpu_view_off_ns(task));
		table_cell(&table, "%s", human_share(vcpu_view_off_ns(task), in_ns).text);
		table_ns(&table, task->vcpu_ns[VCPU_HALTED] + task->vcpu_ns[VCPU_BLOCKED]);
	}
	if (count) {
		text_put_title(text->out, text->colour, "Guests' tasks",
			"%zu of %zu, those first whose vCPU was kept from its pCPU while they were scheduled in",
			vcpu_view_rows(text->view, count), count);
		table_print(&table, text->out, text->colour);
	}
	free(rows);
}

void vcpu_text(const struct vcpu_view *view, FILE *out, bool colour)
{
	const struct joint *joint = view->feed.joint;
	struct text text = {.view = view, .out = out, .colour = colour};

	text.order = joint_feed_sorted(&view->feed, &text.nr_vcpus);
	joint_text_head(&view->feed, out, colour);
	if (!joint->exits)
		fputs("  no exits recorded one by one: guest code and exits are not told apart\n", out);
	if (!joint->nr_guests)
		fputs("  no guest of theirs is in the trace: what their tasks got is not known\n", out);
	else if (!joint->switches)
		fputs("  no sched_switch of the guests recorded: what their tasks got is not known\n", out);
	text_put_title(out, colour, "vCPUs", NULL);
	show_states(&text, true);
	fputc('\n', out);
	show_states(&text, false);
	show_waits(&text);
	show_longest(&text);
	show_culprits(&text);
	show_ways(&text);
	if (joint->switches)
		show_tasks(&text);
	free(text.order);
}
