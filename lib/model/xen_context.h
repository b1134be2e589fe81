/* SPDX-License-Identifier: MIT */
/*
 * Which vCPU runs on each pCPU of a Xen trace, from its scheduling events.
 *
 *	running = xen_context_at(&context, event.pcpu);   // what ran when it happened
 *	…
 *	if (xen_context_feed(&context, &event)) …         // for the events after it
 *
 * It follows the runstate changes; where a trace has none of them, the scheduler's switches. Between the
 * vCPU that leaves and the one that comes none runs. After lost records it is the one that they name.
 */
#pragma once
#include <errno.h>
#include <stdint.h>
#include "lib/model/xen_event.h"

enum xen_running_state {
	XEN_RUNNING_NOT_SEEN, /* no scheduling event of this pCPU yet */
	XEN_RUNNING_NONE,     /* between two vCPUs */
	XEN_RUNNING_VCPU,
};

struct xen_running {
	uint16_t domain, vcpu; /* of XEN_RUNNING_VCPU; domain may be XEN_DOMAIN_IDLE */
	uint8_t state;         /* enum xen_running_state */
	bool by_runstate;      /* internal: this pCPU has runstate changes */
};

struct xen_context {
	struct xen_running *pcpus;
	uint32_t count;
};

/* Zeroed storage is an initialised context, too. */
void xen_context_init(struct xen_context *context);
void xen_context_deinit(struct xen_context *context);

/* What runs on a pCPU, as far as was fed. */
static inline struct xen_running xen_context_at(const struct xen_context *context, uint32_t pcpu)
{
	return pcpu < context->count ? context->pcpus[pcpu] : (struct xen_running){0};
}

int xen_context_feed_slow(struct xen_context *context, const struct xen_event *event);

/* Events in the order of the reader. -ENOMEM. */
static inline int xen_context_feed(struct xen_context *context, const struct xen_event *event)
{
	/* runstate changes, switches, lost records */
	if (event->code >> 12 == 0x21 || event->code == 0x2800a || event->code == XEN_LOST_RECORDS)
		return xen_context_feed_slow(context, event);
	return 0;
}

/* The runstates, as they stand in the code of runstate_change: old in bits 8-11, new in bits 4-7. */
enum xen_runstate {
	XEN_RUNSTATE_RUNNING,
	XEN_RUNSTATE_RUNNABLE,
	XEN_RUNSTATE_BLOCKED,
	XEN_RUNSTATE_OFFLINE,
	XEN_RUNSTATES,
};

struct xen_runstate_change {
	uint16_t domain, vcpu;
	uint8_t from, to; /* 0-15; those from XEN_RUNSTATES on do not exist in Xen */
	bool continued;   /* runstate_continue: it was running and goes on */
};

/* Is it a runstate_change or runstate_continue? Then *change is filled. */
bool xen_runstate_of(const struct xen_event *event, struct xen_runstate_change *change);
