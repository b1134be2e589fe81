/* SPDX-License-Identifier: MIT */
/* Exits as JSON: times in ns, `max_at_ns` since the trace's start. */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/hypertrace/exits_view.h"
#include "tools/hypertrace/joint_json.h"

static void set_amounts(const struct exits_view *view, json_t *row, uint64_t count, uint64_t total_ns,
	uint64_t max_ns, uint64_t max_at_ns)
{
	json_set_count(row, "count", count);
	json_set_count(row, "total_ns", total_ns);
	json_set_count(row, "mean_ns", count ? total_ns / count : 0);
	json_set_count(row, "max_ns", max_ns);
	json_set_count(row, "max_at_ns", joint_json_since(&view->feed, max_at_ns));
}

static json_t *reasons_json(const struct exits_view *view)
{
	const struct joint_exit_reason **rows = exits_view_reasons(view);
	json_t *array = json_array();

	for (size_t i = 0; rows && i < exits_view_shown(view, view->exits.reasons.count); i++) {
		json_t *row = joint_json_histogram(&rows[i]->durations);

		json_set_text(row, "reason", exits_view_reason(rows[i]->key).text);
		json_set_count(row, "number", JOINT_EXITS_REASON(rows[i]->key));
		json_set_text(row, "isa",
			JOINT_EXITS_ISA(rows[i]->key) == 1           ? "vmx"
				: JOINT_EXITS_ISA(rows[i]->key) == 2 ? "svm"
								     : "unknown");
		json_object_set_new(row, "nested", json_boolean(JOINT_EXITS_NESTED(rows[i]->key)));
		json_set_count(row, "on_pcpu_ns", rows[i]->on_ns);
		json_set_count(row, "to_user", rows[i]->user);
		json_set_count(row, "lost_pcpu", rows[i]->lost_pcpu);
		json_set_count(row, "max_at_ns", joint_json_since(&view->feed, rows[i]->max_at_ns));
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

static json_t *vcpus_json(const struct exits_view *view)
{
	const struct joint_exit_row **rows = exits_view_rows(view, &view->exits.vcpus);
	json_t *array = json_array();

	for (size_t i = 0; rows && i < exits_view_shown(view, view->exits.vcpus.count); i++) {
		json_t *row = joint_json_vcpu(&view->feed, (uint32_t)rows[i]->key);

		set_amounts(
			view, row, rows[i]->count, rows[i]->total_ns, rows[i]->max_ns, rows[i]->max_at_ns);
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

static json_t *tasks_json(const struct exits_view *view)
{
	json_t *array = json_array();
	size_t count;
	struct exits_task *rows = exits_view_tasks(view, &count);

	for (size_t i = 0; i < exits_view_shown(view, count); i++) {
		const struct task_wait *exits = &rows[i].task->exits;
		json_t *row = json_object();

		json_set_text(row, "machine", exits_view_guest(view, rows[i].machine));
		json_set_text(row, "comm", rows[i].task->comm);
		json_set_count(row, "pid", rows[i].task->pid);
		set_amounts(view, row, exits->count, exits->total_ns, exits->max_ns, exits->max_at_ns);
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

static json_t *functions_json(const struct exits_view *view)
{
	json_t *array = json_array();
	size_t count;
	struct exits_function *rows = exits_view_functions(view, &count);

	for (size_t i = 0; i < exits_view_shown(view, count); i++) {
		json_t *row = json_object();

		if (rows[i].machine < view->feed.trace->nr_machines)
			json_set_text(row, "machine", exits_view_guest(view, rows[i].machine));
		json_object_set_new(
			row, "nested", json_boolean(rows[i].machine > view->feed.trace->nr_machines));
		json_set_text(row, "function", rows[i].name);
		set_amounts(view, row, rows[i].count, rows[i].total_ns, rows[i].max_ns, rows[i].max_at_ns);
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

static json_t *hypercalls_json(const struct exits_view *view)
{
	const struct joint_exit_row **rows = exits_view_rows(view, &view->exits.hypercalls);
	json_t *array = json_array();

	for (size_t i = 0; rows && i < exits_view_shown(view, view->exits.hypercalls.count); i++) {
		json_t *row = json_object();

		json_set_count(row, "nr", rows[i]->key & ~JOINT_EXITS_XEN);
		json_set_text(row, "name", exits_view_hypercall(rows[i]->key).text);
		set_amounts(
			view, row, rows[i]->count, rows[i]->total_ns, rows[i]->max_ns, rows[i]->max_at_ns);
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

int exits_json(const struct exits_view *view, FILE *out)
{
	json_t *root = joint_json_head(&view->feed);

	json_set_count(root, "exits", view->exits.count);
	json_set_count(root, "total_ns", view->exits.total_ns);
	json_set_count(root, "beginning_not_seen", view->exits.headless);
	json_object_set_new(
		root, "histograms", json_boolean(view->feed.joint->histograms && !view->feed.joint->exits));
	json_object_set_new(root, "reasons", reasons_json(view));
	json_object_set_new(root, "vcpus", vcpus_json(view));
	json_object_set_new(root, "tasks", tasks_json(view));
	json_object_set_new(root, "functions", functions_json(view));
	json_object_set_new(root, "hypercalls", hypercalls_json(view));
	return json_write(root, 0, out);
}
