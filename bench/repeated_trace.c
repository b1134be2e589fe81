/* SPDX-License-Identifier: MIT */
#include "bench/repeated_trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/rival.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/model/ctf_layout.h"
#include "lib/model/record.h"
#include "lib/reader/trace.h"

/* One stream of the original. */
struct part {
	const struct trace_stream *stream;
	uint64_t events, packets, lost, first_tsc, last_tsc;
	uint8_t *packet; /* the one that was read last */
	size_t capacity;
};

static uint32_t load32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* The record's bytes, or 0: it is no whole one. */
static size_t record_bytes(const struct event_schema *schema, const uint8_t *at, size_t room)
{
	uint32_t head, id;
	size_t bytes = RECORD_SHORT_BYTES;
	const struct event_type *type;
	uint16_t length;

	if (room < bytes)
		return 0;
	head = load32(at);
	id = head & RECORD_ID_MASK;
	if (id == RECORD_ID_LONG) {
		bytes = RECORD_LONG_BYTES;
		id = head >> RECORD_TIME_SHIFT;
	}
	type = id < EVENT_TYPES_MAX ? schema->types[id] : NULL;
	if (!type)
		return 0;
	bytes += type->fixed_bytes;
	for (unsigned tail = 0; tail < type->nr_tails; tail++) {
		bytes += tail ? sizeof(length) : 0;
		if (room < bytes)
			return 0;
		memcpy(&length, at + bytes - sizeof(length), sizeof(length));
		bytes += length;
	}
	return room < bytes ? 0 : bytes;
}

/* Moves the times of a packet's records: short headers hold the low bits, which such steps leave as they are. */
static int move_records(const struct event_schema *schema, uint8_t *at, const uint8_t *end, uint64_t step_tsc,
	struct error *error)
{
	while (at < end) {
		size_t bytes = record_bytes(schema, at, (size_t)(end - at));
		uint64_t tsc;

		if (!bytes)
			return error_set(error, -EINVAL, "a packet of the trace to repeat is damaged");
		if ((load32(at) & RECORD_ID_MASK) == RECORD_ID_LONG) {
			memcpy(&tsc, at + sizeof(uint32_t), sizeof(tsc));
			tsc += step_tsc;
			memcpy(at + sizeof(uint32_t), &tsc, sizeof(tsc));
		}
		at += bytes;
	}
	return 0;
}

/* Reads the packet at `offset` into part->packet. */
static int read_packet(
	struct part *part, uint64_t offset, struct ctf_packet_header *header, struct error *error)
{
	const struct trace_stream *stream = part->stream;
	size_t bytes;

	if (file_read_at(stream->fd, header, sizeof(*header), (off_t)offset) != sizeof(*header) ||
		header->magic != CTF_MAGIC || header->packet_size / 8 < sizeof(*header) ||
		header->packet_size / 8 > stream->bytes - offset ||
		header->content_size > header->packet_size || header->content_size / 8 < sizeof(*header))
		return error_set(error, -EINVAL, "%s: a packet is damaged", stream->name);
	bytes = header->packet_size / 8;
	if (bytes > part->capacity) {
		uint8_t *larger = realloc(part->packet, bytes);

		if (!larger)
			return error_set(error, -ENOMEM, "out of memory");
		part->packet = larger;
		part->capacity = bytes;
	}
	if (file_read_at(stream->fd, part->packet, bytes, (off_t)offset) != (ssize_t)bytes)
		return error_set(error, -EIO, "%s: cannot be read", stream->name);
	return 0;
}

static int look_at_part(struct part *part, const struct trace_stream *stream, struct error *error)
{
	struct ctf_packet_header header;

	part->stream = stream;
	for (uint64_t offset = 0; offset < stream->bytes; offset += header.packet_size / 8) {
		int result = read_packet(part, offset, &header, error);

		if (result)
			return result;
		if (!part->packets++)
			part->first_tsc = header.timestamp_begin;
		part->last_tsc = header.timestamp_end;
		part->events += header.events;
		part->lost = header.events_discarded;
	}
	return 0;
}

/* The n-th time, to the end of the file. */
static int repeat_part(struct part *part, const struct event_schema *schema, uint64_t n, uint64_t step_tsc,
	FILE *out, struct error *error)
{
	struct ctf_packet_header header;

	for (uint64_t offset = 0; offset < part->stream->bytes; offset += header.packet_size / 8) {
		int result = read_packet(part, offset, &header, error);

		if (!result)
			result = move_records(schema, part->packet + sizeof(header),
				part->packet + header.content_size / 8, n * step_tsc, error);
		if (result)
			return result;
		header.timestamp_begin += n * step_tsc;
		header.timestamp_end += n * step_tsc;
		header.packet_seq_num += n * part->packets;
		header.events_discarded += n * (part->lost + 1);
		memcpy(part->packet, &header, sizeof(header));
		if (fwrite(part->packet, header.packet_size / 8, 1, out) != 1)
			return error_set(error, -EIO, "cannot write the trace: %s", strerror(errno));
	}
	return 0;
}

static int repeat(struct part *parts, const struct trace *trace, const char *to, uint64_t events,
	uint64_t *made, struct error *error)
{
	const struct event_schema *schema = trace->machines[0].schema;
	uint64_t first_tsc = UINT64_MAX, last_tsc = 0, once = 0, step_tsc;
	int result = 0;

	for (uint32_t i = 0; i < trace->nr_streams; i++) {
		if (!parts[i].packets)
			continue;
		once += parts[i].events;
		first_tsc = parts[i].first_tsc < first_tsc ? parts[i].first_tsc : first_tsc;
		last_tsc = parts[i].last_tsc > last_tsc ? parts[i].last_tsc : last_tsc;
	}
	if (!once)
		return error_set(error, -EINVAL, "the trace to repeat is empty");
	step_tsc = (last_tsc - first_tsc + 2 * RECORD_TIME_MASK) & ~RECORD_TIME_MASK;
	*made = once;
	for (uint32_t i = 0; i < trace->nr_streams && !result; i++) {
		char path[4096];
		FILE *out;

		snprintf(path, sizeof(path), "%s/%s/cpu%u", to, trace->machines[0].name,
			trace->streams[i].cpu);
		out = fopen(path, "ae");
		if (!out)
			return error_set(error, -errno, "%s: %s", path, strerror(errno));
		for (uint64_t n = 1; n * once < events && !result; n++)
			result = repeat_part(&parts[i], schema, n, step_tsc, out, error);
		if (fclose(out) && !result)
			result = error_set(error, -errno, "%s: %s", path, strerror(errno));
	}
	while (*made < events)
		*made += once;
	return result;
}

int repeated_trace_make(
	const char *from, const char *to, uint64_t events, uint64_t *made, struct error *error)
{
	const char *const copy[] = {"cp", "-r", "--", from, to, NULL};
	struct trace *trace = NULL;
	cleanup_free struct part *parts = NULL;
	uint64_t cpu_ns;
	int result = rival_run(copy, &cpu_ns, error);

	if (!result)
		result = trace_open(&from, 1, &trace, error);
	if (result)
		return result;
	if (trace->nr_machines != 1)
		result = error_set(error, -EINVAL, "%s: it has not one machine", from);
	parts = calloc(trace->nr_streams + (size_t)1, sizeof(*parts));
	if (!parts && !result)
		result = error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < trace->nr_streams && !result; i++)
		result = look_at_part(&parts[i], &trace->streams[i], error);
	if (!result)
		result = repeat(parts, trace, to, events, made, error);
	for (uint32_t i = 0; parts && i < trace->nr_streams; i++)
		free(parts[i].packet);
	trace_close(trace);
	return result;
}
