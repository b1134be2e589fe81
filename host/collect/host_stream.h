/* SPDX-License-Identifier: MIT */
/* The stream of one pCPU of the machine `host`: the collector's events of it, in time order, packet by packet. */
#pragma once
#include <stdint.h>
#include "host/collect/host_events.h"
#include "host/collect/machine_output.h"

struct host_stream {
	struct machine_output *output;
	uint32_t cpu;
	uint32_t
		packet_bytes; /* a packet is full from there on; to be lowered before the first record only */
	uint8_t *buffer;      /* of the packet that is being filled */
	uint32_t bytes;       /* of records */
	uint32_t events, helpers; /* helpers: of these, not the host's */
	uint64_t begin, time;     /* of its first and of the last record; `time` stays over packets */
	uint32_t begin_pid, pid;  /* who ran at `begin`, and runs at `time`, as a reader knows it */
	uint64_t lost;            /* in this stream so far, set by the owner */
	uint64_t recorded, unwritten;
};

void host_stream_init(struct host_stream *stream, struct machine_output *output, uint32_t cpu);
void host_stream_deinit(struct host_stream *stream);

/* Appends them; their order becomes that of time. */
void host_stream_add(struct host_stream *stream, struct collector_event *events, size_t count);

/* One record that is laid out already: at most HOST_PAYLOAD_MAX bytes; `pid` runs at that time. */
void host_stream_add_payload(struct host_stream *stream, uint32_t id, uint64_t time, uint32_t pid,
	const void *payload, uint32_t bytes);

void host_stream_add_histogram(
	struct host_stream *stream, uint64_t time_ns, const struct host_histogram *histogram);

/* Writes what there is. */
void host_stream_flush(struct host_stream *stream);
