/* SPDX-License-Identifier: MIT */
/* What vCPUs did, as JSON: times in ns, `at_ns` since the trace's start. */
#include <errno.h>
#include <stdlib.h>

#include "tools/hypertrace/joint_json.h"
#include "tools/hypertrace/vcpu_view.h"

static json_t *vcpu_row(const struct vcpu_view *view, uint32_t number)
{
	const struct joint_vcpu_states *states = joint_states_of(&view->states, number);
	json_t *row = joint_json_vcpu(&view->feed, number), *times = json_object();

	for (int state = 0; state < VCPU_STATES; state++)
		json_set_count(times, vcpu_state_name((enum vcpu_state)state), states->ns[state]);
	json_object_set_new(row, "states_ns", times);
	json_set_count(row, "stolen_ns", joint_stolen_ns(states));
	json_set_count(row, "exits", states->exits);
	json_set_count(row, "migrations", states->migrations);
	json_object_set_new(row, "preempted", joint_json_histogram(&states->preempted));
	json_object_set_new(row, "waiting", joint_json_histogram(&states->waiting));
	return row;
}

static json_t *vcpus_json(const struct vcpu_view *view)
{
	json_t *array = json_array();
	size_t count;
	uint32_t *order = joint_feed_sorted(&view->feed, &count);

	for (size_t i = 0; i < count; i++)
		if (view->feed.joint->vcpus[order[i]].wanted && joint_states_of(&view->states, order[i]))
			json_array_append_new(array, vcpu_row(view, order[i]));
	free(order);
	return array;
}

static void set_task(json_t *row, const struct vcpu_task *task)
{
	json_set_count(row, "pid", task->pid);
	json_set_count(row, "tgid", task->tgid);
	json_set_text(row, "comm", task->comm);
}

static json_t *longest_json(const struct vcpu_view *view)
{
	json_t *array = json_array();

	for (size_t i = 0; i < vcpu_view_rows(view, view->states.nr_longest); i++) {
		const struct joint_preemption *one = &view->states.longest[i];
		json_t *row = joint_json_vcpu(&view->feed, one->vcpu), *by = json_object();

		json_set_count(row, "at_ns", joint_json_since(&view->feed, one->at_ns));
		json_set_count(row, "duration_ns", one->duration_ns);
		if (one->pcpu != VCPU_NO_PCPU)
			json_set_count(row, "pcpu", one->pcpu);
		json_set_text(row, "kind", one->woken ? "waiting" : "preempted");
		set_task(by, &one->culprit);
		json_object_set_new(row, "by", by);
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *culprits_json(const struct vcpu_view *view)
{
	const struct joint_culprit **rows = vcpu_view_culprits(view);
	json_t *array = json_array();

	for (size_t i = 0; rows && i < vcpu_view_rows(view, view->states.culprits.count); i++) {
		json_t *row = json_object();

		set_task(row, &rows[i]->task);
		json_set_count(row, "count", rows[i]->count);
		json_set_count(row, "total_ns", rows[i]->total_ns);
		json_set_count(row, "max_ns", rows[i]->max_ns);
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

static json_t *ways_json(const struct vcpu_view *view)
{
	const struct joint_way **rows = vcpu_view_ways(view);
	json_t *array = json_array();

	for (size_t i = 0; rows && i < vcpu_view_rows(view, view->states.ways.count); i++) {
		json_t *row = joint_json_vcpu(&view->feed, (uint32_t)(rows[i]->key >> 32));

		json_set_count(row, "from_pcpu", rows[i]->key >> 16 & 0xffff);
		json_set_count(row, "to_pcpu", rows[i]->key & 0xffff);
		json_set_count(row, "count", rows[i]->count);
		json_set_count(row, "waited_ns", rows[i]->waited_ns);
		json_set_count(row, "max_waited_ns", rows[i]->max_waited_ns);
		json_set_count(row, "entries", rows[i]->entries);
		json_set_count(row, "entry_ns", rows[i]->entry_ns);
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

static json_t *tasks_json(const struct vcpu_view *view)
{
	json_t *array = json_array();
	size_t count;
	struct vcpu_view_task *rows = vcpu_view_tasks(view, &count);

	for (size_t i = 0; i < vcpu_view_rows(view, count); i++) {
		const struct task *task = rows[i].task;
		json_t *row = json_object(), *times = json_object();

		json_set_text(row, "machine", view->feed.trace->machines[rows[i].machine].name);
		json_set_text(row, "comm", task->comm);
		json_set_count(row, "pid", task->pid);
		for (int state = 0; state < VCPU_STATES; state++)
			json_set_count(times, vcpu_state_name((enum vcpu_state)state), task->vcpu_ns[state]);
		json_object_set_new(row, "states_ns", times);
		json_set_count(row, "scheduled_ns", vcpu_view_in_ns(task));
		json_set_count(row, "off_ns", vcpu_view_off_ns(task));
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

int vcpu_json(const struct vcpu_view *view, FILE *out)
{
	json_t *root = joint_json_head(&view->feed);

	json_object_set_new(root, "vcpus", vcpus_json(view));
	json_object_set_new(root, "longest", longest_json(view));
	json_object_set_new(root, "culprits", culprits_json(view));
	json_object_set_new(root, "migrations", ways_json(view));
	json_object_set_new(root, "tasks", tasks_json(view));
	return json_write(root, 0, out);
}
