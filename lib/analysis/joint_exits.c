/* SPDX-License-Identifier: MIT */
#include "lib/analysis/joint_exits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int joint_exits_init(struct joint_exits *exits, uint32_t nr_machines)
{
	bool good = true;

	*exits = (struct joint_exits){.nr_machines = nr_machines};
	exits->rips = calloc(nr_machines + 2, sizeof(*exits->rips));
	good &= exits->rips != NULL;
	good &= !capped_table_init(&exits->reasons, sizeof(struct joint_exit_reason), JOINT_EXITS_REASONS);
	good &= !capped_table_init(&exits->vcpus, sizeof(struct joint_exit_row), VCPU_MODEL_VCPUS);
	good &= !capped_table_init(&exits->hypercalls, sizeof(struct joint_exit_row), JOINT_EXITS_ROWS);
	for (uint32_t i = 0; exits->rips && i < nr_machines + 2; i++)
		good &= !capped_table_init(&exits->rips[i], sizeof(struct joint_exit_row), JOINT_EXITS_ROWS);
	return good ? 0 : -ENOMEM;
}

void joint_exits_deinit(struct joint_exits *exits)
{
	for (uint32_t i = 0; exits->rips && i < exits->nr_machines + 2; i++)
		capped_table_deinit(&exits->rips[i]);
	free(exits->rips);
	capped_table_deinit(&exits->reasons);
	capped_table_deinit(&exits->vcpus);
	capped_table_deinit(&exits->hypercalls);
	*exits = (struct joint_exits){0};
}

static uint64_t reason_key(uint8_t flags, uint32_t reason)
{
	return (uint64_t)(flags & VCPU_EXIT_NESTED ? 1 : 0) << 34 | (uint64_t)(flags & VCPU_EXIT_ISA) << 32 |
		reason;
}

static struct joint_exit_row *add_row(struct capped_table *table, uint64_t key, uint64_t count,
	uint64_t total_ns, uint64_t max_ns, uint64_t now_ns)
{
	struct joint_exit_row *row = capped_table_at(table, key);

	row->count += count;
	row->total_ns += total_ns;
	if (max_ns >= row->max_ns) {
		row->max_ns = max_ns;
		row->max_at_ns = now_ns;
	}
	return row;
}

static bool is_wanted(const struct joint_exits *exits, const struct joint *joint, uint32_t vcpu)
{
	const struct joint_vcpu *place = &joint->vcpus[vcpu];

	return place->wanted && (!exits->tasks_only || (place->task && place->task->wanted));
}

static void add_rip(struct joint_exits *exits, const struct joint_vcpu *vcpu, const struct vcpu_event *event,
	uint64_t now_ns)
{
	uint32_t table = event->flags & VCPU_EXIT_NESTED ? exits->nr_machines + 1
		: vcpu->guest == JOINT_NONE              ? exits->nr_machines
							 : vcpu->guest;
	struct joint_exit_row *row =
		add_row(&exits->rips[table], event->rip, 1, event->duration_ns, event->duration_ns, now_ns);

	row->user_mode = event->flags & VCPU_EXIT_GUEST_USER;
}

/* KVM's and Xen's numbers mean different calls. */
static uint64_t hypercall_key(const struct joint *joint, uint32_t host, uint64_t nr)
{
	const bool xen = !strcmp(joint->machines[host].info->channel, TRACE_CHANNEL_XEN);

	return xen ? (nr & (JOINT_EXITS_XEN - 1)) | JOINT_EXITS_XEN : nr;
}

static void add_exit(struct joint_exits *exits, struct joint *joint, uint32_t number,
	const struct vcpu_event *event, uint64_t now_ns)
{
	const struct joint_vcpu *vcpu = &joint->vcpus[number];
	struct joint_exit_reason *reason =
		capped_table_at(&exits->reasons, reason_key(event->flags, event->reason));
	uint64_t ns = event->duration_ns;

	if (event->flags & VCPU_EXIT_HEADLESS) {
		exits->headless++;
		return;
	}
	if (ns >= reason->durations.max) {
		reason->max_at_ns = now_ns;
		reason->max_vcpu = number;
	}
	histogram_add(&reason->durations, ns);
	reason->user += event->flags & VCPU_EXIT_USER ? 1 : 0;
	reason->lost_pcpu += event->flags & VCPU_EXIT_LOST_PCPU ? 1 : 0;
	exits->count++;
	exits->total_ns += ns;
	add_row(&exits->vcpus, number, 1, ns, ns, now_ns);
	if (event->rip ||
		(event->flags & VCPU_EXIT_ISA) != VCPU_EXIT_ISA_XEN_PV) /* Xen does not always say it */
		add_rip(exits, vcpu, event, now_ns);
	if (event->kind == VCPU_EVENT_HYPERCALL)
		add_row(&exits->hypercalls, hypercall_key(joint, vcpu->host, event->nr), 1, ns, ns, now_ns);
	if (vcpu->task) {
		struct task_wait *of_task = &vcpu->task->exits;

		of_task->count++;
		of_task->total_ns += ns;
		if (ns >= of_task->max_ns) {
			of_task->max_ns = ns;
			of_task->max_at_ns = now_ns;
		}
	}
}

/* A middle of each bucket in place of its values. */
static void add_buckets(struct histogram *durations, const struct vcpu_event *event)
{
	for (unsigned i = 0; i < VCPU_EVENT_BUCKETS; i++) {
		uint64_t low = i ? 1ull << i : 0, middle = low + (low >> 1);

		durations->buckets[histogram_bucket(middle)] += event->buckets[i];
	}
	if (!durations->count || event->min_ns < durations->min)
		durations->min = event->min_ns;
	if (event->max_ns > durations->max)
		durations->max = event->max_ns;
	durations->count += event->count;
	durations->sum += event->total_ns;
}

static void add_histogram(
	struct joint_exits *exits, uint32_t number, const struct vcpu_event *event, uint64_t now_ns)
{
	struct joint_exit_reason *reason =
		capped_table_at(&exits->reasons, reason_key(event->flags, event->reason));

	if (!event->count)
		return;
	if (event->max_ns >= reason->durations.max) {
		reason->max_at_ns = now_ns;
		reason->max_vcpu = number;
	}
	add_buckets(&reason->durations, event);
	exits->count += event->count;
	exits->total_ns += event->total_ns;
	add_row(&exits->vcpus, number, event->count, event->total_ns, event->max_ns, now_ns);
}

void joint_exits_event(struct joint_exits *exits, struct joint *joint, uint32_t vcpu,
	const struct vcpu_event *event, uint64_t now_ns)
{
	if (!is_wanted(exits, joint, vcpu))
		return;
	if (event->kind == VCPU_EVENT_EXIT || event->kind == VCPU_EVENT_HYPERCALL)
		add_exit(exits, joint, vcpu, event, now_ns);
	else if (event->kind == VCPU_EVENT_HISTOGRAM && !exits->tasks_only)
		add_histogram(exits, vcpu, event, now_ns);
}

void joint_exits_interval(
	struct joint_exits *exits, const struct joint *joint, const struct vcpu_interval *interval)
{
	struct joint_exit_reason *reason;

	if (!interval->in_exit || !interval->on || !is_wanted(exits, joint, interval->vcpu))
		return;
	reason = capped_table_at(&exits->reasons, reason_key(interval->flags, interval->reason));
	reason->on_ns += interval->to_ns - interval->from_ns;
}
