/* SPDX-License-Identifier: MIT */
/*
 * Hosts and guests together, fed with events that no kernel makes: machine 0 is a host of two VMs, machine 1 the guest of
 * the first. The input is a list of events: type, machine, CPU, a signed step in time, pid, and the payload.
 */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/event_table.h"
#include "host/collect/host_events.h"
#include "lib/analysis/clock_order.h"
#include "lib/analysis/joint.h"
#include "lib/analysis/joint_exits.h"
#include "lib/analysis/joint_latency.h"
#include "lib/analysis/joint_states.h"
#include "lib/analysis/joint_tasks.h"

#define CPUS          3
#define VCPUS_MAX     64
#define EVENT_BYTES   56
#define PAYLOAD_BYTES 768
#define BEGIN_NS      1000000

const char fuzz_name[] = "joint";

struct input_event {
	uint8_t type, machine, cpu, tid;
	int16_t step_ns;
	uint16_t reserved;
	uint32_t pid;
	uint8_t payload[EVENT_BYTES - 12];
} __attribute__((packed));
_Static_assert(sizeof(struct input_event) == EVENT_BYTES, "the input's layout");

/* host: tid (filled in), vcpu, and what follows; see collector_events.def */
static const struct input_event seed[] = {
	{4, 0, 0, 1, 10, 0, 0, {0}},
	{1, 0, 0, 1, 50, 0, 0, {0, 0, 0, 0, 0, 2, 0x7c, 0, 0, 0, 5}},
	{3, 0, 0, 1, 50, 0, 0, {0, 0, 0, 0, 0, 0, 1, 9}},
	{1, 1, 0, 0, 10, 0, 7, {8, 0, 0x40, 0, 120}},
	{2, 1, 1, 0, 10, 0, 7, {7}},
	{4, 0, 1, 1, 50, 0, 0, {0, 0, 0, 0, 0, 9}},
	{1, 0, 1, 1, 10, 0, 0, {0, 0, 0, 0, 0, 10, 0x60, 0, 0, 0, 110}},
	{2, 0, 1, 1, 10, 0, 0,
		{0, 0, 0, 0, 0, 2, 0x81, 0, 0, 0, 3, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 0xe8, 3}},
	{3, 0, 1, 1, 50, 0, 0, {0, 0, 0, 0, 0, 1, 0}},
	{5, 0, 0, 1, 50, 0, 0, {0}},
	{6, 0, 0, 1, 0, 0, 0, {0, 0, 0, 0, 0, 1, 0, 2}},
	{4, 0, 2, 1, 10, 0, 0, {0}},
	{8, 0, 2, 1, 10, 0, 0, {0}},
	{1, 0, 2, 1, 10, 0, 0, {0, 0, 0, 0, 0, 0x1e, 0x78, 0, 0, 0, 80}},
	{1, 1, 0, 0, 10, 0, 8, {7, 0, 0, 0, 120}},
	{0, 0, 1, 0, 10, 0, 0, {4}},
	{13, 0, 1, 2, 10, 0, 0, {0, 0, 0, 1, 0, 2, 0x7c, 0, 0, 0, 4}},
	{0, 1, 0, 0, 10, 0, 0, {4}},
	{1, 0, 1, 3, 10, 0, 0, {0, 0, 0, 0, 0, 0x82, 0x78, 0, 0, 0, 80}},
};

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	*data = (const uint8_t *)seed;
	return index ? 0 : sizeof(seed);
}

struct analyses {
	struct joint *joint;
	struct joint_states states;
	struct joint_tasks tasks;
	struct joint_exits exits;
	struct joint_latency latency;
	struct clock_order order;
	uint64_t until_ns[VCPUS_MAX];
};

/* Intervals are in order, without a hole, and of states that there are. */
static void take_interval(void *context, const struct vcpu_interval *interval)
{
	struct analyses *all = context;

	if (interval->to_ns <= interval->from_ns || interval->state >= VCPU_STATES ||
		interval->vcpu >= VCPUS_MAX)
		abort();
	if (interval->from_ns != (all->until_ns[interval->vcpu] ? all->until_ns[interval->vcpu] : BEGIN_NS))
		abort();
	all->until_ns[interval->vcpu] = interval->to_ns;
	joint_states_add(&all->states, all->joint->vcpus[interval->vcpu].host, interval);
	joint_tasks_interval(&all->tasks, interval);
	joint_exits_interval(&all->exits, all->joint, interval);
	joint_latency_interval(&all->latency, interval);
	clock_order_interval(&all->order, interval);
}

static void take_host(void *context, uint32_t vcpu, const struct vcpu_event *event, uint64_t now_ns)
{
	struct analyses *all = context;

	joint_exits_event(&all->exits, all->joint, vcpu, event, now_ns);
	if (event->kind == VCPU_EVENT_HYPERCALL)
		clock_order_pair(&all->order, vcpu, event->nr, event->args[1], now_ns);
}

static void take_guest(void *context, const struct joint_guest_event *event)
{
	struct analyses *all = context;

	joint_tasks_event(&all->tasks, all->joint, event);
	joint_latency_event(&all->latency, all->joint, event);
	if (event->vcpu != JOINT_NONE)
		clock_order_event(&all->order, event->vcpu, event->now_ns);
}

static uint64_t error_of(void *context, uint32_t vcpu, uint64_t at_ns)
{
	(void)context, (void)vcpu, (void)at_ns;
	return 3;
}

/* Every vCPU has a state at any time; the parts of a wake-up are the whole of it. */
static void check(const struct analyses *all)
{
	const struct joint *joint = all->joint;
	uint64_t exits = 0;

	for (uint32_t i = 0; i < joint->nr_vcpus; i++) {
		const struct joint_vcpu_states *states = joint_states_of(&all->states, i);
		uint64_t ns = 0;

		for (int state = 0; states && state < VCPU_STATES; state++)
			ns += states->ns[state];
		if (ns != (joint->last_ns > BEGIN_NS ? joint->last_ns - BEGIN_NS : 0))
			abort();
	}
	for (size_t i = 0; i < all->latency.nr_worst; i++) {
		const struct joint_wakeup *one = &all->latency.worst[i];
		uint64_t ns = 0;

		for (int part = 0; part < JOINT_PARTS; part++)
			ns += one->parts_ns[part];
		if (one->run_ns < one->woken_ns || ns != one->run_ns - one->woken_ns)
			abort();
	}
	for (size_t i = 0; i < all->exits.vcpus.count; i++)
		exits += ((struct joint_exit_row *)capped_table_row(&all->exits.vcpus, i))->count;
	if (exits != all->exits.count)
		abort();
}

static void make_machines(struct joint_machine machines[2])
{
	static struct trace_machine_info host, guest;
	struct trace_vm_info *vm;

	strcpy(host.name, "host");
	strcpy(guest.name, "guest");
	for (uint32_t i = 0; i < 2; i++) {
		vm = trace_machine_info_vm(&host, 400 + i);
		if (!vm || trace_vm_info_vcpu(vm, 0, 1 + 2 * i) || trace_vm_info_vcpu(vm, 1, 2 + 2 * i))
			abort();
		strcpy(vm->machine, i ? "" : "guest");
	}
	machines[0] = (struct joint_machine){host_events_schema(NULL), &host, NULL, NULL, CPUS};
	machines[1] =
		(struct joint_machine){event_table_schema(EVENT_TABLE_TRACE, NULL), &guest, NULL, NULL, CPUS};
	if (!machines[0].schema || !machines[1].schema)
		abort();
}

static void feed(struct analyses *all, const struct event_schema *schema, const struct event_type *lost,
	const struct input_event *event, uint64_t now_ns)
{
	const struct event_type *type = event->type ? schema->types[event->type] : lost;
	uint8_t payload[PAYLOAD_BYTES] = {0};
	uint32_t tid = event->tid % (VCPUS_MAX - 8);

	if (!type)
		return;
	memcpy(payload, event->payload, sizeof(event->payload));
	if (type != lost && event->machine % 2 == 0)
		memcpy(payload, &tid, 3);
	if (type->variable) /* what the reader has checked before */
		memcpy(payload + type->fixed_bytes - 2, &(uint16_t){event->reserved % 300}, 2);
	joint_add(all->joint, event->machine % 2, type, payload, event->cpu, event->pid, now_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_type lost = {.name = "lost"};
	static struct joint_machine machines[2];
	struct analyses all = {.order.error_ns = error_of};
	const struct joint_options options = {
		.machines = machines,
		.nr_machines = 2,
		.lost_type = &lost,
		.begin_ns = BEGIN_NS,
		.to_ns = UINT64_MAX,
		.listener = {&all, take_interval, take_host, take_guest},
	};
	uint64_t now_ns = BEGIN_NS;

	if (!machines[0].schema) {
		make_machines(machines);
		if (event_type_add_field(&lost, "count", EVENT_FIELD_UNSIGNED, 64, NULL) < 0)
			abort();
	}
	if (joint_create(&options, &all.joint) || joint_states_init(&all.states) ||
		joint_exits_init(&all.exits, 2) || joint_latency_init(&all.latency, 2))
		abort();
	for (; size >= EVENT_BYTES; data += EVENT_BYTES, size -= EVENT_BYTES) {
		struct input_event event;

		memcpy(&event, data, sizeof(event));
		now_ns += (uint64_t)(int64_t)event.step_ns;
		feed(&all, machines[event.machine % 2].schema, &lost, &event, now_ns);
	}
	joint_finish(all.joint);
	check(&all);
	clock_order_deinit(&all.order);
	joint_latency_deinit(&all.latency);
	joint_exits_deinit(&all.exits);
	joint_tasks_deinit(&all.tasks);
	joint_states_deinit(&all.states);
	joint_destroy(all.joint);
	return 0;
}
