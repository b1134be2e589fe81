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
#include "host/xen/xen_survey.h"
#include "lib/model/xen_event.h"

#define XEN_PAYLOAD_MAX HOST_PAYLOAD_MAX

/* Short ids, beside those of collector_events.def. */
enum {
	XEN_ID_SCHED_SWITCH = 14,
	XEN_ID_SCHED_WAKING,
	XEN_ID_FAULT_USER,
	XEN_ID_FAULT_KERNEL,
	XEN_ID_FIRST = 32, /* of Xen's own events */
};

/* With the events that the survey has seen. NULL: no memory. To be freed by event_schema_destroy(). */
struct event_schema *xen_schema_host(const struct xen_survey *survey, struct error *error);
struct event_schema *xen_schema_guest(const struct xen_survey *survey, struct error *error);

/* Which event of Xen's has which id, and how it is laid out. */
struct xen_ids {
	struct hash_map by_code; /* code -> id << 8 | words */
};

/* -ENOMEM. Starts as { 0 }. */
int xen_ids_init(struct xen_ids *ids, const struct xen_survey *survey);
void xen_ids_deinit(struct xen_ids *ids);

/* Does the event happen to the vCPU that runs, by its guest's doing? Then it is its domain's. */
bool xen_is_guests(uint32_t code);

/* The payload's bytes in *bytes. Returns the id; 0: it has none. */
uint32_t xen_ids_encode(
	const struct xen_ids *ids, const struct xen_event *event, uint8_t *at, uint32_t *bytes);

/* Likewise; at holds XEN_PAYLOAD_MAX bytes. Return the payload's bytes. */
uint32_t xen_put_switch(uint8_t *at, uint32_t next, uint32_t prev_state);
uint32_t xen_put_waking(uint8_t *at, uint32_t vcpu, uint32_t target);

/* Of a PV guest's page fault; the id in *id. 0: it is none. */
uint32_t xen_put_fault(const struct xen_event *event, uint8_t *at, uint32_t *id);
