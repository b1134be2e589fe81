/* SPDX-License-Identifier: MIT */
/*
 * What a vCPU of a paravirtualized domain asked of Xen, and where Xen stepped in. Xen records that it was entered, not when
 * it left: there is no cost to tell.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/model/xen_event.h"

#define XEN_PV_HYPERCALLS 64u /* numbers; the last one: all above */
#define XEN_PV_TRAPS      32u

/* The low byte of a PV event's code. */
enum xen_pv_event {
	XEN_PV_HYPERCALL = 1,
	XEN_PV_TRAP = 3,
	XEN_PV_PAGE_FAULT,
	XEN_PV_FORCED_INVALID_OP,
	XEN_PV_EMULATE_PRIVOP,
	XEN_PV_EMULATE_4GB,
	XEN_PV_MATH_STATE_RESTORE,
	XEN_PV_PAGING_FIXUP,
	XEN_PV_GDT_LDT_MAPPING_FAULT,
	XEN_PV_PTWR_EMULATION,
	XEN_PV_PTWR_EMULATION_PAE,
	XEN_PV_HYPERCALL_V2,
	XEN_PV_HYPERCALL_SUBCALL,
	XEN_PV_EVENTS,
};
extern const char *const xen_pv_event_names[XEN_PV_EVENTS]; /* "page_fault"; NULL: no such event */

struct xen_pv {
	uint64_t events[XEN_PV_EVENTS];
	uint64_t hypercalls[XEN_PV_HYPERCALLS];
	uint64_t subcalls[XEN_PV_HYPERCALLS]; /* inside a multicall */
	uint64_t traps[XEN_PV_TRAPS];
	uint64_t malformed; /* too short, or of no known kind */
};

/* What it was; 0: malformed. */
enum xen_pv_event xen_pv_add(struct xen_pv *pv, const struct xen_event *event);

/* Where the guest was. False: the event does not say. */
bool xen_pv_rip(const struct xen_event *event, uint64_t *rip);

/* All hypercalls, of both forms of record; not the subcalls. */
static inline uint64_t xen_pv_hypercalls(const struct xen_pv *pv)
{
	return pv->events[XEN_PV_HYPERCALL] + pv->events[XEN_PV_HYPERCALL_V2];
}
