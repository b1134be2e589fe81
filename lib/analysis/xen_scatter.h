/* SPDX-License-Identifier: MIT */
/* Single happenings of one kind in a Xen trace, as points over time. Sits on a summary, which knows who runs where. */
#pragma once
#include "lib/analysis/xen_summary.h"

enum xen_scatter_kind {
	XEN_SCATTER_PCPU,          /* a vCPU begins to run on a pCPU */
	XEN_SCATTER_RUNSTATE,      /* value: the state that begins; number: the one that ends */
	XEN_SCATTER_RUNSTATE_TIME, /* number: the state that ends; ticks: how long it was */
	XEN_SCATTER_WAKE_TO_HALT,  /* number: vector; ticks; value: 1 if that interrupt woke the vCPU */
	XEN_SCATTER_CR3,           /* value: page of the page table that is switched to */
	XEN_SCATTER_EXIT,          /* number: reason; value: rip; ticks */
	XEN_SCATTER_INTERRUPT,     /* exits for an external interrupt: number: vector; value: rip; ticks */
	XEN_SCATTER_IO,            /* exits for a port: number: port; value: 1 if written; ticks */
	XEN_SCATTER_RDTSC,         /* value: what the guest was told */
	XEN_SCATTER_IRQ,           /* of the host: number: IRQ; ticks */
	XEN_SCATTER_UNPIN,         /* shadow paging lets go of a page table: value: page */
	XEN_SCATTER_PROMOTE, /* … or takes a page for one: value: page, 0 if not told; number: of the event */
	XEN_SCATTER_HYPERCALL, /* number: of it; value: 1 if inside a multicall */
	XEN_SCATTER_KINDS,
};

struct xen_point {
	uint64_t tsc, value, ticks;
	uint32_t number;
	uint32_t pcpu;
	const struct xen_vcpu_place *vcpu; /* NULL: not known, or none */
};

struct xen_scatter {
	enum xen_scatter_kind kind;
	bool idle; /* idle vCPUs, too */
	void *context;
	void (*point)(void *context, const struct xen_point *point);
};

/* The summary tells `scatter` from here on; both live as long. Before the first event. */
void xen_scatter_attach(struct xen_scatter *scatter, struct xen_summary *summary);

/* Must events of that class and subclass be fed to the summary for this kind? */
bool xen_scatter_wants(enum xen_scatter_kind kind, uint32_t code);
