/* SPDX-License-Identifier: MIT */
#include "lib/analysis/joint_latency.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct past {
	uint64_t from_ns, to_ns;
	uint8_t state;
	struct vcpu_task culprit;
};

/* Two rings. */
struct joint_latency_vcpu {
	struct past history[JOINT_LATENCY_HISTORY];
	uint32_t history_end, nr_history;
	struct joint_wakeup pending[JOINT_LATENCY_PENDING]; /* in the order of run_ns */
	uint32_t pending_first, nr_pending;
};

const char *joint_latency_part_name(enum joint_latency_part part)
{
	static const char *const names[JOINT_PARTS] = {"guest", "hypervisor", "host", "unknown"};

	return part < JOINT_PARTS ? names[part] : "unknown";
}

int joint_latency_init(struct joint_latency *latency, uint32_t nr_machines)
{
	*latency = (struct joint_latency){.nr_machines = nr_machines, .sort = -1};
	latency->guests = calloc(nr_machines + 1, sizeof(struct joint_latency_guest *));
	return latency->guests ? 0 : -ENOMEM;
}

void joint_latency_deinit(struct joint_latency *latency)
{
	for (uint32_t i = 0; latency->guests && i < latency->nr_machines; i++)
		free(latency->guests[i]);
	for (uint32_t i = 0; i < latency->nr_vcpus; i++)
		free(latency->vcpus[i]);
	free(latency->guests);
	free(latency->vcpus);
	*latency = (struct joint_latency){0};
}

static struct joint_latency_vcpu *at(struct joint_latency *latency, uint32_t vcpu)
{
	if (vcpu >= latency->nr_vcpus) {
		uint32_t room = (vcpu | 15) + 1;
		struct joint_latency_vcpu **vcpus =
			reallocarray(latency->vcpus, room, sizeof(struct joint_latency_vcpu *));

		if (!vcpus)
			return NULL;
		memset(vcpus + latency->nr_vcpus, 0, (room - latency->nr_vcpus) * sizeof(*vcpus));
		latency->vcpus = vcpus;
		latency->nr_vcpus = room;
	}
	if (!latency->vcpus[vcpu])
		latency->vcpus[vcpu] = calloc(1, sizeof(**latency->vcpus));
	return latency->vcpus[vcpu];
}

/* --- a wake-up, split --- */

static enum joint_latency_part part_of(enum vcpu_state state)
{
	switch (state) {
	case VCPU_GUEST:
		return JOINT_PART_GUEST;
	case VCPU_EXIT:
	case VCPU_USER:
	case VCPU_HALTED:
	case VCPU_BLOCKED:
		return JOINT_PART_HYPERVISOR;
	case VCPU_PREEMPTED:
	case VCPU_WAITING:
		return JOINT_PART_HOST;
	default:
		return JOINT_PART_UNKNOWN;
	}
}

static void add_past(struct joint_wakeup *wakeup, const struct past *past)
{
	uint64_t from_ns = past->from_ns > wakeup->woken_ns ? past->from_ns : wakeup->woken_ns;
	uint64_t to_ns = past->to_ns < wakeup->run_ns ? past->to_ns : wakeup->run_ns;
	enum joint_latency_part part = part_of((enum vcpu_state)past->state);

	if (to_ns <= from_ns)
		return;
	wakeup->parts_ns[part] += to_ns - from_ns;
	if (part == JOINT_PART_HOST && to_ns - from_ns > wakeup->culprit_ns) {
		wakeup->culprit_ns = to_ns - from_ns;
		wakeup->culprit = past->culprit;
	}
}

static uint64_t weight(const struct joint_latency *latency, const struct joint_wakeup *wakeup)
{
	return latency->sort < 0 ? wakeup->run_ns - wakeup->woken_ns : wakeup->parts_ns[latency->sort];
}

static void keep_worst(struct joint_latency *latency, const struct joint_wakeup *wakeup)
{
	uint64_t own = weight(latency, wakeup);
	size_t place = latency->nr_worst;

	while (place && weight(latency, &latency->worst[place - 1]) < own)
		place--;
	if (place == JOINT_LATENCY_WORST || !own)
		return;
	if (latency->nr_worst < JOINT_LATENCY_WORST)
		latency->nr_worst++;
	memmove(latency->worst + place + 1, latency->worst + place,
		(latency->nr_worst - place - 1) * sizeof(*wakeup));
	latency->worst[place] = *wakeup;
}

static void take(struct joint_latency *latency, struct joint_wakeup *wakeup)
{
	uint64_t total_ns = wakeup->run_ns - wakeup->woken_ns, known_ns = 0;
	struct joint_latency_guest *guest = latency->guests[wakeup->machine];
	struct task *task = wakeup->task;

	if (!guest)
		guest = latency->guests[wakeup->machine] = calloc(1, sizeof(*guest));
	if (!guest)
		return;
	for (int part = 0; part < JOINT_PART_UNKNOWN; part++)
		known_ns += wakeup->parts_ns[part];
	wakeup->parts_ns[JOINT_PART_UNKNOWN] = total_ns - known_ns; /* also what no interval covers */
	histogram_add(&guest->total, total_ns);
	for (int part = 0; part < JOINT_PARTS; part++) {
		histogram_add(&guest->parts[part], wakeup->parts_ns[part]);
		task->woken_parts_ns[part] += wakeup->parts_ns[part];
	}
	task->woken.count++;
	task->woken.total_ns += total_ns;
	if (total_ns >= task->woken.max_ns) {
		task->woken.max_ns = total_ns;
		task->woken.max_at_ns = wakeup->woken_ns;
	}
	latency->count++;
	keep_worst(latency, wakeup);
}

static void split(struct joint_latency_vcpu *vcpu, struct joint_wakeup *wakeup)
{
	for (uint32_t i = 1; i <= vcpu->nr_history; i++) {
		const struct past *past = &vcpu->history[(vcpu->history_end - i) % JOINT_LATENCY_HISTORY];

		if (past->to_ns <= wakeup->woken_ns)
			break;
		add_past(wakeup, past);
	}
}

void joint_latency_interval(struct joint_latency *latency, const struct vcpu_interval *interval)
{
	struct joint_latency_vcpu *vcpu = at(latency, interval->vcpu);

	if (!vcpu)
		return;
	vcpu->history[vcpu->history_end++ % JOINT_LATENCY_HISTORY] = (struct past){
		interval->from_ns, interval->to_ns, (uint8_t)interval->state, interval->culprit};
	if (vcpu->nr_history < JOINT_LATENCY_HISTORY)
		vcpu->nr_history++;
	while (vcpu->nr_pending) {
		struct joint_wakeup *wakeup = &vcpu->pending[vcpu->pending_first % JOINT_LATENCY_PENDING];

		if (wakeup->run_ns > interval->to_ns)
			break;
		split(vcpu, wakeup);
		take(latency, wakeup);
		vcpu->pending_first++;
		vcpu->nr_pending--;
	}
}

/* --- finding wake-ups --- */

static void add_wakeup(
	struct joint_latency *latency, const struct joint_guest_event *event, struct task *task)
{
	struct joint_wakeup wakeup = {
		.woken_ns = task->woken_ns,
		.run_ns = event->now_ns,
		.machine = event->machine,
		.cpu = event->cpu,
		.waking_cpu = task->woken_by_cpu,
		.vcpu = event->vcpu,
		.task = task,
	};
	struct joint_latency_vcpu *vcpu;

	if (event->vcpu == JOINT_NONE) {
		take(latency, &wakeup);
		return;
	}
	vcpu = at(latency, event->vcpu);
	if (!vcpu || vcpu->nr_pending == JOINT_LATENCY_PENDING) {
		latency->left_out++;
		return;
	}
	vcpu->pending[(vcpu->pending_first + vcpu->nr_pending++) % JOINT_LATENCY_PENDING] = wakeup;
}

static void leave(struct joint_latency *latency, struct task *task, uint32_t prev_state, uint64_t now_ns)
{
	task->is_queued = !prev_state || prev_state & 0x100;
	if (task->is_queued) {
		task->woken_ns = 0;
	} else if (task->woken_ns && task->woken_gap == latency->gap) {
		task->woken_ns =
			now_ns; /* woken when it had decided to sleep: it can run since it is off its CPU */
		task->woken_early = true;
	}
}

static void enter(struct joint_latency *latency, const struct joint_guest_event *event, struct task *task)
{
	if (task->woken_ns && task->woken_gap == latency->gap && event->now_ns >= task->woken_ns &&
		event->in_range && task->wanted)
		add_wakeup(latency, event, task);
	task->woken_ns = 0;
	task->is_queued = task->woken_early = false;
}

static void wake(struct joint_latency *latency, const struct joint_guest_event *event, struct task *task)
{
	if (task->is_queued || (task->woken_ns && task->woken_gap == latency->gap && !task->woken_early))
		return; /* it waits already */
	task->woken_early = false;
	task->woken_ns = event->now_ns;
	task->woken_gap = latency->gap;
	task->woken_by_cpu = event->cpu;
}

void joint_latency_event(
	struct joint_latency *latency, struct joint *joint, const struct joint_guest_event *event)
{
	struct task_table *tasks = &joint->tasks[event->machine];
	uint32_t pid = (uint32_t)kernel_event_value(event->layout, 0, event->payload);

	switch (event->layout->kind) {
	case KERNEL_EVENT_LOST:
		latency->gap++;
		break;
	case KERNEL_EVENT_WAKING:
		if (pid && task_is_known(tasks, task_table_at(tasks, pid)))
			wake(latency, event, task_table_at(tasks, pid));
		break;
	case KERNEL_EVENT_SWITCH:
		/* there is an idle task for every CPU, all of pid 0, and `others` is many tasks: neither has a state */
		if (event->pid && task_is_known(tasks, task_table_at(tasks, event->pid)))
			leave(latency, task_table_at(tasks, event->pid),
				(uint32_t)kernel_event_value(event->layout, 1, event->payload),
				event->now_ns);
		if (pid && task_is_known(tasks, task_table_at(tasks, pid)))
			enter(latency, event, task_table_at(tasks, pid));
		break;
	default:
		break;
	}
}
