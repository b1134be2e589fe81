/* SPDX-License-Identifier: MIT */
/*
 * The events of a host machine (host/collect/collector_events.def), found in a trace's schema by their names and fields,
 * and decoded into plain values. An event that lacks a field it needs is VCPU_EVENT_OTHER.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/model/event_schema.h"
#include "lib/model/vcpu_model.h"

enum vcpu_event_kind {
	VCPU_EVENT_OTHER,
	VCPU_EVENT_LOST,      /* count */
	VCPU_EVENT_EXIT,      /* flags, reason, duration_ns, rip */
	VCPU_EVENT_HYPERCALL, /* the same, nr, args */
	VCPU_EVENT_OUT,       /* prev_state, task: who comes */
	VCPU_EVENT_IN,        /* task: who goes */
	VCPU_EVENT_WAKING,    /* waker_pid */
	VCPU_EVENT_MIGRATE,   /* from_pcpu, to_pcpu */
	VCPU_EVENT_USER,      /* reason: the VMM's */
	VCPU_EVENT_TSC,
	VCPU_EVENT_DETAIL,    /* of a vCPU, and nothing that an analysis needs */
	VCPU_EVENT_HISTOGRAM, /* flags, reason, count, total_ns, min_ns, max_ns, buckets */
};

#define VCPU_EVENT_BUCKETS 64 /* by the log2 of ns */

struct vcpu_event {
	enum vcpu_event_kind kind;
	uint32_t tid, vcpu; /* of all but lost */
	uint8_t flags;
	uint32_t reason;
	uint64_t duration_ns, rip;
	uint64_t nr, args[4];
	uint32_t prev_state, from_pcpu, to_pcpu, waker_pid;
	struct vcpu_task task;
	uint64_t count, total_ns, min_ns, max_ns;
	uint32_t buckets[VCPU_EVENT_BUCKETS];
};

#define VCPU_EVENT_FIELDS 12

struct vcpu_event_layout {
	uint8_t kind; /* enum vcpu_event_kind */
	const struct event_field *fields[VCPU_EVENT_FIELDS];
};

struct vcpu_events {
	struct vcpu_event_layout layouts[EVENT_TYPES_MAX];
	bool any; /* the machine is a host: it has events of vCPUs */
};

/* The schema must live as long. `lost_type`: see kernel_events_init(). */
void vcpu_events_init(
	struct vcpu_events *events, const struct event_schema *schema, const struct event_type *lost_type);

static inline enum vcpu_event_kind vcpu_event_kind(const struct vcpu_events *events, uint32_t id)
{
	return (enum vcpu_event_kind)events->layouts[id].kind;
}

/* Fills *event from a record that the reader has checked; what its kind does not have is not touched. */
void vcpu_event_decode(const struct vcpu_events *events, const struct event_type *type,
	const uint8_t *payload, struct vcpu_event *event);
