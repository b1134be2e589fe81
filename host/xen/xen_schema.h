/* SPDX-License-Identifier: MIT */
/*
 * The events of a converted trace. Machine `xen`: those of our collector, sched_switch and sched_waking of vCPUs as if they were
 * tasks, and every event of Xen's as xen_NAME. Machines of domains: page_fault_user and page_fault_kernel, and what else
 * Xen says of the guest's own doing, as xen_NAME.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/collect/host_events.h"
#include "host/xen/xen_layouts.h"
#include "lib/model/xen_event.h"

/* Short ids, beside those of collector_events.def. */
enum {
	XEN_ID_SCHED_SWITCH = 14,
	XEN_ID_SCHED_WAKING,
	XEN_ID_FAULT_USER,
	XEN_ID_FAULT_KERNEL,
};

/*
 * The machine's events: with those of the layouts. NULL: no memory, or (a unit test excludes it) a bad table of events. To be
 * freed by event_schema_destroy().
 */
struct event_schema *xen_schema_host(const struct xen_layouts *layouts, struct error *error);
struct event_schema *xen_schema_guest(const struct xen_layouts *layouts, struct error *error);

/* Does the event happen to the vCPU that runs, by its guest's doing? Then it is its domain's. */
bool xen_is_guests(uint32_t code);

/* Payloads, at most XEN_PAYLOAD_MAX bytes. Return their size. */
uint32_t xen_put_switch(uint8_t *at, uint32_t next, uint32_t prev_state);
uint32_t xen_put_waking(uint8_t *at, uint32_t vcpu, uint32_t target);

/* Of a PV guest's page fault; the id in *id. 0: it is none. */
uint32_t xen_put_fault(const struct xen_event *event, uint8_t *at, uint32_t *id);
