/* SPDX-License-Identifier: MIT */
/* collector_events.def as the recorder needs it: a schema, and the collector's records as payloads of its events. */
#pragma once
#include <stdint.h>
#include "host/collect/collector_ring.h"
#include "lib/base/error.h"
#include "lib/model/event_schema.h"

enum {
#define HT_LAYOUT(id, identifier, name, group, ...) HOST_EVENT_##identifier = id,
#include "host/collect/collector_events.def"
};

/* Room for the payload of any of them. */
#define HOST_PAYLOAD_MAX 384

/* NULL: out of memory. To be freed by event_schema_destroy(). */
struct event_schema *host_events_schema(struct error *error);

/*
 * Writes the payload of the event that a record becomes to `at` (HOST_PAYLOAD_MAX bytes), its size to *bytes. Returns the
 * event's id; 0: it becomes none (COLLECTOR_THREAD and _END, which only say who is who).
 */
uint32_t host_events_encode(const struct collector_event *event, uint8_t *at, uint32_t *bytes);

/* An exit_histogram: what was counted since the last one. */
struct host_histogram {
	uint32_t tid, reason;
	uint16_t vcpu;
	uint8_t flags; /* isa */
	uint64_t count, total_ns, min_ns, max_ns;
	uint32_t buckets[COLLECTOR_BUCKETS];
};

/* Likewise. Returns the payload's size; the id is HOST_EVENT_exit_histogram. */
uint32_t host_events_encode_histogram(const struct host_histogram *histogram, uint8_t *at);
