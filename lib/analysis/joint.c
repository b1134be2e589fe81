/* SPDX-License-Identifier: MIT */
#include "lib/analysis/joint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct joint_host {
	struct joint *joint;
	uint32_t machine;
	struct vcpu_events events;
	struct vcpu_model model;
	uint32_t *vcpus;         /* the model's numbers -> joint.vcpus */
	struct hash_map by_tid;  /* tid -> the model's number */
	struct vcpu_event event; /* in hand */
};

/* --- making --- */

static void take_interval(void *context, const struct vcpu_interval *whole)
{
	struct joint_host *host = context;
	struct joint *joint = host->joint;
	struct vcpu_interval interval = *whole;

	if (interval.from_ns < joint->from_ns)
		interval.from_ns = joint->from_ns;
	if (interval.to_ns > joint->to_ns)
		interval.to_ns = joint->to_ns;
	interval.vcpu = host->vcpus[whole->vcpu];
	if (interval.from_ns < interval.to_ns && joint->listener.interval)
		joint->listener.interval(joint->listener.context, &interval);
}

static int grow_vcpus(struct joint *joint)
{
	uint32_t room = joint->vcpus_room ? 2 * joint->vcpus_room : 16;
	struct joint_vcpu *vcpus;

	if (joint->nr_vcpus < joint->vcpus_room)
		return 0;
	vcpus = reallocarray(joint->vcpus, room, sizeof(*vcpus));
	if (!vcpus)
		return -ENOMEM;
	joint->vcpus = vcpus;
	joint->vcpus_room = room;
	return 0;
}

/* The model's number of a vCPU that is new. */
static int add_vcpu(struct joint_host *host, const struct joint_vcpu *vcpu, uint32_t *number)
{
	struct joint *joint = host->joint;
	uint64_t *place;
	uint32_t *map;
	int result;

	if (host->model.nr_vcpus >= VCPU_MODEL_VCPUS)
		return -E2BIG; /* before the thread is remembered: a trace may name any number of them */
	place = hash_map_put(&host->by_tid, vcpu->tid);
	if (!place || grow_vcpus(joint) < 0)
		return -ENOMEM;
	map = reallocarray(host->vcpus, host->model.nr_vcpus + 1, sizeof(*map));
	if (!map)
		return -ENOMEM;
	host->vcpus = map;
	result = vcpu_model_add(&host->model, number);
	if (result < 0)
		return result;
	*place = *number + 1;
	map[*number] = joint->nr_vcpus;
	if (vcpu->guest != JOINT_NONE && vcpu->number < joint->machines[vcpu->guest].nr_cpus)
		joint->vcpu_of_cpu[vcpu->guest][vcpu->number] = joint->nr_vcpus;
	joint->vcpus[joint->nr_vcpus++] = *vcpu;
	return 0;
}

static uint32_t find_guest(const struct joint *joint, uint32_t host, const struct trace_vm_info *vm)
{
	for (uint32_t i = 0; i < joint->nr_machines && vm->machine[0]; i++)
		if (joint->machines[i].trace == joint->machines[host].trace && i != host &&
			!joint->hosts[i] && !strcmp(joint->machines[i].info->name, vm->machine))
			return i;
	return JOINT_NONE;
}

static int add_vms(struct joint_host *host)
{
	const struct trace_machine_info *info = host->joint->machines[host->machine].info;

	for (size_t i = 0; i < info->nr_vms; i++) {
		const struct trace_vm_info *vm = &info->vms[i];
		uint32_t guest = find_guest(host->joint, host->machine, vm), number;

		for (size_t j = 0; j < vm->nr_vcpus; j++) {
			const struct joint_vcpu vcpu = {
				host->machine, vm, vm->vcpus[j].vcpu, vm->vcpus[j].tid, guest, NULL, true};
			const uint64_t *known = hash_map_get(&host->by_tid, vcpu.tid);

			if (known && *known)
				continue; /* one thread runs one vCPU */
			if (add_vcpu(host, &vcpu, &number) == -ENOMEM)
				return -ENOMEM;
		}
	}
	return 0;
}

static int make_host(struct joint *joint, uint32_t machine, const struct event_type *lost_type)
{
	struct joint_host *host = calloc(1, sizeof(*host));

	if (!host)
		return -ENOMEM;
	vcpu_events_init(&host->events, joint->machines[machine].schema, lost_type);
	if (!host->events.any && !joint->machines[machine].info->nr_vms) {
		free(host);
		return 0;
	}
	host->joint = joint;
	host->machine = machine;
	joint->hosts[machine] = host;
	joint->nr_hosts++;
	return vcpu_model_init(&host->model, joint->begin_ns, take_interval, host);
}

static int make_guest(struct joint *joint, uint32_t machine, const struct joint_options *options)
{
	const struct joint_machine *place = &joint->machines[machine];
	uint32_t nr_cpus = place->nr_cpus ? place->nr_cpus : 1;

	joint->kernel_events[machine] = malloc(sizeof(**joint->kernel_events));
	joint->vcpu_of_cpu[machine] = malloc(nr_cpus * sizeof(**joint->vcpu_of_cpu));
	if (!joint->kernel_events[machine] || !joint->vcpu_of_cpu[machine])
		return -ENOMEM;
	kernel_events_init(joint->kernel_events[machine], place->schema, options->lost_type);
	memset(joint->vcpu_of_cpu[machine], 0xff, nr_cpus * sizeof(**joint->vcpu_of_cpu));
	return task_table_init(
		&joint->tasks[machine], place->names, options->wanted, options->wanted_context);
}

static int make_all(struct joint *joint, const struct joint_options *options)
{
	uint32_t count = joint->nr_machines;
	int result = 0;

	joint->hosts = calloc(count + 1, sizeof(struct joint_host *));
	joint->kernel_events = calloc(count + 1, sizeof(struct kernel_events *));
	joint->tasks = calloc(count + 1, sizeof(*joint->tasks));
	joint->vcpu_of_cpu = calloc(count + 1, sizeof(uint32_t *));
	if (!joint->hosts || !joint->kernel_events || !joint->tasks || !joint->vcpu_of_cpu)
		return -ENOMEM;
	for (uint32_t i = 0; i < count && !result; i++)
		result = make_host(joint, i, options->lost_type);
	for (uint32_t i = 0; i < count && !result; i++)
		if (!joint->hosts[i])
			result = make_guest(joint, i, options);
	for (uint32_t i = 0; i < count && !result; i++)
		if (joint->hosts[i])
			result = add_vms(joint->hosts[i]);
	for (uint32_t i = 0; i < count && !result; i++)
		joint->nr_guests += joint_is_hosted(joint, i);
	return result;
}

int joint_create(const struct joint_options *options, struct joint **result)
{
	struct joint *joint = calloc(1, sizeof(*joint));

	*result = NULL;
	if (!joint)
		return -ENOMEM;
	joint->machines = options->machines;
	joint->nr_machines = options->nr_machines;
	joint->begin_ns = joint->last_ns = options->begin_ns;
	joint->from_ns = options->from_ns;
	joint->to_ns = options->to_ns;
	joint->listener = options->listener;
	if (make_all(joint, options) < 0) {
		joint_destroy(joint);
		return -ENOMEM;
	}
	*result = joint;
	return 0;
}

void joint_destroy(struct joint *joint)
{
	if (!joint)
		return;
	for (uint32_t i = 0; joint->hosts && i < joint->nr_machines; i++) {
		struct joint_host *host = joint->hosts[i];

		if (!host)
			continue;
		vcpu_model_deinit(&host->model);
		hash_map_deinit(&host->by_tid);
		free(host->vcpus);
		free(host);
	}
	for (uint32_t i = 0; joint->kernel_events && i < joint->nr_machines; i++)
		free(joint->kernel_events[i]);
	for (uint32_t i = 0; joint->vcpu_of_cpu && i < joint->nr_machines; i++)
		free(joint->vcpu_of_cpu[i]);
	for (uint32_t i = 0; joint->tasks && i < joint->nr_machines; i++)
		if (joint->tasks[i].rows)
			task_table_deinit(&joint->tasks[i]);
	free(joint->hosts);
	free(joint->kernel_events);
	free(joint->vcpu_of_cpu);
	free(joint->tasks);
	free(joint->vcpus);
	free(joint);
}

/* --- a host's events --- */

/* The model's number of the vCPU that a thread runs; false: no room. */
static bool find_vcpu(struct joint_host *host, uint32_t *number)
{
	const uint64_t *known = hash_map_get(&host->by_tid, host->event.tid);
	struct joint_vcpu vcpu = {
		host->machine, NULL, host->event.vcpu, host->event.tid, JOINT_NONE, NULL, true};

	if (known && *known) {
		*number = (uint32_t)*known - 1;
		return true;
	}
	if (!add_vcpu(host, &vcpu, number))
		return true;
	host->joint->left_out++;
	return false;
}

/* user_ns of an exit, and the like, come before the exit's own record: the model keeps them. */
static void feed_model(struct joint_host *host, uint32_t number, uint32_t cpu, uint64_t now_ns)
{
	const struct vcpu_event *event = &host->event;

	switch (event->kind) {
	case VCPU_EVENT_EXIT:
	case VCPU_EVENT_HYPERCALL:
		host->joint->exits = true;
		vcpu_model_exit(
			&host->model, number, cpu, now_ns, event->duration_ns, event->reason, event->flags);
		break;
	case VCPU_EVENT_OUT:
		vcpu_model_out(&host->model, number, cpu, now_ns, event->prev_state, &event->task);
		break;
	case VCPU_EVENT_IN:
		vcpu_model_in(&host->model, number, cpu, now_ns, &event->task);
		break;
	case VCPU_EVENT_WAKING:
		vcpu_model_waking(&host->model, number, cpu, now_ns);
		break;
	case VCPU_EVENT_USER:
		vcpu_model_user(&host->model, number, cpu, now_ns);
		break;
	case VCPU_EVENT_HISTOGRAM:
		host->joint->histograms = true;
		break;
	default:
		break;
	}
}

static void add_host_event(struct joint_host *host, const struct event_type *type, const uint8_t *payload,
	uint32_t cpu, uint64_t now_ns)
{
	struct joint *joint = host->joint;
	uint32_t number;

	vcpu_event_decode(&host->events, type, payload, &host->event);
	if (host->event.kind == VCPU_EVENT_LOST)
		vcpu_model_lost(&host->model, cpu, now_ns);
	if (host->event.kind <= VCPU_EVENT_LOST || !find_vcpu(host, &number))
		return;
	feed_model(host, number, cpu, now_ns);
	if (now_ns >= joint->from_ns && now_ns < joint->to_ns && joint->listener.host)
		joint->listener.host(joint->listener.context, host->vcpus[number], &host->event, now_ns);
}

/* --- a guest's events --- */

/* Tasks' lives; `pid` is the task they are about. */
static void follow_task(
	struct task_table *tasks, const struct kernel_event_layout *layout, const uint8_t *payload)
{
	uint32_t pid = (uint32_t)kernel_event_value(layout, 0, payload);

	switch (layout->kind) {
	case KERNEL_EVENT_FORK:
		task_table_fork(tasks, pid, (uint32_t)kernel_event_value(layout, 1, payload),
			kernel_event_comm(layout, payload));
		break;
	case KERNEL_EVENT_EXEC:
		task_table_exec(tasks, pid, kernel_event_comm(layout, payload));
		break;
	case KERNEL_EVENT_RENAME:
		task_table_rename(tasks, pid, kernel_event_comm(layout, payload));
		break;
	case KERNEL_EVENT_EXIT:
		task_table_exit(tasks, pid);
		break;
	default:
		break;
	}
}

static void add_guest_event(struct joint *joint, struct joint_guest_event *event)
{
	struct task_table *tasks = &joint->tasks[event->machine];
	struct joint_vcpu *vcpu = event->vcpu == JOINT_NONE ? NULL : &joint->vcpus[event->vcpu];

	if (vcpu)
		vcpu->task = task_table_at(tasks, event->pid);
	if (event->layout->kind == KERNEL_EVENT_OTHER)
		return;
	follow_task(tasks, event->layout, event->payload);
	if (joint->listener.guest)
		joint->listener.guest(joint->listener.context, event);
	if (event->layout->kind != KERNEL_EVENT_SWITCH)
		return;
	joint->switches = true;
	if (vcpu)
		vcpu->task =
			task_table_at(tasks, (uint32_t)kernel_event_value(event->layout, 0, event->payload));
}

void joint_add(struct joint *joint, uint32_t machine, const struct event_type *type, const uint8_t *payload,
	uint32_t cpu, uint32_t pid, uint64_t now_ns)
{
	if (now_ns > joint->last_ns)
		joint->last_ns = now_ns;
	if (joint->hosts[machine]) {
		add_host_event(joint->hosts[machine], type, payload, cpu, now_ns);
	} else if (cpu < joint->machines[machine].nr_cpus) {
		struct joint_guest_event event = {
			.machine = machine,
			.cpu = cpu,
			.vcpu = joint->vcpu_of_cpu[machine][cpu],
			.layout = &joint->kernel_events[machine]->layouts[type->id],
			.payload = payload,
			.pid = pid,
			.now_ns = now_ns,
			.in_range = now_ns >= joint->from_ns && now_ns < joint->to_ns,
		};

		add_guest_event(joint, &event);
	}
}

void joint_finish(struct joint *joint)
{
	for (uint32_t i = 0; i < joint->nr_machines; i++)
		if (joint->hosts[i])
			vcpu_model_finish(&joint->hosts[i]->model, joint->last_ns);
}

/* --- asking --- */

bool joint_is_hosted(const struct joint *joint, uint32_t machine)
{
	for (uint32_t i = 0; i < joint->nr_vcpus; i++)
		if (joint->vcpus[i].guest == machine)
			return true;
	return false;
}

uint64_t joint_start_ns(const struct joint *joint)
{
	return joint->from_ns > joint->begin_ns ? joint->from_ns : joint->begin_ns;
}

uint64_t joint_end_ns(const struct joint *joint)
{
	uint64_t end_ns = joint->to_ns < joint->last_ns ? joint->to_ns : joint->last_ns;

	return end_ns > joint_start_ns(joint) ? end_ns : joint_start_ns(joint);
}

uint64_t joint_backwards(const struct joint *joint)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < joint->nr_machines; i++)
		count += joint->hosts[i] ? joint->hosts[i]->model.backwards : 0;
	return count;
}

uint64_t joint_odd(const struct joint *joint)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < joint->nr_machines; i++)
		count += joint->hosts[i] ? joint->hosts[i]->model.odd : 0;
	return count;
}
