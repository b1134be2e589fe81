/* SPDX-License-Identifier: MIT */
#include "lib/analysis/clock_order.h"

#include <stdlib.h>
#include <string.h>

void clock_order_deinit(struct clock_order *order)
{
	for (uint32_t i = 0; i < order->nr_vcpus; i++) {
		if (order->vcpus[i])
			free(order->vcpus[i]->times);
		free(order->vcpus[i]);
	}
	free(order->vcpus);
	*order = (struct clock_order){0};
}

static struct clock_order_vcpu *at(struct clock_order *order, uint32_t vcpu)
{
	if (vcpu >= order->nr_vcpus) {
		uint32_t room = (vcpu | 15) + 1;
		struct clock_order_vcpu **vcpus =
			reallocarray(order->vcpus, room, sizeof(struct clock_order_vcpu *));

		if (!vcpus)
			return NULL;
		memset(vcpus + order->nr_vcpus, 0, (room - order->nr_vcpus) * sizeof(*vcpus));
		order->vcpus = vcpus;
		order->nr_vcpus = room;
	}
	if (!order->vcpus[vcpu])
		order->vcpus[vcpu] = calloc(1, sizeof(**order->vcpus));
	return order->vcpus[vcpu];
}

static void violate(struct clock_order *order, const struct clock_violation *violation)
{
	size_t place = order->nr_kept;

	order->violations++;
	while (place && order->kept[place - 1].off_ns < violation->off_ns)
		place--;
	if (place == CLOCK_ORDER_KEPT)
		return;
	if (order->nr_kept < CLOCK_ORDER_KEPT)
		order->nr_kept++;
	memmove(order->kept + place + 1, order->kept + place,
		(order->nr_kept - place - 1) * sizeof(*violation));
	order->kept[place] = *violation;
}

void clock_order_pair(
	struct clock_order *order, uint32_t number, uint64_t nr, uint64_t guest_ns, uint64_t exit_ns)
{
	struct clock_order_vcpu *vcpu = at(order, number);

	if (!vcpu)
		return;
	vcpu->pairs++;
	if (guest_ns <= exit_ns) {
		histogram_add(&vcpu->gaps, exit_ns - guest_ns);
		return;
	}
	vcpu->late_pairs++;
	violate(order,
		&(struct clock_violation){.vcpu = number,
			.pair = true,
			.at_ns = guest_ns,
			.off_ns = guest_ns - exit_ns,
			.nr = nr});
}

void clock_order_event(struct clock_order *order, uint32_t number, uint64_t at_ns)
{
	struct clock_order_vcpu *vcpu = at(order, number);

	if (!vcpu)
		return;
	if (!vcpu->times)
		vcpu->times = calloc(CLOCK_ORDER_EVENTS, sizeof(*vcpu->times));
	if (!vcpu->times || vcpu->count == CLOCK_ORDER_EVENTS) {
		vcpu->unchecked++;
		return;
	}
	vcpu->times[(vcpu->first + vcpu->count++) % CLOCK_ORDER_EVENTS] = at_ns;
}

static void check_event(struct clock_order *order, struct clock_order_vcpu *vcpu,
	const struct vcpu_interval *interval, uint64_t at_ns)
{
	uint64_t begin_ns = at_ns - interval->from_ns, end_ns = interval->to_ns - at_ns;
	uint64_t depth_ns = begin_ns < end_ns ? begin_ns : end_ns;

	vcpu->events++;
	if (interval->state == VCPU_GUEST)
		return;
	if (depth_ns > vcpu->deepest_ns)
		vcpu->deepest_ns = depth_ns;
	if (depth_ns <= order->error_ns(order->context, interval->vcpu, at_ns))
		return;
	vcpu->early_events++;
	violate(order,
		&(struct clock_violation){.vcpu = interval->vcpu,
			.at_ns = at_ns,
			.off_ns = depth_ns,
			.state = interval->state});
}

void clock_order_interval(struct clock_order *order, const struct vcpu_interval *interval)
{
	struct clock_order_vcpu *vcpu = at(order, interval->vcpu);

	while (vcpu && vcpu->count) {
		uint64_t at_ns = vcpu->times[vcpu->first % CLOCK_ORDER_EVENTS];

		if (at_ns >= interval->to_ns)
			break;
		vcpu->first++;
		vcpu->count--;
		if (at_ns < interval->from_ns || interval->state == VCPU_UNKNOWN ||
			interval->state == VCPU_RUNNING)
			vcpu->unchecked++;
		else
			check_event(order, vcpu, interval, at_ns);
	}
}
