/* SPDX-License-Identifier: MIT */
/* Makes the machine `host` of a trace for tests: its schema, metadata and events as the collector writes them. */
#pragma once
#include "lib/model/event_schema.h"
#include "tests/unit/trace_maker.h"

/* Writes `metadata`: stamps are ns of CLOCK_MONOTONIC. */
void host_maker_metadata(int dir_fd);

/*
 * One event by its name, its fields' values in their order; a comm is a `const char *`, bytes are a pointer to
 * HOST_MAKER_BUCKETS 32-bit counts.
 */
#define HOST_MAKER_BUCKETS 64
#define host_maker_event(stream, at_ns, name, ...) \
	host_maker_values(stream, at_ns, name, (const uint64_t[]){__VA_ARGS__})
#define HOST_MAKER_TEXT(text) ((uint64_t)(uintptr_t)(text))
void host_maker_values(struct maker_stream *stream, uint64_t at_ns, const char *name, const uint64_t *values);

/* An exit that ends at_ns, of tid, vcpu. */
static inline void host_maker_exit(struct maker_stream *stream, uint64_t at_ns, uint32_t tid, uint32_t vcpu,
	uint8_t flags, uint32_t reason, uint64_t duration_ns, uint64_t rip)
{
	host_maker_event(stream, at_ns, "kvm_exit", tid, vcpu, flags, reason, duration_ns, rip);
}
