/* SPDX-License-Identifier: MIT */
#include "lib/analysis/xen_summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/analysis/xen_summary_parts.h"

/* --- rooms --- */

struct xen_vcpu_summary *xen_summary_vcpu_slow(
	struct xen_summary *summary, const struct xen_vcpu_place *place)
{
	struct xen_vcpu_summary *vcpu;

	if (place->number >= summary->vcpus_room) {
		uint32_t room = summary->vcpus_room ? 2 * summary->vcpus_room : 8;
		struct xen_vcpu_summary *more;

		while (room <= place->number)
			room *= 2;
		more = reallocarray(summary->vcpus, room, sizeof(*more));
		if (!more) {
			summary->no_memory = true;
			return NULL;
		}
		summary->vcpus = more;
		summary->vcpus_room = room;
	}
	while (summary->nr_vcpus <= place->number) {
		vcpu = summary->vcpus + summary->nr_vcpus;
		*vcpu = (struct xen_vcpu_summary){.place = summary->states.vcpus[summary->nr_vcpus]};
		vcpu->domain = xen_domains_at(&summary->domains, vcpu->place->dom);
		if (!vcpu->domain)
			summary->no_memory = true;
		summary->nr_vcpus++;
	}
	return summary->vcpus + place->number;
}

struct xen_pcpu_summary *xen_summary_pcpu_slow(struct xen_summary *summary, uint32_t pcpu)
{
	uint32_t room = summary->nr_pcpus ? summary->nr_pcpus : 8;
	struct xen_pcpu_summary *more;

	while (room <= pcpu)
		room *= 2;
	more = reallocarray(summary->pcpus, room, sizeof(*more));
	if (!more) {
		summary->no_memory = true;
		return NULL;
	}
	memset(more + summary->nr_pcpus, 0, (room - summary->nr_pcpus) * sizeof(*more));
	for (uint32_t i = summary->nr_pcpus; i < room; i++)
		more[i].last = XEN_NO_VCPU;
	summary->pcpus = more;
	summary->nr_pcpus = room;
	return summary->pcpus + pcpu;
}

/* --- events --- */

void xen_summary_event(struct xen_summary *summary, const struct xen_event *event)
{
	uint32_t class = xen_code_class(event->code);
	uint64_t tsc = event->order_tsc;
	struct xen_pcpu_summary *pcpu;
	const struct xen_pcpu_place *where;
	unsigned bit;

	if (__builtin_expect(!class || class & (class - 1), 0)) {
		summary->odd_codes++;
		return;
	}
	if (__builtin_expect(!summary->first_tsc && tsc, 0)) {
		summary->first_tsc = summary->begin_tsc = tsc;
		xen_summary_expect_interval(summary);
	}
	if (__builtin_expect(tsc >= summary->next_tsc, 0))
		xen_summary_end_intervals(summary, tsc);
	if (tsc > summary->last_tsc)
		summary->last_tsc = tsc;
	summary->events++;
	where = xen_runstates_record(&summary->states, event->pcpu, tsc);
	if (!where)
		return;
	pcpu = xen_summary_pcpu(summary, event->pcpu);
	if (!pcpu)
		return;
	bit = (unsigned)__builtin_ctz(class);
	pcpu->events[bit]++;
	pcpu->bytes[bit] += 4 + (event->has_tsc ? 8 : 0) + 4u * event->n_extra;
	if (__builtin_expect(summary->listener.event != NULL, 0))
		summary->listener.event(
			summary->listener.context, xen_runstates_current(&summary->states, where), event);
	switch (class) {
	case XEN_CLASS_SCHED:
		if (xen_code_subclass(event->code) == 1)
			xen_runstates_change(&summary->states, event);
		break;
	case XEN_CLASS_GEN:
		if (event->code == XEN_LOST_RECORDS)
			xen_runstates_lost(&summary->states, event);
		break;
	case XEN_CLASS_HVM:
	case XEN_CLASS_SHADOW:
	case XEN_CLASS_PV:
	case XEN_CLASS_MEM:
	case XEN_CLASS_HW:
		xen_summary_running(summary, pcpu, where, event, class);
		break;
	}
}

bool xen_summary_wants(uint32_t code)
{
	uint32_t class = xen_code_class(code);

	if (class == XEN_CLASS_SCHED)
		return xen_code_subclass(code) == 1;
	return class &
		(XEN_CLASS_GEN | XEN_CLASS_HVM | XEN_CLASS_SHADOW | XEN_CLASS_PV | XEN_CLASS_MEM |
			XEN_CLASS_HW);
}

void xen_summary_left_out(struct xen_summary *summary, uint32_t pcpu_number,
	const uint64_t events[XEN_CLASSES], const uint64_t bytes[XEN_CLASSES], uint64_t last_tsc)
{
	struct xen_pcpu_place *place = xen_runstates_record(&summary->states, pcpu_number, last_tsc);
	struct xen_pcpu_summary *pcpu = place ? xen_summary_pcpu(summary, pcpu_number) : NULL;

	if (!pcpu)
		return;
	for (int i = 0; i < XEN_CLASSES; i++) {
		pcpu->events[i] += events[i];
		pcpu->bytes[i] += bytes[i];
		summary->events += events[i];
	}
	if (last_tsc > summary->last_tsc)
		summary->last_tsc = last_tsc;
}

void xen_summary_pcpu_end(struct xen_summary *summary, uint32_t pcpu, uint64_t last_tsc)
{
	xen_runstates_pcpu_end(&summary->states, pcpu, last_tsc);
}

int xen_summary_end(struct xen_summary *summary)
{
	xen_runstates_end(&summary->states);
	if (summary->interval && summary->last_tsc >= summary->next_tsc)
		xen_summary_end_intervals(summary, summary->last_tsc);
	xen_runstates_advance(&summary->states, UINT64_MAX);
	if (summary->interval && summary->last_tsc > summary->begin_tsc)
		summary->interval(summary->interval_context, summary, summary->begin_tsc, summary->last_tsc);
	for (uint32_t i = 0; i < summary->nr_vcpus; i++)
		xen_summary_stayed(summary, summary->vcpus + i, summary->last_tsc);
	return summary->no_memory ? -ENOMEM : 0;
}

/* --- the whole --- */

int xen_summary_init(struct xen_summary *summary)
{
	const struct xen_runstates_listener listener = {
		summary, xen_summary_take_change, xen_summary_take_place, xen_summary_take_pcpu};
	int result;

	*summary = (struct xen_summary){.next_tsc = UINT64_MAX};
	xen_runstates_init(&summary->states, &listener);
	result = xen_tally_init(&summary->tally);
	if (capped_table_init(&summary->pairs, sizeof(struct xen_pair), XEN_PAIRS_MAX) < 0)
		result = -ENOMEM;
	return result;
}

int xen_summary_want_rips(struct xen_summary *summary)
{
	summary->rips = malloc(sizeof(*summary->rips));
	return summary->rips ? xen_rips_init(summary->rips) : -ENOMEM;
}

void xen_summary_deinit(struct xen_summary *summary)
{
	for (uint32_t i = 0; i < summary->nr_vcpus; i++) {
		struct xen_vcpu_summary *vcpu = summary->vcpus + i;

		for (int j = 0; j < XEN_STATES; j++)
			xen_times_deinit(&vcpu->states[j]);
		for (int j = 0; j < XEN_RUNNABLES; j++)
			xen_times_deinit(&vcpu->waits[j]);
		xen_times_deinit(&vcpu->stays);
		free(vcpu->pv);
		free(vcpu->hvm);
	}
	free(summary->vcpus);
	for (uint32_t i = 0; i < summary->nr_pcpus; i++)
		for (int j = 0; j < XEN_PCPU_STATES; j++)
			xen_times_deinit(&summary->pcpus[i].states[j]);
	free(summary->pcpus);
	for (size_t i = 0; i < summary->pairs.count; i++)
		xen_times_deinit(&((struct xen_pair *)capped_table_row(&summary->pairs, i))->stays);
	if (summary->pairs.others)
		xen_times_deinit(&((struct xen_pair *)summary->pairs.others)->stays);
	capped_table_deinit(&summary->pairs);
	if (summary->rips)
		xen_rips_deinit(summary->rips);
	free(summary->rips);
	xen_tally_deinit(&summary->tally);
	xen_domains_deinit(&summary->domains);
	xen_runstates_deinit(&summary->states);
	*summary = (struct xen_summary){0};
}

static int by_name(const void *a, const void *b, void *context)
{
	const struct xen_summary *summary = context;
	const struct xen_vcpu_place *left = summary->vcpus[*(const uint32_t *)a].place;
	const struct xen_vcpu_place *right = summary->vcpus[*(const uint32_t *)b].place;

	if (left->dom != right->dom)
		return left->dom < right->dom ? -1 : 1;
	return left->vcpu < right->vcpu ? -1 : left->vcpu > right->vcpu;
}

uint32_t *xen_summary_sorted(const struct xen_summary *summary)
{
	uint32_t *order = summary->nr_vcpus ? calloc(summary->nr_vcpus, sizeof(*order)) : NULL;

	for (uint32_t i = 0; order && i < summary->nr_vcpus; i++)
		order[i] = i;
	if (order)
		qsort_r(order, summary->nr_vcpus, sizeof(*order), by_name, (void *)(uintptr_t)summary);
	return order;
}
