/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/latency_view.h"

#include <stdlib.h>

size_t latency_view_shown(const struct latency_view *view, size_t count)
{
	return view->top && view->top < count ? view->top : count;
}

bool latency_view_is_joint(const struct latency_view *view)
{
	return view->feed.joint->nr_guests != 0;
}

static int compare_tasks(const void *a, const void *b)
{
	const struct latency_task *one = a, *other = b;

	if (one->task->woken.max_ns != other->task->woken.max_ns)
		return one->task->woken.max_ns > other->task->woken.max_ns ? -1 : 1;
	if (one->machine != other->machine)
		return one->machine < other->machine ? -1 : 1;
	return (one->task->pid > other->task->pid) - (one->task->pid < other->task->pid);
}

struct latency_task *latency_view_tasks(const struct latency_view *view, size_t *count)
{
	const struct joint *joint = view->feed.joint;
	struct latency_task *rows;
	size_t all = 0;

	*count = 0;
	for (uint32_t i = 0; i < joint->nr_machines; i++)
		all += joint->tasks[i].nr_rows;
	rows = all ? calloc(all, sizeof(*rows)) : NULL;
	for (uint32_t i = 0; rows && i < joint->nr_machines; i++)
		for (uint32_t j = 0; j < joint->tasks[i].nr_rows; j++)
			if (joint->tasks[i].rows[j]->woken.count)
				rows[(*count)++] = (struct latency_task){i, joint->tasks[i].rows[j]};
	if (rows)
		qsort(rows, *count, sizeof(*rows), compare_tasks);
	return rows;
}
