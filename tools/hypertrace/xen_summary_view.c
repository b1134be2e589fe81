/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/xen_summary_view.h"

#include <inttypes.h>

#include "lib/model/exit_reasons.h"
#include "lib/model/xen_hypercalls.h"

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

struct xen_view_name xen_view_hypercall(uint64_t number)
{
	if (number == XEN_PV_HYPERCALLS - 1)
		return named(NULL, "%" PRIu64 " and above", number);
	return named(xen_hypercall_name(number), "hypercall %" PRIu64, number);
}

struct xen_view_name xen_view_trap(uint64_t number)
{
	static const char *const names[] = {"divide_error", "debug", "nmi", "int3", "overflow", "bounds",
		"invalid_op", "device_not_available", "double_fault", "coprocessor_overrun", "invalid_tss",
		"segment_not_present", "stack", "general_protection", "page_fault", NULL, "fpu_error",
		"alignment_check", "machine_check", "simd_error"};

	return named(number < sizeof(names) / sizeof(*names) ? names[number] : NULL, "trap %" PRIu64, number);
}

static const char *handler_name(uint64_t number)
{
	static const char *const names[] = {
		[0x01] = "pf_xen",
		[0x08] = "cr_read",
		[0x0a] = "dr_read",
		[0x0b] = "dr_write",
		[0x0e] = "cpuid",
		[0x10] = "nmi",
		[0x11] = "smi",
		[0x13] = "hlt",
		[0x14] = "invlpg",
		[0x15] = "mce",
		[0x18] = "clts",
		[0x19] = "lmsw",
		[0x1a] = "rdtsc",
		[0x21] = "npf",
		[0x22] = "realmode_emulate",
		[0x23] = "trap",
		[0x24] = "trap_debug",
		[0x25] = "vlapic",
		[0x26] = "xcr_read",
		[0x27] = "xcr_write",
	};

	return number < sizeof(names) / sizeof(*names) ? names[number] : NULL;
}

static const char *shadow_name(uint64_t number)
{
	static const char *const names[] = {
		[1] = "not_shadow",
		[2] = "fast_propagate",
		[3] = "fast_mmio",
		[4] = "false_fast_path",
		[5] = "mmio",
		[6] = "fixup",
		[7] = "domain_dying",
		[8] = "emulate",
		[9] = "emulate_unshadow_user",
		[10] = "emulate_unshadow_evtinj",
		[11] = "emulate_unshadow_unhandled",
		[12] = "wrmap_brute_force",
		[13] = "prealloc_unpin",
		[14] = "resync_full",
		[15] = "resync_only",
	};

	return number < sizeof(names) / sizeof(*names) ? names[number] : NULL;
}

struct xen_view_name xen_view_tally(const struct xen_summary_view *view, const struct xen_tally_row *row)
{
	uint64_t number = xen_tally_number(row);
	char buffer[EXIT_REASON_NAME_BYTES];

	switch (xen_tally_kind(row)) {
	case XEN_TALLY_EXIT:
		return named(exit_reason_name(view->summary.svm ? EXIT_ISA_SVM : EXIT_ISA_VMX,
				     (uint32_t)number, buffer),
			"%" PRIu64, number);
	case XEN_TALLY_HANDLER:
		return named(handler_name(number), "handler 0x%" PRIx64, number);
	case XEN_TALLY_SHADOW:
		return named(shadow_name(number), "shadow 0x%" PRIx64, number);
	case XEN_TALLY_VMCALL:
		return named(xen_hypercall_name(number), "hypercall %" PRIu64, number);
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
