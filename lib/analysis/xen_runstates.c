/* SPDX-License-Identifier: MIT */
#include "lib/analysis/xen_runstates.h"

#include <stdlib.h>
#include <string.h>

#define CHANGE   1u /* the low four bits of the event */
#define CONTINUE 2u

void xen_runstates_init(struct xen_runstates *states, const struct xen_runstates_listener *listener)
{
	*states = (struct xen_runstates){.listener = *listener, .next_end_tsc = UINT64_MAX};
}

void xen_runstates_deinit(struct xen_runstates *states)
{
	for (uint32_t i = 0; i < states->nr_vcpus; i++)
		free(states->vcpus[i]);
	free(states->vcpus);
	free(states->pcpus);
	hash_map_deinit(&states->numbers);
	*states = (struct xen_runstates){0};
}

static struct xen_vcpu_place *make_vcpu(struct xen_runstates *states, uint32_t id, uint64_t *slot)
{
	uint32_t number = states->nr_vcpus;
	struct xen_vcpu_place *vcpu;

	if (number >= XEN_VCPUS_MAX)
		return NULL;
	if (!(number & (number - 1))) {
		size_t room = number ? 2 * (size_t)number : 1;
		struct xen_vcpu_place **more =
			reallocarray(states->vcpus, room, sizeof(struct xen_vcpu_place *));

		if (!more)
			return NULL;
		states->vcpus = more;
	}
	vcpu = calloc(1, sizeof(*vcpu));
	if (!vcpu)
		return NULL;
	*vcpu = (struct xen_vcpu_place){
		.number = number,
		.dom = (uint16_t)(id >> 16),
		.vcpu = (uint16_t)id,
		.state = XEN_UNKNOWN,
		.pcpu = XEN_NO_PCPU,
	};
	states->vcpus[number] = vcpu;
	*slot = ++states->nr_vcpus;
	return vcpu;
}

/* NULL: too many, or no memory. */
static struct xen_vcpu_place *vcpu_at(struct xen_runstates *states, uint32_t id)
{
	uint64_t *slot = hash_map_get(&states->numbers, id);

	if (slot && *slot)
		return states->vcpus[*slot - 1];
	if (states->nr_vcpus >= XEN_VCPUS_MAX)
		return NULL; /* before the map grows with what a file makes up */
	slot = hash_map_put(&states->numbers, id);
	return slot ? make_vcpu(states, id, slot) : NULL;
}

static void unlink_waiting(struct xen_vcpu_place *vcpu)
{
	if (!vcpu->link)
		return;
	*vcpu->link = vcpu->next;
	if (vcpu->next)
		vcpu->next->link = vcpu->link;
	vcpu->link = NULL;
}

static void link_waiting(struct xen_runstates *states, struct xen_vcpu_place *vcpu)
{
	if (vcpu->link)
		return;
	vcpu->next = states->waiting;
	if (vcpu->next)
		vcpu->next->link = &vcpu->next;
	vcpu->link = &states->waiting;
	states->waiting = vcpu;
}

static enum xen_runnable why(enum xen_state before)
{
	if (before == XEN_RUNNING)
		return XEN_RUNNABLE_PREEMPTED;
	return before == XEN_BLOCKED || before == XEN_OFFLINE ? XEN_RUNNABLE_WOKEN : XEN_RUNNABLE_OTHER;
}

static void change(
	struct xen_runstates *states, struct xen_vcpu_place *vcpu, enum xen_state next, uint64_t tsc)
{
	states->listener.change(states->listener.context, vcpu, next, tsc);
	if (next == XEN_RUNNABLE)
		vcpu->why = why(vcpu->state);
	vcpu->state = next;
	vcpu->since_tsc = tsc;
	if (next == XEN_RUNNING || next == XEN_LOST)
		unlink_waiting(vcpu);
	else
		link_waiting(states, vcpu);
}

/* Whoever runs on a pCPU stops; its time there is told. */
static void leave(
	struct xen_runstates *states, struct xen_pcpu_place *pcpu, enum xen_state next, uint64_t tsc)
{
	struct xen_vcpu_place *vcpu = states->vcpus[pcpu->current];

	if (pcpu->current_tsc && pcpu->current_tsc < tsc)
		states->listener.pcpu(states->listener.context, (uint32_t)(pcpu - states->pcpus), vcpu,
			pcpu->current_tsc, tsc);
	pcpu->current = XEN_NO_VCPU;
	pcpu->current_tsc = 0;
	change(states, vcpu, next, tsc);
}

/*
 * At a contradiction: who ran there did so until the pCPU's last record at most. `by` is the pCPU whose record says so, and
 * has been taken in.
 */
static void lose_current(
	struct xen_runstates *states, struct xen_pcpu_place *pcpu, const struct xen_pcpu_place *by)
{
	uint64_t tsc = pcpu == by ? pcpu->before_tsc : pcpu->last_tsc;

	if (tsc < states->vcpus[pcpu->current]->since_tsc)
		tsc = states->vcpus[pcpu->current]->since_tsc;
	leave(states, pcpu, XEN_LOST, tsc);
}

static void enter(
	struct xen_runstates *states, struct xen_pcpu_place *pcpu, struct xen_vcpu_place *vcpu, uint64_t tsc)
{
	uint32_t number = (uint32_t)(pcpu - states->pcpus);

	if (pcpu->current != XEN_NO_VCPU) {
		if (pcpu->inferred) {
			leave(states, pcpu, XEN_LOST, tsc);
		} else {
			states->contradictions++;
			lose_current(states, pcpu, pcpu);
		}
	}
	if (vcpu->pcpu != number) {
		states->listener.place(states->listener.context, vcpu, number, tsc);
		vcpu->pcpu = number;
		vcpu->placed_tsc = tsc;
	}
	change(states, vcpu, XEN_RUNNING, tsc);
	pcpu->current = vcpu->number;
	pcpu->current_tsc = tsc;
	pcpu->known = true;
	pcpu->inferred = false;
}

/* The vCPU is not in the state that the change says it leaves. Now it is in none. */
static void contradict(
	struct xen_runstates *states, struct xen_vcpu_place *vcpu, const struct xen_pcpu_place *by)
{
	states->contradictions++;
	if (vcpu->state == XEN_RUNNING && vcpu->pcpu < states->nr_pcpus &&
		states->pcpus[vcpu->pcpu].current == vcpu->number) {
		lose_current(states, states->pcpus + vcpu->pcpu, by);
		return;
	}
	vcpu->since_tsc = 0;
	change(states, vcpu, XEN_LOST, 0);
}

/* The first time that a vCPU is seen. */
static void start(struct xen_runstates *states, struct xen_pcpu_place *pcpu, struct xen_vcpu_place *vcpu,
	enum xen_state old, enum xen_state new, uint64_t tsc)
{
	if (old == XEN_RUNNING && !pcpu->known) {
		pcpu->known = true;
		tsc = pcpu->first_tsc;
	}
	if (new == XEN_RUNNING)
		enter(states, pcpu, vcpu, tsc);
}

static void stop_running(struct xen_runstates *states, struct xen_pcpu_place *pcpu,
	struct xen_vcpu_place *vcpu, enum xen_state new, uint64_t tsc)
{
	if (pcpu->current == vcpu->number) {
		leave(states, pcpu, new, tsc);
	} else {
		contradict(states, vcpu, pcpu);
		if (pcpu->current != XEN_NO_VCPU)
			lose_current(states, pcpu, pcpu);
		change(states, vcpu, new, tsc);
	}
	if (states->lost_pcpus && vcpu->dom != XEN_DOMAIN_IDLE)
		change(states, vcpu, XEN_LOST, tsc);
}

static void go_on(
	struct xen_runstates *states, struct xen_pcpu_place *pcpu, struct xen_vcpu_place *vcpu, uint64_t tsc)
{
	if (vcpu->state == XEN_RUNNING && pcpu->current == vcpu->number) {
		change(states, vcpu, XEN_RUNNING, tsc);
		return;
	}
	if (vcpu->state != XEN_LOST)
		contradict(states, vcpu, pcpu);
	if (pcpu->current != XEN_NO_VCPU)
		leave(states, pcpu, XEN_LOST, tsc);
	enter(states, pcpu, vcpu, tsc);
}

void xen_runstates_change(struct xen_runstates *states, const struct xen_event *event)
{
	uint32_t type = event->code & 0xf, to = event->code >> 4 & 0xf, from = event->code >> 8 & 0xf;
	struct xen_pcpu_place *pcpu = states->pcpus + event->pcpu;
	uint64_t tsc = event->order_tsc;
	struct xen_vcpu_place *vcpu;

	if (type == CONTINUE)
		to = from = XEN_RUNNING;
	if ((type != CHANGE && type != CONTINUE) || to > XEN_OFFLINE || from > XEN_OFFLINE ||
		!event->n_extra) {
		states->refused++;
		return;
	}
	vcpu = vcpu_at(states, event->extra[0]);
	if (!vcpu) {
		states->refused++;
		return;
	}
	if (vcpu->state == XEN_UNKNOWN) {
		start(states, pcpu, vcpu, from, to, tsc);
		return;
	}
	if (vcpu->state == XEN_LOST && to != XEN_RUNNING)
		return;
	if (type == CONTINUE) {
		go_on(states, pcpu, vcpu, tsc);
		return;
	}
	if (vcpu->state != XEN_LOST && vcpu->state != from)
		contradict(states, vcpu, pcpu);
	if (from == XEN_RUNNING && vcpu->state == XEN_RUNNING)
		stop_running(states, pcpu, vcpu, to, tsc);
	else if (to == XEN_RUNNING)
		enter(states, pcpu, vcpu, tsc);
	else
		change(states, vcpu, to, tsc);
}

static void expect_end(struct xen_runstates *states, uint64_t tsc)
{
	if (tsc < states->next_end_tsc)
		states->next_end_tsc = tsc;
}

static void find_next_end(struct xen_runstates *states)
{
	uint32_t left = states->lost_pcpus + states->ending_pcpus;

	states->next_end_tsc = UINT64_MAX;
	for (uint32_t i = 0; i < states->nr_pcpus && left; i++) {
		const struct xen_pcpu_place *pcpu = states->pcpus + i;

		if (pcpu->lost) {
			left--;
			expect_end(states, pcpu->lost_end_tsc);
		}
		if (pcpu->ending) {
			left--;
			expect_end(states, pcpu->last_tsc);
		}
	}
}

static void end_gap(struct xen_runstates *states, struct xen_pcpu_place *pcpu)
{
	uint64_t tsc = pcpu->lost_end_tsc;
	struct xen_vcpu_place *vcpu = vcpu_at(states, pcpu->lost_vcpu);

	if (tsc > pcpu->lost_tsc)
		states->listener.pcpu(states->listener.context, (uint32_t)(pcpu - states->pcpus), NULL,
			pcpu->lost_tsc, tsc);
	if (vcpu && pcpu->current == XEN_NO_VCPU) {
		if (vcpu->state == XEN_RUNNING)
			contradict(states, vcpu, pcpu);
		enter(states, pcpu, vcpu, tsc);
		pcpu->inferred = true;
	}
	if (tsc > pcpu->last_tsc)
		pcpu->last_tsc = tsc;
	pcpu->lost = false;
	states->lost_pcpus--;
}

static void end_pcpu(struct xen_runstates *states, struct xen_pcpu_place *pcpu)
{
	if (pcpu->current != XEN_NO_VCPU)
		leave(states, pcpu, XEN_LOST, pcpu->last_tsc);
	pcpu->ending = false;
	pcpu->ended = true;
	states->ending_pcpus--;
}

/* Gaps, and pCPUs that have had their last record. */
static void end_until(struct xen_runstates *states, uint64_t until_tsc)
{
	while (states->next_end_tsc <= until_tsc && states->lost_pcpus + states->ending_pcpus) {
		uint64_t end_tsc = states->next_end_tsc;

		for (uint32_t i = 0; i < states->nr_pcpus; i++) {
			struct xen_pcpu_place *pcpu = states->pcpus + i;

			if (pcpu->lost && pcpu->lost_end_tsc == end_tsc)
				end_gap(states, pcpu);
			if (pcpu->ending && pcpu->last_tsc <= end_tsc)
				end_pcpu(states, pcpu);
		}
		find_next_end(states);
	}
}

static bool make_room(struct xen_runstates *states, uint32_t pcpu)
{
	uint32_t room = states->nr_pcpus ? states->nr_pcpus : 8;
	struct xen_pcpu_place *more;

	if (pcpu < states->nr_pcpus)
		return true;
	if (pcpu >= XEN_PCPUS_MAX)
		return false;
	while (room <= pcpu)
		room *= 2;
	more = reallocarray(states->pcpus, room, sizeof(*more));
	if (!more)
		return false;
	memset(more + states->nr_pcpus, 0, (room - states->nr_pcpus) * sizeof(*more));
	states->pcpus = more;
	states->nr_pcpus = room;
	return true;
}

struct xen_pcpu_place *xen_runstates_record_slow(struct xen_runstates *states, uint32_t pcpu, uint64_t tsc)
{
	struct xen_pcpu_place *place;

	if (!make_room(states, pcpu)) {
		states->refused++;
		return NULL;
	}
	if (tsc >= states->next_end_tsc)
		end_until(states, tsc);
	place = states->pcpus + pcpu;
	if (!place->seen) {
		place->seen = true;
		place->first_tsc = tsc;
		place->current = XEN_NO_VCPU;
	}
	if (place->ending)
		states->ending_pcpus--; /* it had more, after all */
	place->ending = place->ended = false;
	place->before_tsc = place->last_tsc;
	if (tsc > place->last_tsc)
		place->last_tsc = tsc;
	return place;
}

void xen_runstates_lost(struct xen_runstates *states, const struct xen_event *event)
{
	struct xen_pcpu_place *pcpu = states->pcpus + event->pcpu;
	const uint32_t *extra = event->extra;
	uint64_t tsc = event->tsc, first_tsc;

	if (event->n_extra < 4) {
		states->refused++;
		return;
	}
	first_tsc = (uint64_t)extra[3] << 32 | extra[2];
	if (first_tsc > tsc)
		first_tsc = tsc;
	states->gaps++;
	states->lost_records += extra[0];
	if (pcpu->current != XEN_NO_VCPU)
		leave(states, pcpu, XEN_LOST, first_tsc);
	while (states->waiting) /* whoever did not run may have been scheduled there */
		change(states, states->waiting, XEN_LOST, first_tsc);
	for (uint32_t i = 0; i < states->nr_vcpus; i++)
		if (states->vcpus[i]->state == XEN_UNKNOWN)
			change(states, states->vcpus[i], XEN_LOST, first_tsc);
	if (!pcpu->lost) {
		states->lost_pcpus++;
		pcpu->lost_tsc = first_tsc;
	}
	pcpu->lost = true;
	pcpu->known = true; /* whoever ran before the gap stays unknown */
	pcpu->lost_end_tsc = tsc;
	pcpu->lost_vcpu = extra[1] << 16 | extra[1] >> 16; /* dom in the low half, here alone */
	find_next_end(states);
}

void xen_runstates_pcpu_end(struct xen_runstates *states, uint32_t pcpu_number, uint64_t last_tsc)
{
	struct xen_pcpu_place *pcpu = states->pcpus + pcpu_number;

	if (pcpu_number >= states->nr_pcpus || !pcpu->seen || pcpu->ending || pcpu->ended)
		return;
	if (last_tsc > pcpu->last_tsc)
		pcpu->last_tsc = last_tsc;
	if (pcpu->lost && pcpu->lost_end_tsc > pcpu->last_tsc)
		pcpu->last_tsc = pcpu->lost_end_tsc;
	pcpu->ending = true;
	states->ending_pcpus++;
	expect_end(states, pcpu->last_tsc);
}

void xen_runstates_end(struct xen_runstates *states)
{
	for (uint32_t i = 0; i < states->nr_pcpus; i++)
		xen_runstates_pcpu_end(states, i, 0);
}

void xen_runstates_advance(struct xen_runstates *states, uint64_t tsc)
{
	if (tsc >= states->next_end_tsc)
		end_until(states, tsc);
}
