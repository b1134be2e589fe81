/* SPDX-License-Identifier: MIT */
#include "host/collect/host_stream.h"

#include <stdlib.h>
#include <string.h>

#include "lib/model/ctf_layout.h"
#include "lib/model/record.h"

#define PACKET_BYTES (64u << 10)
#define RECORD_MAX   (2 * RECORD_LONG_BYTES + sizeof(uint32_t) + HOST_PAYLOAD_MAX)
#define SLACK_BYTES  32 /* ctf_stream_write()'s */

void host_stream_init(struct host_stream *stream, struct machine_output *output, uint32_t cpu)
{
	*stream = (struct host_stream){.output = output, .cpu = cpu, .packet_bytes = PACKET_BYTES};
}

void host_stream_deinit(struct host_stream *stream)
{
	free(stream->buffer);
	stream->buffer = NULL;
}

void host_stream_flush(struct host_stream *stream)
{
	if (!stream->events)
		return;
	if (machine_output_write(stream->output, stream->cpu,
		    &(struct machine_packet){.buffer = stream->buffer,
			    .bytes = stream->bytes,
			    .events = stream->events,
			    .begin = stream->begin,
			    .end = stream->time,
			    .lost = stream->lost,
			    .current_pid = stream->begin_pid}))
		stream->unwritten += stream->events - stream->helpers;
	else
		stream->recorded += stream->events - stream->helpers;
	stream->bytes = stream->events = stream->helpers = 0;
}

/* Room for one more record, with the helper before it; a pCPU that no vCPU runs on needs none. */
static bool make_room(struct host_stream *stream)
{
	if (stream->bytes >= stream->packet_bytes)
		host_stream_flush(stream);
	if (!stream->buffer)
		stream->buffer = malloc(
			sizeof(struct ctf_packet_header) + stream->packet_bytes + RECORD_MAX + SLACK_BYTES);
	return stream->buffer != NULL;
}

static void put(struct host_stream *stream, uint32_t id, uint64_t time, const void *payload, uint32_t bytes)
{
	uint8_t *at = stream->buffer + sizeof(struct ctf_packet_header) + stream->bytes;
	uint32_t head;

	if (id < RECORD_ID_LONG && time - stream->time <= RECORD_TIME_MASK) {
		head = id | (uint32_t)((time & RECORD_TIME_MASK) << RECORD_TIME_SHIFT);
		memcpy(at, &head, sizeof(head));
		at += RECORD_SHORT_BYTES;
	} else {
		head = RECORD_ID_LONG | id << RECORD_TIME_SHIFT;
		memcpy(at, &head, sizeof(head));
		memcpy(at + sizeof(head), &time, sizeof(time));
		at += RECORD_LONG_BYTES;
	}
	memcpy(at, payload, bytes);
	stream->bytes = (uint32_t)(at + bytes - stream->buffer - sizeof(struct ctf_packet_header));
	stream->time = time;
	stream->events++;
}

static void add(struct host_stream *stream, uint32_t id, uint64_t time, uint32_t pid, const void *payload,
	uint32_t bytes)
{
	/* readers take it that a stream does not go back */
	if (time < stream->time)
		time = stream->time;
	if (!stream->events) {
		stream->begin = stream->time = time;
		stream->begin_pid = stream->pid = pid;
	}
	if (pid != stream->pid) {
		put(stream, HOST_EVENT_current_task, time, &pid, sizeof(pid));
		stream->helpers++;
		stream->pid = pid;
	}
	put(stream, id, time, payload, bytes);
}

/* Nearly sorted: an interrupt's program writes behind the one that it interrupted, and is older only by its own time. */
static void sort(struct collector_event *events, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		struct collector_event event;
		size_t at = i;

		if (events[i - 1].record.time_ns <= events[i].record.time_ns)
			continue;
		event = events[i];
		for (; at && events[at - 1].record.time_ns > event.record.time_ns; at--)
			events[at] = events[at - 1];
		events[at] = event;
	}
}

/* Who ran when that was written: only these are not about the vCPU that runs. */
static uint32_t running(const struct host_stream *stream, const struct collector_record *record)
{
	switch (record->type) {
	case COLLECTOR_VCPU_IN:
		return record->task.pid;
	case COLLECTOR_VCPU_WAKING:
		return record->task.pid;
	case COLLECTOR_VCPU_MIGRATE:
		return stream->pid;
	default:
		return record->tid;
	}
}

void host_stream_add(struct host_stream *stream, struct collector_event *events, size_t count)
{
	uint8_t payload[HOST_PAYLOAD_MAX];
	uint32_t bytes, id;

	sort(events, count);
	for (size_t i = 0; i < count; i++) {
		const struct collector_record *record = &events[i].record;

		id = host_events_encode(&events[i], payload, &bytes);
		if (!id)
			continue;
		if (make_room(stream))
			add(stream, id, record->time_ns, running(stream, record), payload, bytes);
		else
			stream->unwritten++;
	}
}

void host_stream_add_payload(struct host_stream *stream, uint32_t id, uint64_t time, uint32_t pid,
	const void *payload, uint32_t bytes)
{
	if (make_room(stream))
		add(stream, id, time, pid, payload, bytes);
	else
		stream->unwritten++;
}

void host_stream_add_histogram(
	struct host_stream *stream, uint64_t time_ns, const struct host_histogram *histogram)
{
	uint8_t payload[HOST_PAYLOAD_MAX];
	const uint32_t bytes = host_events_encode_histogram(histogram, payload);

	host_stream_add_payload(stream, HOST_EVENT_exit_histogram, time_ns, stream->pid, payload, bytes);
}
