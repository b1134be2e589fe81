/* SPDX-License-Identifier: MIT */
/* Runstates, waits and places of vCPUs, and who has a pCPU: what xen_runstates tells a summary. */
#include "lib/analysis/xen_summary_parts.h"

#include <string.h>

static struct xen_pair *pair_of(struct xen_summary *summary, uint32_t vcpu, uint32_t pcpu)
{
	return capped_table_at(&summary->pairs, (uint64_t)vcpu << 32 | pcpu);
}

static void keep_longest(struct xen_summary *summary, const struct xen_wait *wait)
{
	uint32_t place = summary->nr_longest;

	if (place == XEN_LONGEST_MAX && summary->longest[place - 1].ticks >= wait->ticks)
		return;
	while (place && summary->longest[place - 1].ticks < wait->ticks)
		place--;
	if (summary->nr_longest < XEN_LONGEST_MAX)
		summary->nr_longest++;
	memmove(summary->longest + place + 1, summary->longest + place,
		(summary->nr_longest - place - 1) * sizeof(*wait));
	summary->longest[place] = *wait;
}

static void waited(struct xen_summary *summary, struct xen_vcpu_summary *vcpu, enum xen_state next,
	uint64_t ticks, uint64_t tsc)
{
	const struct xen_vcpu_place *place = vcpu->place;

	xen_times_add(&vcpu->waits[place->why], &summary->budget, ticks);
	/* place() comes first: the vCPU's pCPU is the new one, and still has who was there before */
	if (next == XEN_RUNNING && place->dom != XEN_DOMAIN_IDLE && place->pcpu < summary->nr_pcpus)
		keep_longest(summary,
			&(struct xen_wait){
				.ticks = ticks,
				.end_tsc = tsc,
				.vcpu = place->number,
				.pcpu = place->pcpu,
				.after = summary->pcpus[place->pcpu].last,
				.why = place->why,
			});
}

static void tell_halts(struct xen_summary *summary, const struct xen_vcpu_summary *vcpu, uint64_t tsc)
{
	for (uint32_t i = 0; summary->listener.halt && i < vcpu->hvm->nr_pending; i++) {
		const struct xen_hvm_pending *pending = &vcpu->hvm->pending[i];

		if (pending->entry_tsc && pending->entry_tsc < tsc)
			summary->listener.halt(summary->listener.context, vcpu->place, pending, tsc,
				tsc - pending->entry_tsc);
	}
}

static void change_hvm(
	struct xen_summary *summary, struct xen_vcpu_summary *vcpu, enum xen_state next, uint64_t tsc)
{
	const struct xen_hvm_counts counts = xen_summary_hvm_counts(summary);
	enum xen_state before = vcpu->place->state;

	if (next == XEN_LOST) {
		xen_hvm_lost(vcpu->hvm);
	} else if (next == XEN_RUNNABLE) {
		bool was_in_exit = vcpu->hvm->in_exit;
		uint64_t ticks = xen_hvm_runnable(vcpu->hvm, &counts, before == XEN_BLOCKED, tsc);

		vcpu->all.acts[XEN_ACT_EXIT_TSC] += ticks;
		if (was_in_exit && summary->rips)
			xen_rips_add(summary->rips, vcpu->place->dom, XEN_RIP_EXIT, vcpu->hvm->reason,
				vcpu->hvm->rip, ticks);
		if (was_in_exit && summary->listener.exit)
			summary->listener.exit(summary->listener.context, vcpu->place, vcpu->hvm, tsc, ticks);
	} else if (next == XEN_BLOCKED && before == XEN_RUNNING) {
		tell_halts(summary, vcpu, tsc);
		xen_hvm_blocked(vcpu->hvm, &counts, tsc);
	}
}

void xen_summary_take_change(
	void *context, const struct xen_vcpu_place *place, enum xen_state next, uint64_t tsc)
{
	struct xen_summary *summary = context;
	struct xen_vcpu_summary *vcpu = xen_summary_vcpu(summary, place);
	enum xen_state state = place->state;

	if (!vcpu)
		return;
	if (summary->listener.change)
		summary->listener.change(summary->listener.context, place, next, tsc);
	if (place->since_tsc && place->since_tsc < tsc) {
		uint64_t ticks = tsc - place->since_tsc;

		xen_times_add(&vcpu->states[state], &summary->budget, ticks);
		/* what lies before the interval has been counted there */
		vcpu->all.state_tsc[state] += place->since_tsc >= summary->begin_tsc ? ticks
			: tsc > summary->begin_tsc ? tsc - summary->begin_tsc
						   : 0;
		if (state == XEN_RUNNABLE)
			waited(summary, vcpu, next, ticks, tsc);
	}
	if (next == XEN_RUNNING && state != XEN_RUNNING)
		vcpu->all.acts[XEN_ACT_RUNS]++;
	if (vcpu->hvm)
		change_hvm(summary, vcpu, next, tsc);
	if (vcpu->domain)
		xen_domain_change(vcpu->domain, &summary->budget, state, next, tsc);
}

void xen_summary_stayed(struct xen_summary *summary, struct xen_vcpu_summary *vcpu, uint64_t tsc)
{
	const struct xen_vcpu_place *place = vcpu->place;

	if (place->pcpu == XEN_NO_PCPU || place->placed_tsc >= tsc)
		return;
	xen_times_add(&vcpu->stays, &summary->budget, tsc - place->placed_tsc);
	xen_times_add(&pair_of(summary, place->number, place->pcpu)->stays, &summary->budget,
		tsc - place->placed_tsc);
}

void xen_summary_take_place(void *context, const struct xen_vcpu_place *place, uint32_t pcpu, uint64_t tsc)
{
	struct xen_summary *summary = context;
	struct xen_vcpu_summary *vcpu = xen_summary_vcpu(summary, place);

	(void)pcpu;
	if (!vcpu)
		return;
	xen_summary_stayed(summary, vcpu, tsc);
	if (place->pcpu != XEN_NO_PCPU)
		vcpu->all.acts[XEN_ACT_MIGRATIONS]++;
}

void xen_summary_take_pcpu(void *context, uint32_t number, const struct xen_vcpu_place *place,
	uint64_t from_tsc, uint64_t to_tsc)
{
	struct xen_summary *summary = context;
	struct xen_pcpu_summary *pcpu = xen_summary_pcpu(summary, number);
	struct xen_pair *pair;

	if (!pcpu)
		return;
	if (!place) {
		xen_times_add(&pcpu->states[XEN_PCPU_LOST], &summary->budget, to_tsc - from_tsc);
		pcpu->last = XEN_NO_VCPU;
		return;
	}
	xen_times_add(&pcpu->states[place->dom == XEN_DOMAIN_IDLE ? XEN_PCPU_IDLE : XEN_PCPU_BUSY],
		&summary->budget, to_tsc - from_tsc);
	pcpu->last = place->number;
	pair = pair_of(summary, place->number, number);
	pair->runs++;
	pair->ran_tsc += to_tsc - from_tsc;
}
