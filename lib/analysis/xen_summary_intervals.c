/* SPDX-License-Identifier: MIT */
/* A summary by intervals: what is of one alone. */
#include "lib/analysis/xen_summary_parts.h"

#define EMPTY_INTERVALS_MAX 10000u /* in a row */

void xen_summary_intervals(
	struct xen_summary *summary, uint64_t ticks, xen_interval_fn interval, void *context)
{
	summary->interval_tsc = ticks;
	summary->interval = interval;
	summary->interval_context = context;
}

bool xen_summary_expect_interval(struct xen_summary *summary)
{
	bool ends = summary->interval_tsc && summary->begin_tsc < UINT64_MAX - summary->interval_tsc;

	summary->next_tsc = ends ? summary->begin_tsc + summary->interval_tsc : UINT64_MAX;
	return ends;
}

void xen_summary_end_intervals(struct xen_summary *summary, uint64_t tsc)
{
	for (unsigned empty = 0; tsc >= summary->next_tsc; empty++) {
		/* a TSC that jumps is no reason to write a billion of them: the last one is long */
		if (empty == EMPTY_INTERVALS_MAX)
			summary->next_tsc +=
				(tsc - summary->next_tsc) / summary->interval_tsc * summary->interval_tsc;
		xen_runstates_advance(&summary->states, summary->next_tsc);
		summary->interval(summary->interval_context, summary, summary->begin_tsc, summary->next_tsc);
		for (uint32_t i = 0; i < summary->nr_vcpus; i++) {
			struct xen_vcpu_summary *vcpu = summary->vcpus + i;
			enum xen_state state = vcpu->place->state;

			vcpu->all.state_tsc[state] =
				xen_summary_state_tsc(vcpu, state, summary->begin_tsc, summary->next_tsc);
			vcpu->before = vcpu->all;
		}
		for (uint32_t i = 0; i < summary->nr_pcpus; i++)
			for (int state = 0; state < XEN_PCPU_STATES; state++)
				summary->pcpus[i].before_tsc[state] = xen_summary_pcpu_tsc(
					summary, i, (enum xen_pcpu_state)state, summary->next_tsc);
		summary->begin_tsc = summary->next_tsc;
		if (!xen_summary_expect_interval(summary))
			return;
	}
}

uint64_t xen_summary_state_tsc(
	const struct xen_vcpu_summary *vcpu, enum xen_state state, uint64_t begin_tsc, uint64_t end_tsc)
{
	uint64_t from_tsc = vcpu->place->since_tsc > begin_tsc ? vcpu->place->since_tsc : begin_tsc;
	uint64_t ticks = vcpu->all.state_tsc[state];

	if (vcpu->place->state == state && vcpu->place->since_tsc && from_tsc < end_tsc)
		ticks += end_tsc - from_tsc;
	return ticks;
}

uint64_t xen_summary_pcpu_tsc(
	const struct xen_summary *summary, uint32_t pcpu, enum xen_pcpu_state state, uint64_t end_tsc)
{
	const struct xen_pcpu_place *place = summary->states.pcpus + pcpu;
	uint64_t ticks = summary->pcpus[pcpu].states[state].sum_tsc;
	const struct xen_vcpu_place *vcpu;

	if (pcpu >= summary->states.nr_pcpus || !place->seen)
		return ticks;
	vcpu = xen_runstates_current(&summary->states, place);
	if (state == XEN_PCPU_LOST)
		return ticks + (place->lost && place->lost_tsc < end_tsc ? end_tsc - place->lost_tsc : 0);
	if (vcpu && (state == XEN_PCPU_IDLE) == (vcpu->dom == XEN_DOMAIN_IDLE) && place->current_tsc &&
		place->current_tsc < end_tsc)
		ticks += end_tsc - place->current_tsc;
	return ticks;
}
