/* SPDX-License-Identifier: MIT */
#include "lib/analysis/xen_scatter.h"

#define CR_WRITE  0x82009u /* without the flag of 64 bits */
#define RDTSC     0x8201au
#define IRQ       0x802008u
#define WIDE      0x100u
#define FULL_WIDE 0x200u    /* of shadow events: 64-bit guest */
#define PROMOTE   (1u << 9) /* of the flags in the last word of a shadow event */

static void put(struct xen_scatter *scatter, const struct xen_point *point)
{
	if (scatter->idle || !point->vcpu || point->vcpu->dom != XEN_DOMAIN_IDLE)
		scatter->point(scatter->context, point);
}

static void take_change(void *context, const struct xen_vcpu_place *vcpu, enum xen_state next, uint64_t tsc)
{
	struct xen_scatter *scatter = context;
	struct xen_point point = {.tsc = tsc, .number = vcpu->state, .pcpu = vcpu->pcpu, .vcpu = vcpu};

	if (scatter->kind == XEN_SCATTER_PCPU) {
		point.value = vcpu->pcpu;
		if (next == XEN_RUNNING && vcpu->state != XEN_RUNNING)
			put(scatter, &point);
	} else if (scatter->kind == XEN_SCATTER_RUNSTATE) {
		point.value = next;
		if (tsc) /* 0: it is not known when */
			put(scatter, &point);
	} else if (vcpu->since_tsc && vcpu->since_tsc < tsc) {
		point.ticks = tsc - vcpu->since_tsc;
		put(scatter, &point);
	}
}

static void take_halt(void *context, const struct xen_vcpu_place *vcpu, const struct xen_hvm_pending *pending,
	uint64_t tsc, uint64_t ticks)
{
	put(context,
		&(struct xen_point){
			.tsc = tsc,
			.value = pending->woke,
			.ticks = ticks,
			.number = pending->vector,
			.pcpu = vcpu->pcpu,
			.vcpu = vcpu,
		});
}

static void take_exit(void *context, const struct xen_vcpu_place *vcpu, const struct xen_hvm *hvm,
	uint64_t tsc, uint64_t ticks)
{
	struct xen_scatter *scatter = context;
	struct xen_point point = {.tsc = hvm->exit_tsc,
		.value = hvm->rip,
		.ticks = ticks,
		.number = (uint32_t)hvm->row_number,
		.pcpu = vcpu->pcpu,
		.vcpu = vcpu};

	(void)tsc;
	switch (scatter->kind) {
	case XEN_SCATTER_INTERRUPT:
		if (hvm->row_kind != XEN_TALLY_EXTINT)
			return;
		break;
	case XEN_SCATTER_IO:
		if (hvm->row_kind != XEN_TALLY_PORT_READ && hvm->row_kind != XEN_TALLY_PORT_WRITE)
			return;
		point.value = hvm->row_kind == XEN_TALLY_PORT_WRITE;
		break;
	default:
		point.number = hvm->reason;
	}
	put(scatter, &point);
}

static uint64_t wide(const struct xen_event *event, unsigned word)
{
	return event->extra[word] | (uint64_t)event->extra[word + 1] << 32;
}

/* False: it is not of the kind. */
static bool fill(enum xen_scatter_kind kind, const struct xen_event *event, struct xen_point *point)
{
	uint32_t narrow = event->code & ~WIDE;

	switch (kind) {
	case XEN_SCATTER_CR3:
		if (narrow != CR_WRITE || event->n_extra < 2 || event->extra[0] != 3)
			return false;
		point->value = (event->code & WIDE ? wide(event, 1) : event->extra[1]) >> 12;
		return true;
	case XEN_SCATTER_RDTSC:
		point->value = wide(event, 0);
		return narrow == RDTSC && event->n_extra >= 2;
	case XEN_SCATTER_IRQ: /* IRQ, begin, end: low words */
		point->number = event->extra[0];
		point->ticks = event->extra[2] - event->extra[1];
		point->vcpu = NULL;
		return event->code == IRQ && event->n_extra >= 3;
	case XEN_SCATTER_UNPIN:
		point->value = event->n_extra > 1 ? wide(event, 0) : event->extra[0];
		return (event->code & 0xff) == 13 && event->n_extra >= 1;
	case XEN_SCATTER_PROMOTE: /* flags are the last word of not_shadow, fixup, emulate and unshadow */
		point->number = event->code & 0xff;
		if (event->n_extra < 3 || !(event->extra[event->n_extra - 1] & PROMOTE))
			return false;
		point->value = (event->code & (WIDE | FULL_WIDE) ? wide(event, 0) : event->extra[0]) >> 12;
		return true;
	case XEN_SCATTER_HYPERCALL:
		point->value = (event->code & 0xff) == XEN_PV_HYPERCALL_SUBCALL;
		if ((event->code & 0xff) == XEN_PV_HYPERCALL) {
			uint32_t behind_eip = event->code & WIDE ? 2 : 1;

			point->number = event->extra[behind_eip];
			return event->n_extra > behind_eip;
		}
		point->number = event->extra[0] & 0xfffff;
		return event->n_extra && ((event->code & 0xff) == XEN_PV_HYPERCALL_V2 || point->value);
	default:
		return false;
	}
}

static void take_event(void *context, const struct xen_vcpu_place *vcpu, const struct xen_event *event)
{
	struct xen_scatter *scatter = context;
	struct xen_point point = {.tsc = event->order_tsc, .pcpu = event->pcpu, .vcpu = vcpu};
	static const uint32_t classes[XEN_SCATTER_KINDS] = {
		[XEN_SCATTER_CR3] = XEN_CLASS_HVM,
		[XEN_SCATTER_RDTSC] = XEN_CLASS_HVM,
		[XEN_SCATTER_IRQ] = XEN_CLASS_HW,
		[XEN_SCATTER_UNPIN] = XEN_CLASS_SHADOW,
		[XEN_SCATTER_PROMOTE] = XEN_CLASS_SHADOW,
		[XEN_SCATTER_HYPERCALL] = XEN_CLASS_PV,
	};

	if (xen_code_class(event->code) == classes[scatter->kind] && fill(scatter->kind, event, &point))
		put(scatter, &point);
}

void xen_scatter_attach(struct xen_scatter *scatter, struct xen_summary *summary)
{
	struct xen_summary_listener *listener = &summary->listener;

	*listener = (struct xen_summary_listener){.context = scatter};
	switch (scatter->kind) {
	case XEN_SCATTER_PCPU:
	case XEN_SCATTER_RUNSTATE:
	case XEN_SCATTER_RUNSTATE_TIME:
		listener->change = take_change;
		break;
	case XEN_SCATTER_WAKE_TO_HALT:
		listener->halt = take_halt;
		break;
	case XEN_SCATTER_EXIT:
	case XEN_SCATTER_INTERRUPT:
	case XEN_SCATTER_IO:
		listener->exit = take_exit;
		break;
	default:
		listener->event = take_event;
	}
}

bool xen_scatter_wants(enum xen_scatter_kind kind, uint32_t code)
{
	uint32_t class = xen_code_class(code);

	if (class == XEN_CLASS_GEN)
		return true;
	if (class == XEN_CLASS_SCHED)
		return xen_code_subclass(code) == 1;
	switch (kind) {
	case XEN_SCATTER_PCPU:
	case XEN_SCATTER_RUNSTATE:
	case XEN_SCATTER_RUNSTATE_TIME:
		return false;
	case XEN_SCATTER_IRQ:
		return class == XEN_CLASS_HW;
	case XEN_SCATTER_HYPERCALL:
		return class == XEN_CLASS_PV;
	default:
		return class == XEN_CLASS_HVM || class == XEN_CLASS_SHADOW;
	}
}
