/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/vcpu_view.h"

#include <stdlib.h>

size_t vcpu_view_rows(const struct vcpu_view *view, size_t count)
{
	return view->top && view->top < count ? view->top : count;
}

uint64_t vcpu_view_off_ns(const struct task *task)
{
	return task->vcpu_ns[VCPU_PREEMPTED] + task->vcpu_ns[VCPU_WAITING];
}

uint64_t vcpu_view_in_ns(const struct task *task)
{
	uint64_t ns = 0;

	for (int state = VCPU_UNKNOWN + 1; state < VCPU_STATES; state++)
		ns += task->vcpu_ns[state];
	return ns;
}

static int compare_tasks(const void *a, const void *b)
{
	const struct vcpu_view_task *one = a, *other = b;
	uint64_t one_off = vcpu_view_off_ns(one->task), other_off = vcpu_view_off_ns(other->task);
	uint64_t one_in = vcpu_view_in_ns(one->task), other_in = vcpu_view_in_ns(other->task);

	if (one_off != other_off)
		return one_off > other_off ? -1 : 1;
	if (one_in != other_in)
		return one_in > other_in ? -1 : 1;
	if (one->machine != other->machine)
		return one->machine < other->machine ? -1 : 1;
	return (one->task->pid > other->task->pid) - (one->task->pid < other->task->pid);
}

struct vcpu_view_task *vcpu_view_tasks(const struct vcpu_view *view, size_t *count)
{
	const struct joint *joint = view->feed.joint;
	struct vcpu_view_task *rows;
	size_t all = 0;

	*count = 0;
	for (uint32_t i = 0; i < joint->nr_machines; i++)
		all += joint->tasks[i].nr_rows;
	rows = all ? calloc(all, sizeof(*rows)) : NULL;
	for (uint32_t i = 0; rows && i < joint->nr_machines; i++)
		for (uint32_t j = 0; j < joint->tasks[i].nr_rows; j++) {
			const struct task *task = joint->tasks[i].rows[j];

			if (task->wanted && vcpu_view_in_ns(task))
				rows[(*count)++] = (struct vcpu_view_task){i, task};
		}
	if (rows)
		qsort(rows, *count, sizeof(*rows), compare_tasks);
	return rows;
}

static int compare_culprits(const void *a, const void *b)
{
	const struct joint_culprit *one = *(const struct joint_culprit *const *)a;
	const struct joint_culprit *other = *(const struct joint_culprit *const *)b;

	if (one->total_ns != other->total_ns)
		return one->total_ns > other->total_ns ? -1 : 1;
	return (one->key > other->key) - (one->key < other->key);
}

const struct joint_culprit **vcpu_view_culprits(const struct vcpu_view *view)
{
	return (const struct joint_culprit **)capped_table_sorted(&view->states.culprits, compare_culprits);
}

static int compare_ways(const void *a, const void *b)
{
	const struct joint_way *one = *(const struct joint_way *const *)a;
	const struct joint_way *other = *(const struct joint_way *const *)b;

	if (one->count != other->count)
		return one->count > other->count ? -1 : 1;
	return (one->key > other->key) - (one->key < other->key);
}

const struct joint_way **vcpu_view_ways(const struct vcpu_view *view)
{
	return (const struct joint_way **)capped_table_sorted(&view->states.ways, compare_ways);
}

struct joint_name vcpu_view_task_name(const struct vcpu_task *task)
{
	struct joint_name name = {"-"};

	if (task->pid)
		snprintf(name.text, sizeof(name.text), "%s/%u", task->comm[0] ? task->comm : "?", task->pid);
	return name;
}
