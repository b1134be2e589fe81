/* SPDX-License-Identifier: MIT */
/* What the vCPU that runs does, and the pCPU's hardware: hypercalls, traps, exits, memory operations, interrupts, C-states. */
#include "lib/analysis/xen_summary_parts.h"

#include <stdlib.h>

const char *const xen_activity_names[XEN_ACTIVITIES] = {
	[XEN_ACT_RUNS] = "runs",
	[XEN_ACT_MIGRATIONS] = "migrations",
	[XEN_ACT_HYPERCALLS] = "hypercalls",
	[XEN_ACT_TRAPS] = "traps",
	[XEN_ACT_FAULTS] = "page_faults",
	[XEN_ACT_EXITS] = "exits",
	[XEN_ACT_EXIT_TSC] = "in_exits",
	[XEN_ACT_INTERRUPTS] = "interrupts",
	[XEN_ACT_IO] = "io",
	[XEN_ACT_GRANTS] = "grants",
	[XEN_ACT_POD] = "pod",
	[XEN_ACT_MEMORY] = "memory_ops",
};

static void add_pv_rip(
	struct xen_summary *summary, uint16_t domain, enum xen_pv_event what, const struct xen_event *event)
{
	const unsigned behind_rip = event->code & 0x100 ? 2 : 1;
	uint64_t rip;

	if (!xen_pv_rip(event, &rip))
		return;
	if (what == XEN_PV_HYPERCALL)
		xen_rips_add(summary->rips, domain, XEN_RIP_HYPERCALL, event->extra[behind_rip], rip, 0);
	else if (what == XEN_PV_TRAP)
		xen_rips_add(summary->rips, domain, XEN_RIP_TRAP, event->extra[behind_rip] & 0x7fff, rip, 0);
	else
		xen_rips_add(summary->rips, domain, XEN_RIP_PV, what, rip, 0);
}

static void add_pv(struct xen_summary *summary, struct xen_vcpu_summary *vcpu, const struct xen_event *event)
{
	enum xen_pv_event what;

	if (!vcpu->pv)
		vcpu->pv = calloc(1, sizeof(*vcpu->pv));
	if (!vcpu->pv) {
		summary->no_memory = true;
		return;
	}
	what = xen_pv_add(vcpu->pv, event);
	if (what && __builtin_expect(summary->rips != NULL, 0))
		add_pv_rip(summary, vcpu->place->dom, what, event);
	switch (what) {
	case XEN_PV_HYPERCALL:
	case XEN_PV_HYPERCALL_V2:
		vcpu->all.acts[XEN_ACT_HYPERCALLS]++;
		break;
	case XEN_PV_TRAP:
		vcpu->all.acts[XEN_ACT_TRAPS]++;
		break;
	case XEN_PV_PAGE_FAULT:
		vcpu->all.acts[XEN_ACT_FAULTS]++;
		break;
	default:
		break;
	}
}

static void add_hvm(struct xen_summary *summary, struct xen_vcpu_summary *vcpu, const struct xen_event *event)
{
	const struct xen_hvm_counts counts = xen_summary_hvm_counts(summary);
	struct xen_hvm_result result;

	if (!vcpu->hvm) {
		vcpu->hvm = calloc(1, sizeof(*vcpu->hvm));
		if (!vcpu->hvm) {
			summary->no_memory = true;
			return;
		}
		vcpu->hvm->vcpu = vcpu->place->number;
	}
	result = xen_hvm_event(vcpu->hvm, &counts, event);
	if (result.closed && summary->rips)
		xen_rips_add(summary->rips, vcpu->place->dom, XEN_RIP_EXIT, vcpu->hvm->reason, vcpu->hvm->rip,
			result.exit_ticks);
	if (result.closed && summary->listener.exit)
		summary->listener.exit(summary->listener.context, vcpu->place, vcpu->hvm, event->order_tsc,
			result.exit_ticks);
	vcpu->all.acts[XEN_ACT_EXITS] += result.exit;
	vcpu->all.acts[XEN_ACT_EXIT_TSC] += result.exit_ticks;
	vcpu->all.acts[XEN_ACT_INTERRUPTS] += result.interrupt;
	vcpu->all.acts[XEN_ACT_FAULTS] += result.fault;
	vcpu->all.acts[XEN_ACT_IO] += result.io;
	vcpu->all.acts[XEN_ACT_HYPERCALLS] += result.vmcall;
}

static enum xen_reclaim why_reclaimed(const struct xen_vcpu_summary *vcpu)
{
	if (!vcpu->hvm || !vcpu->hvm->in_exit)
		return XEN_RECLAIM_UNKNOWN;
	switch (vcpu->hvm->reason) {
	case 0:     /* VMX: exception */
	case 48:    /* VMX: EPT violation */
	case 0x400: /* SVM: nested page fault */
		return XEN_RECLAIM_FAULT;
	case 18:   /* VMX: VMCALL */
	case 0x81: /* SVM: VMMCALL */
		return XEN_RECLAIM_BALLOON;
	}
	return XEN_RECLAIM_UNKNOWN;
}

/* `vcpu`: who did it; NULL: not known. */
static void add_memory(
	struct xen_summary *summary, struct xen_vcpu_summary *vcpu, const struct xen_event *event)
{
	int op = xen_memory_op(event->code);
	struct xen_memory_counts *by = NULL, *of = NULL;
	struct xen_domain *domain;
	uint32_t order;
	uint16_t id;

	if (op < 0 || !xen_memory_target(event, op, &id, &order))
		return;
	domain = xen_domains_at(&summary->domains, id);
	if (domain)
		of = xen_domain_memory(domain);
	if (vcpu && vcpu->domain)
		by = xen_domain_memory(vcpu->domain);
	if (by)
		by->by[op]++;
	if (vcpu) {
		vcpu->all.acts[XEN_ACT_MEMORY]++;
		if (op <= XEN_MEMORY_GRANT_TRANSFER)
			vcpu->all.acts[XEN_ACT_GRANTS]++;
		if (op >= XEN_MEMORY_POD_POPULATE)
			vcpu->all.acts[XEN_ACT_POD]++;
	}
	if (!of)
		return;
	of->of[op]++;
	if (op == XEN_MEMORY_POD_POPULATE)
		of->populated[order]++;
	else if (op == XEN_MEMORY_POD_SPLINTER)
		of->splintered[order]++;
	else if (op == XEN_MEMORY_POD_RECLAIM)
		of->reclaimed[vcpu ? why_reclaimed(vcpu) : XEN_RECLAIM_UNKNOWN][order]++;
}

static void add_hardware(
	struct xen_summary *summary, struct xen_pcpu_summary *pcpu, const struct xen_event *event)
{
	uint32_t number = event->code & 0xfff;
	struct xen_tally_row *row;

	if (xen_code_subclass(event->code) == 2 && number == 8 &&
		event->n_extra >= 3) { /* irq, begin, end: low words */
		uint32_t ticks = event->extra[2] - event->extra[1];

		row = xen_tally_at(&summary->tally, XEN_TALLY_ANY, XEN_TALLY_IRQ, event->extra[0]);
		row->count++;
		xen_times_add(&row->times, &summary->budget, ticks);
		pcpu->irqs++;
		pcpu->irq_tsc += ticks;
	} else if (xen_code_subclass(event->code) == 1 && number == 2) {
		pcpu->cstate_entries++;
		pcpu->entered_tsc = event->order_tsc;
	} else if (xen_code_subclass(event->code) == 1 && number == 3 && pcpu->entered_tsc) {
		if (event->order_tsc > pcpu->entered_tsc)
			pcpu->cstate_tsc += event->order_tsc - pcpu->entered_tsc;
		pcpu->entered_tsc = 0;
	}
}

void xen_summary_running(struct xen_summary *summary, struct xen_pcpu_summary *pcpu,
	const struct xen_pcpu_place *where, const struct xen_event *event, uint32_t class)
{
	const struct xen_vcpu_place *place = xen_runstates_current(&summary->states, where);
	struct xen_vcpu_summary *vcpu = place ? xen_summary_vcpu(summary, place) : NULL;

	switch (class) {
	case XEN_CLASS_MEM:
		add_memory(summary, vcpu, event);
		break;
	case XEN_CLASS_HW:
		add_hardware(summary, pcpu, event);
		break;
	default:
		/* xenalyze, too, takes an idle vCPU for one that cannot have done this */
		if (!vcpu || place->dom == XEN_DOMAIN_IDLE)
			summary->unplaced++;
		else if (class == XEN_CLASS_PV)
			add_pv(summary, vcpu, event);
		else
			add_hvm(summary, vcpu, event);
	}
}
