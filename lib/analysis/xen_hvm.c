/* SPDX-License-Identifier: MIT */
#include "lib/analysis/xen_hvm.h"

#define WIDE  0x100u /* addresses have 64 bits */
#define WRITE 0x200u /* of the two kinds of access that come in pairs */

/* Numbers of the events 0x82xxx, low byte, whose words are read. */
enum {
	PF_XEN = 0x01,
	PF_INJECT = 0x02,
	INJECT_EXCEPTION = 0x03,
	INJECT_INTERRUPT = 0x04,
	REINJECT_INTERRUPT = 0x05,
	CR_WRITE = 0x09,
	MSR_READ = 0x0c,
	MSR_WRITE = 0x0d,
	INTERRUPT = 0x0f,
	VMCALL = 0x12,
	IO_PORT = 0x16,
	IO_MEMORY = 0x17,
	INTERRUPT_WINDOW = 0x20,
	NESTED_PAGE_FAULT = 0x21,
};

static void add(const struct xen_hvm_counts *counts, uint32_t vcpu, enum xen_tally_kind kind, uint64_t number,
	uint64_t ticks)
{
	struct xen_tally_row *row = xen_tally_at(counts->tally, vcpu, kind, number);

	row->count++;
	xen_times_add(&row->times, counts->budget, ticks);
}

static void count(
	const struct xen_hvm_counts *counts, uint32_t vcpu, enum xen_tally_kind kind, uint64_t number)
{
	xen_tally_at(counts->tally, vcpu, kind, number)->count++;
}

/* --- exits --- */

static uint64_t close_exit(struct xen_hvm *hvm, const struct xen_hvm_counts *counts, uint64_t tsc)
{
	uint64_t ticks = tsc > hvm->exit_tsc ? tsc - hvm->exit_tsc : 0;

	if (!hvm->in_exit)
		return 0;
	hvm->in_exit = false;
	add(counts, hvm->vcpu, XEN_TALLY_EXIT, hvm->reason, ticks);
	if (hvm->row_kind >= 0)
		add(counts, hvm->vcpu, (enum xen_tally_kind)hvm->row_kind, hvm->row_number, ticks);
	return ticks;
}

static void begin_exit(
	struct xen_hvm *hvm, const struct xen_hvm_counts *counts, const struct xen_event *event)
{
	uint32_t words = event->code & WIDE ? 3 : 2; /* reason, rip */

	if ((event->code & 0xff) == 3)
		*counts->svm = true;
	hvm->in_exit = event->n_extra >= words;
	if (!hvm->in_exit) {
		hvm->malformed++;
		return;
	}
	hvm->exits++;
	hvm->reason = event->extra[0];
	hvm->rip = event->extra[1] | (words == 3 ? (uint64_t)event->extra[2] << 32 : 0);
	hvm->exit_tsc = event->order_tsc;
	hvm->row_kind = -1;
	hvm->told = false;
}

static void entry(struct xen_hvm *hvm, uint64_t tsc)
{
	hvm->waking = false;
	for (uint32_t i = 0; i < hvm->nr_pending; i++)
		if (!hvm->pending[i].entry_tsc)
			hvm->pending[i].entry_tsc = tsc;
}

/* --- what was done in them --- */

static void tell(struct xen_hvm *hvm, enum xen_tally_kind kind, uint64_t number)
{
	if (hvm->told)
		return;
	hvm->row_kind = kind;
	hvm->row_number = number;
	hvm->told = kind != XEN_TALLY_HANDLER;
}

static void injected(struct xen_hvm *hvm, const struct xen_hvm_counts *counts, uint32_t vector)
{
	count(counts, hvm->vcpu, XEN_TALLY_INJECTED, vector);
	for (uint32_t i = 0; i < hvm->nr_pending; i++)
		if (hvm->pending[i].vector == vector)
			return;
	if (hvm->nr_pending == XEN_HVM_PENDING_MAX)
		return;
	hvm->pending[hvm->nr_pending++] =
		(struct xen_hvm_pending){.vector = vector, .woke = hvm->waking && !hvm->woken_by_known};
	if (hvm->waking)
		hvm->woken_by_known = true;
}

static void cr3_written(
	struct xen_hvm *hvm, const struct xen_hvm_counts *counts, uint64_t value, uint64_t tsc)
{
	if (hvm->cr3_tsc && hvm->cr3_tsc < tsc)
		add(counts, hvm->vcpu, XEN_TALLY_CR3, hvm->cr3, tsc - hvm->cr3_tsc);
	hvm->cr3 = value >> 12;
	hvm->cr3_tsc = tsc;
}

static uint64_t address(const struct xen_event *event)
{
	return event->extra[0] | (event->code & WIDE ? (uint64_t)event->extra[1] << 32 : 0);
}

static bool is_too_short(const struct xen_event *event, uint32_t number)
{
	uint32_t wide = event->code & WIDE ? 1 : 0;

	switch (number) {
	case CR_WRITE:
		return event->n_extra < 2 + wide;
	case MSR_READ:
	case MSR_WRITE:
		return event->n_extra < 3;
	case IO_MEMORY:
		return event->n_extra < 1 + wide;
	case INJECT_EXCEPTION:
	case INJECT_INTERRUPT:
	case REINJECT_INTERRUPT:
	case INTERRUPT:
	case VMCALL:
	case IO_PORT:
		return event->n_extra < 1;
	}
	return false;
}

static void handle(struct xen_hvm *hvm, const struct xen_hvm_counts *counts, const struct xen_event *event,
	struct xen_hvm_result *result)
{
	uint32_t number = event->code & 0xff;
	bool write = event->code & WRITE;

	if (is_too_short(event, number)) {
		hvm->malformed++;
		return;
	}
	switch (number) { /* these happen without an exit, too */
	case INJECT_INTERRUPT:
		injected(hvm, counts, event->extra[0]);
		result->interrupt = true;
		return;
	case INJECT_EXCEPTION:
		count(counts, hvm->vcpu, XEN_TALLY_EXCEPTION, event->extra[0]);
		return;
	case PF_INJECT:
		count(counts, hvm->vcpu, XEN_TALLY_EXCEPTION, 14);
		return;
	case REINJECT_INTERRUPT:
	case INTERRUPT_WINDOW:
		return;
	}
	if (!hvm->in_exit)
		return;
	switch (number) {
	case CR_WRITE:
		if (event->extra[0] == 3)
			cr3_written(hvm, counts,
				event->extra[1] | (event->code & WIDE ? (uint64_t)event->extra[2] << 32 : 0),
				hvm->exit_tsc);
		tell(hvm, XEN_TALLY_CR_WRITE, event->extra[0]);
		break;
	case MSR_READ:
	case MSR_WRITE:
		tell(hvm, number == MSR_READ ? XEN_TALLY_MSR_READ : XEN_TALLY_MSR_WRITE, event->extra[0]);
		break;
	case INTERRUPT:
		tell(hvm, XEN_TALLY_EXTINT, event->extra[0]);
		break;
	case VMCALL:
		tell(hvm, XEN_TALLY_VMCALL, event->extra[0]);
		result->vmcall = true;
		break;
	case IO_PORT:
		tell(hvm, write ? XEN_TALLY_PORT_WRITE : XEN_TALLY_PORT_READ, event->extra[0]);
		result->io = true;
		break;
	case IO_MEMORY:
		tell(hvm, write ? XEN_TALLY_MMIO_WRITE : XEN_TALLY_MMIO_READ, address(event) >> 12);
		result->io = true;
		break;
	default:
		result->fault = number == PF_XEN || number == NESTED_PAGE_FAULT;
		tell(hvm, XEN_TALLY_HANDLER, number);
	}
}

struct xen_hvm_result xen_hvm_event(
	struct xen_hvm *hvm, const struct xen_hvm_counts *counts, const struct xen_event *event)
{
	struct xen_hvm_result result = {0};

	if (xen_code_class(event->code) == XEN_CLASS_SHADOW) {
		result.fault = (event->code & 0xff) <= 11; /* those that a page fault caused */
		if (hvm->in_exit)
			tell(hvm, XEN_TALLY_SHADOW, event->code & 0xff);
		return result;
	}
	switch (xen_code_subclass(event->code)) {
	case 1:
		switch (event->code & 0xff) {
		case 1:
			entry(hvm, event->order_tsc);
			result.closed = hvm->in_exit;
			result.exit_ticks = close_exit(hvm, counts, event->order_tsc);
			break;
		case 2:
		case 3:
			begin_exit(hvm, counts, event);
			result.exit = hvm->in_exit;
			break;
		}
		break;
	case 2:
		handle(hvm, counts, event, &result);
		break;
	}
	return result;
}

/* --- scheduling --- */

uint64_t xen_hvm_runnable(struct xen_hvm *hvm, const struct xen_hvm_counts *counts, bool woken, uint64_t tsc)
{
	if (woken)
		hvm->waking = true;
	return close_exit(hvm, counts, tsc);
}

void xen_hvm_blocked(struct xen_hvm *hvm, const struct xen_hvm_counts *counts, uint64_t tsc)
{
	hvm->waking = false;
	for (uint32_t i = 0; i < hvm->nr_pending; i++) {
		const struct xen_hvm_pending *pending = &hvm->pending[i];

		if (pending->entry_tsc && pending->entry_tsc < tsc)
			add(counts, hvm->vcpu,
				pending->woke ? XEN_TALLY_WAKE_TO_HALT : XEN_TALLY_INTERRUPT_TO_HALT,
				pending->vector, tsc - pending->entry_tsc);
	}
	hvm->nr_pending = 0;
	hvm->woken_by_known = false;
}

void xen_hvm_lost(struct xen_hvm *hvm)
{
	hvm->in_exit = hvm->waking = hvm->woken_by_known = false;
	hvm->nr_pending = 0;
	hvm->cr3_tsc = 0;
}
