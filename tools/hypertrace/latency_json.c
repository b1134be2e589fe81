/* SPDX-License-Identifier: MIT */
/* Wake-ups of guests as JSON: times in ns, `at_ns` since the trace's start. */
#include <stdlib.h>

#include "tools/hypertrace/joint_json.h"
#include "tools/hypertrace/latency_view.h"

static json_t *parts_json(const uint64_t parts_ns[JOINT_PARTS])
{
	json_t *row = json_object();

	for (int part = 0; part < JOINT_PARTS; part++)
		json_set_count(row, joint_latency_part_name((enum joint_latency_part)part), parts_ns[part]);
	return row;
}

static json_t *guest_json(const struct latency_view *view, uint32_t machine)
{
	const struct joint_latency_guest *guest = view->latency.guests[machine];
	json_t *row = json_object(), *parts = json_object();

	json_set_text(row, "machine", view->feed.trace->machines[machine].name);
	json_object_set_new(row, "joint", json_boolean(joint_is_hosted(view->feed.joint, machine)));
	json_object_set_new(row, "total", joint_json_histogram(&guest->total));
	for (int part = 0; part < JOINT_PARTS; part++)
		json_object_set_new(parts, joint_latency_part_name((enum joint_latency_part)part),
			joint_json_histogram(&guest->parts[part]));
	json_object_set_new(row, "parts", parts);
	return row;
}

static void set_task(const struct latency_view *view, json_t *row, uint32_t machine, const struct task *task)
{
	json_set_text(row, "machine", view->feed.trace->machines[machine].name);
	json_set_text(row, "comm", task->comm);
	json_set_count(row, "pid", task->pid);
}

static json_t *tasks_json(const struct latency_view *view)
{
	json_t *array = json_array();
	size_t count;
	struct latency_task *rows = latency_view_tasks(view, &count);

	for (size_t i = 0; i < latency_view_shown(view, count); i++) {
		const struct task *task = rows[i].task;
		json_t *row = json_object();

		set_task(view, row, rows[i].machine, task);
		json_set_count(row, "count", task->woken.count);
		json_set_count(row, "total_ns", task->woken.total_ns);
		json_set_count(row, "max_ns", task->woken.max_ns);
		json_set_count(row, "max_at_ns", joint_json_since(&view->feed, task->woken.max_at_ns));
		json_object_set_new(row, "parts_ns", parts_json(task->woken_parts_ns));
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

static json_t *worst_json(const struct latency_view *view)
{
	json_t *array = json_array();

	for (size_t i = 0; i < latency_view_shown(view, view->latency.nr_worst); i++) {
		const struct joint_wakeup *one = &view->latency.worst[i];
		json_t *row = json_object();

		set_task(view, row, one->machine, one->task);
		json_set_count(row, "cpu", one->cpu);
		json_set_count(row, "waking_cpu", one->waking_cpu);
		json_set_count(row, "at_ns", joint_json_since(&view->feed, one->woken_ns));
		json_set_count(row, "duration_ns", one->run_ns - one->woken_ns);
		json_object_set_new(row, "parts_ns", parts_json(one->parts_ns));
		if (one->culprit.pid) {
			json_set_text(row, "by_comm", one->culprit.comm);
			json_set_count(row, "by_pid", one->culprit.pid);
		}
		json_array_append_new(array, row);
	}
	return array;
}

int latency_json(const struct latency_view *view, FILE *out)
{
	json_t *root = joint_json_head(&view->feed), *guests = json_array();

	for (uint32_t i = 0; i < view->latency.nr_machines; i++)
		if (view->latency.guests[i])
			json_array_append_new(guests, guest_json(view, i));
	json_set_count(root, "left_out", view->latency.left_out);
	json_object_set_new(root, "guests", guests);
	json_object_set_new(root, "tasks", tasks_json(view));
	json_object_set_new(root, "worst", worst_json(view));
	return json_write(root, 0, out);
}
