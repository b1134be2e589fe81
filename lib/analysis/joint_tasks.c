/* SPDX-License-Identifier: MIT */
#include "lib/analysis/joint_tasks.h"

#include <stdlib.h>
#include <string.h>

/* A ring of turns; the first holds, until the second begins. */
struct joint_turns {
	struct joint_turn turns[JOINT_TASKS_TURNS];
	uint32_t first, count; /* count is never 0 */
	uint64_t seen_ns;      /* the CPU's last event */
};

void joint_tasks_deinit(struct joint_tasks *tasks)
{
	for (uint32_t i = 0; i < tasks->nr_vcpus; i++)
		free(tasks->vcpus[i]);
	free(tasks->vcpus);
	*tasks = (struct joint_tasks){0};
}

static struct joint_turns *at(struct joint_tasks *tasks, uint32_t vcpu)
{
	if (vcpu >= tasks->nr_vcpus) {
		uint32_t room = (vcpu | 15) + 1;
		struct joint_turns **vcpus = reallocarray(tasks->vcpus, room, sizeof(struct joint_turns *));

		if (!vcpus)
			return NULL;
		memset(vcpus + tasks->nr_vcpus, 0, (room - tasks->nr_vcpus) * sizeof(*vcpus));
		tasks->vcpus = vcpus;
		tasks->nr_vcpus = room;
	}
	if (!tasks->vcpus[vcpu]) {
		tasks->vcpus[vcpu] = calloc(1, sizeof(**tasks->vcpus));
		if (tasks->vcpus[vcpu])
			tasks->vcpus[vcpu]->count = 1; /* nobody known, from 0 on */
	}
	return tasks->vcpus[vcpu];
}

static struct joint_turn *turn(struct joint_turns *turns, uint32_t number)
{
	return &turns->turns[(turns->first + number) % JOINT_TASKS_TURNS];
}

static void push(struct joint_tasks *tasks, struct joint_turns *turns, uint64_t from_ns, struct task *task)
{
	const struct joint_turn *last = turn(turns, turns->count - 1);

	if (last->task == task)
		return;
	if (from_ns < last->from_ns)
		from_ns = last->from_ns;
	if (turns->count == JOINT_TASKS_TURNS) {
		turns->first++;
		turns->count--;
		turn(turns, 0)->task = NULL;
		tasks->forgotten++;
	}
	*turn(turns, turns->count++) = (struct joint_turn){from_ns, task};
}

void joint_tasks_event(struct joint_tasks *tasks, struct joint *joint, const struct joint_guest_event *event)
{
	struct task_table *table = &joint->tasks[event->machine];
	struct joint_turns *turns = event->vcpu == JOINT_NONE ? NULL : at(tasks, event->vcpu);

	if (!turns)
		return;
	if (event->layout->kind == KERNEL_EVENT_LOST)
		push(tasks, turns, turns->seen_ns, NULL);
	push(tasks, turns, event->now_ns, task_table_at(table, event->pid));
	if (event->layout->kind == KERNEL_EVENT_SWITCH)
		push(tasks, turns, event->now_ns,
			task_table_at(table, (uint32_t)kernel_event_value(event->layout, 0, event->payload)));
	turns->seen_ns = event->now_ns;
}

void joint_tasks_interval(struct joint_tasks *tasks, const struct vcpu_interval *interval)
{
	struct joint_turns *turns = at(tasks, interval->vcpu);

	for (uint64_t at_ns = interval->from_ns; turns && at_ns < interval->to_ns;) {
		uint64_t end_ns = interval->to_ns;
		struct task *task;

		if (turns->count > 1 && turn(turns, 1)->from_ns <= at_ns) {
			turns->first++;
			turns->count--;
			continue;
		}
		if (turns->count > 1 && turn(turns, 1)->from_ns < end_ns)
			end_ns = turn(turns, 1)->from_ns;
		task = turn(turns, 0)->task;
		if (task)
			task->vcpu_ns[interval->state] += end_ns - at_ns;
		at_ns = end_ns;
	}
}
