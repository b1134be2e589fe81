/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/clocks_view.h"

#include <string.h>

/* By the channel, and by whether a host of the trace knew the TSC's offset. */
static const char *source_of(const struct trace_machine *machine)
{
	const struct trace_machine_info *info = machine->info, *host;
	const struct trace_vm_info *vm = trace_info_vm_of(machine->trace_info, info->name, &host);

	if (!info->nr_points)
		return "the trace's metadata";
	if (!strcmp(info->channel, "kvm"))
		return "the host's own";
	if (!strcmp(info->channel, TRACE_CHANNEL_XEN))
		return "Xen's TSC";
	if (vm && !strcmp(host->channel, TRACE_CHANNEL_XEN))
		return "Xen's TSC, by an offset";
	if (vm && vm->nr_epochs)
		return "TSC offset of KVM";
	if (!strcmp(info->channel, "ftrace"))
		return "the guest's timekeeper";
	if (!strcmp(info->channel, "hypercall"))
		return "hypercalls";
	return "exchange over the region";
}

struct clock_facts clocks_view_facts(const struct clocks_view *view, uint32_t number)
{
	const struct trace_machine *machine = &view->feed.trace->machines[number];
	const struct trace_machine_info *info = machine->info;
	struct clock_facts facts = {
		.source = source_of(machine),
		.hz = clock_map_hz(&machine->clock),
		.least_ns = UINT64_MAX,
	};
	uint64_t slowest = UINT64_MAX, fastest = 0;

	for (size_t i = 0; i < machine->clock.count; i++) {
		const struct clock_epoch *epoch = &machine->clock.epochs[i];

		slowest = epoch->mult < slowest ? epoch->mult : slowest;
		fastest = epoch->mult > fastest ? epoch->mult : fastest;
		facts.least_ns = epoch->error_ns < facts.least_ns ? epoch->error_ns : facts.least_ns;
		facts.largest_ns = epoch->error_ns > facts.largest_ns ? epoch->error_ns : facts.largest_ns;
	}
	if (slowest && slowest <= fastest)
		facts.drift_ppm = 1e6 * ((double)fastest / (double)slowest - 1);
	if (info->nr_points && info->points[info->nr_points - 1].host_ns > info->points[0].host_ns)
		facts.span_ns =
			(uint64_t)(info->points[info->nr_points - 1].host_ns - info->points[0].host_ns);
	return facts;
}

static void merge(struct histogram *into, const struct histogram *from)
{
	if (!from->count)
		return;
	if (!into->count || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->count += from->count;
	into->sum += from->sum;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->buckets[i] += from->buckets[i];
}

void clocks_view_sum(const struct clocks_view *view, uint32_t machine, struct clock_order_sum *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (uint32_t i = 0; i < view->order.nr_vcpus; i++) {
		const struct clock_order_vcpu *vcpu = view->order.vcpus[i];

		if (!vcpu || (machine != JOINT_NONE && view->feed.joint->vcpus[i].guest != machine))
			continue;
		sum->pairs += vcpu->pairs;
		sum->late_pairs += vcpu->late_pairs;
		sum->events += vcpu->events;
		sum->early_events += vcpu->early_events;
		sum->unchecked += vcpu->unchecked + vcpu->count; /* which no interval has reached */
		if (vcpu->deepest_ns > sum->deepest_ns)
			sum->deepest_ns = vcpu->deepest_ns;
		merge(&sum->gaps, &vcpu->gaps);
	}
}
