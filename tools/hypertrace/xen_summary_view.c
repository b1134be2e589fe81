/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/xen_summary_view.h"

#include <inttypes.h>

#include "lib/model/xen_events.h"
#include "lib/model/xen_names.h"

const char *const xen_view_kinds[XEN_TALLY_KINDS] = {
	[XEN_TALLY_EXIT] = "exit",
	[XEN_TALLY_HANDLER] = "handler",
	[XEN_TALLY_SHADOW] = "shadow",
	[XEN_TALLY_VMCALL] = "vmcall",
	[XEN_TALLY_CR_WRITE] = "cr_write",
	[XEN_TALLY_MSR_READ] = "msr_read",
	[XEN_TALLY_MSR_WRITE] = "msr_write",
	[XEN_TALLY_PORT_READ] = "port_read",
	[XEN_TALLY_PORT_WRITE] = "port_write",
	[XEN_TALLY_MMIO_READ] = "mmio_read",
	[XEN_TALLY_MMIO_WRITE] = "mmio_write",
	[XEN_TALLY_EXTINT] = "external_interrupt",
	[XEN_TALLY_INJECTED] = "injected_interrupt",
	[XEN_TALLY_EXCEPTION] = "injected_exception",
	[XEN_TALLY_WAKE_TO_HALT] = "wake_to_halt",
	[XEN_TALLY_INTERRUPT_TO_HALT] = "interrupt_to_halt",
	[XEN_TALLY_CR3] = "cr3",
	[XEN_TALLY_IRQ] = "irq",
};

const char *const xen_view_states[XEN_STATES] = {
	[XEN_RUNNING] = "running",
	[XEN_RUNNABLE] = "runnable",
	[XEN_BLOCKED] = "blocked",
	[XEN_OFFLINE] = "offline",
	[XEN_LOST] = "lost",
	[XEN_UNKNOWN] = "unknown",
};

const char *const xen_view_waits[XEN_RUNNABLES] = {
	[XEN_RUNNABLE_WOKEN] = "woken",
	[XEN_RUNNABLE_PREEMPTED] = "preempted",
	[XEN_RUNNABLE_OTHER] = "other",
};

const char *const xen_view_reclaims[XEN_RECLAIMS] = {
	[XEN_RECLAIM_UNKNOWN] = "unknown",
	[XEN_RECLAIM_FAULT] = "fault",
	[XEN_RECLAIM_BALLOON] = "balloon",
};

const char *const xen_view_orders[XEN_ORDERS] = {"4K", "2M", "1G", "other"};

struct human xen_view_vcpu(const struct xen_summary_view *view, uint32_t number)
{
	struct human human = {"-"};
	const struct xen_vcpu_place *place;

	if (number >= view->summary.states.nr_vcpus)
		return human;
	place = view->summary.states.vcpus[number];
	if (place->dom == XEN_DOMAIN_IDLE)
		snprintf(human.text, sizeof(human.text), "idle%u", place->vcpu);
	else
		snprintf(human.text, sizeof(human.text), "d%uv%u", place->dom, place->vcpu);
	return human;
}

static struct xen_view_name named(const char *name, const char *format, uint64_t number)
{
	struct xen_view_name result;

	if (name)
		snprintf(result.text, sizeof(result.text), "%s", name);
	else
		snprintf(result.text, sizeof(result.text), format, number);
	return result;
}

struct xen_view_name xen_view_exit(const struct xen_summary_view *view, uint64_t reason)
{
	return named(xen_name(view->summary.svm ? XEN_NAMES_SVM_REASONS : XEN_NAMES_VMX_REASONS, reason),
		"reason 0x%" PRIx64, reason);
}

struct xen_view_name xen_view_hypercall(uint64_t number)
{
	if (number == XEN_PV_HYPERCALLS - 1)
		return named(NULL, "%" PRIu64 " and above", number);
	return named(xen_name(XEN_NAMES_HYPERCALLS, number), "hypercall %" PRIu64, number);
}

struct xen_view_name xen_view_trap(uint64_t number)
{
	return named(xen_name(XEN_NAMES_TRAPS, number), "trap %" PRIu64, number);
}

/* The name of the event with that number in its low byte. */
static const char *event_name(uint32_t family, uint64_t number)
{
	const struct xen_event_type *type = number <= 0xff ? xen_event_type(family | (uint32_t)number) : NULL;

	if (!type && number <= 0xff)
		type = xen_event_type(family | 0x100 | (uint32_t)number);
	return type ? type->name : NULL;
}

struct xen_view_name xen_view_tally(const struct xen_summary_view *view, const struct xen_tally_row *row)
{
	uint64_t number = xen_tally_number(row);

	switch (xen_tally_kind(row)) {
	case XEN_TALLY_EXIT:
		return xen_view_exit(view, number);
	case XEN_TALLY_HANDLER:
		return named(event_name(0x082000, number), "handler 0x%" PRIx64, number);
	case XEN_TALLY_SHADOW:
		return named(event_name(0x40f000, number), "shadow 0x%" PRIx64, number);
	case XEN_TALLY_VMCALL:
		return named(xen_name(XEN_NAMES_HYPERCALLS, number), "hypercall %" PRIu64, number);
	case XEN_TALLY_CR_WRITE:
		return named(NULL, "cr%" PRIu64, number);
	case XEN_TALLY_MMIO_READ:
	case XEN_TALLY_MMIO_WRITE:
		return named(NULL, "page 0x%" PRIx64, number);
	case XEN_TALLY_EXCEPTION:
		return xen_view_trap(number);
	case XEN_TALLY_IRQ:
		return named(NULL, "%" PRIu64, number);
	default:
		return named(NULL, "0x%" PRIx64, number);
	}
}
