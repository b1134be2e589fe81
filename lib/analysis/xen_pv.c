/* SPDX-License-Identifier: MIT */
#include "lib/analysis/xen_pv.h"

#define WIDE 0x100u /* addresses have 64 bits */

const char *const xen_pv_event_names[XEN_PV_EVENTS] = {
	[XEN_PV_HYPERCALL] = "hypercall",
	[XEN_PV_TRAP] = "trap",
	[XEN_PV_PAGE_FAULT] = "page_fault",
	[XEN_PV_FORCED_INVALID_OP] = "forced_invalid_op",
	[XEN_PV_EMULATE_PRIVOP] = "emulate_privop",
	[XEN_PV_EMULATE_4GB] = "emulate_4gb",
	[XEN_PV_MATH_STATE_RESTORE] = "math_state_restore",
	[XEN_PV_PAGING_FIXUP] = "paging_fixup",
	[XEN_PV_GDT_LDT_MAPPING_FAULT] = "gdt_ldt_mapping_fault",
	[XEN_PV_PTWR_EMULATION] = "ptwr",
	[XEN_PV_PTWR_EMULATION_PAE] = "ptwr_pae",
	[XEN_PV_HYPERCALL_V2] = "hypercall",
	[XEN_PV_HYPERCALL_SUBCALL] = "subcall",
};

static void count_capped(uint64_t *counts, uint32_t room, uint32_t number)
{
	counts[number < room ? number : room - 1]++;
}

enum xen_pv_event xen_pv_add(struct xen_pv *pv, const struct xen_event *event)
{
	uint32_t kind = event->code & 0xff;
	uint32_t behind_eip = event->code & WIDE ? 2 : 1;

	if (kind >= XEN_PV_EVENTS || !xen_pv_event_names[kind])
		goto malformed;
	switch (kind) {
	case XEN_PV_HYPERCALL: /* eip, eax */
		if (event->n_extra <= behind_eip)
			goto malformed;
		count_capped(pv->hypercalls, XEN_PV_HYPERCALLS, event->extra[behind_eip]);
		break;
	case XEN_PV_HYPERCALL_V2: /* number in the low 20 bits, arguments behind */
	case XEN_PV_HYPERCALL_SUBCALL:
		if (!event->n_extra)
			goto malformed;
		count_capped(kind == XEN_PV_HYPERCALL_V2 ? pv->hypercalls : pv->subcalls, XEN_PV_HYPERCALLS,
			event->extra[0] & 0xfffff);
		break;
	case XEN_PV_TRAP: /* eip, trap in the low 15 bits */
		if (event->n_extra <= behind_eip)
			goto malformed;
		count_capped(pv->traps, XEN_PV_TRAPS, event->extra[behind_eip] & 0x7fff);
		break;
	}
	pv->events[kind]++;
	return kind;
malformed:
	pv->malformed++;
	return 0;
}

bool xen_pv_rip(const struct xen_event *event, uint64_t *rip)
{
	const bool wide = event->code & WIDE;
	unsigned word = 0;

	switch (event->code & 0xff) {
	case XEN_PV_HYPERCALL:
	case XEN_PV_TRAP:
	case XEN_PV_PAGE_FAULT:
	case XEN_PV_FORCED_INVALID_OP:
	case XEN_PV_EMULATE_PRIVOP:
	case XEN_PV_EMULATE_4GB:
	case XEN_PV_PAGING_FIXUP:
	case XEN_PV_GDT_LDT_MAPPING_FAULT:
		break;
	case XEN_PV_PTWR_EMULATION:
	case XEN_PV_PTWR_EMULATION_PAE: /* behind the entry, 64 bits, and the address */
		word = wide ? 4 : 3;
		break;
	default:
		return false;
	}
	if (event->n_extra < word + 1 + wide)
		return false;
	*rip = event->extra[word] | (wide ? (uint64_t)event->extra[word + 1] << 32 : 0);
	return true;
}
