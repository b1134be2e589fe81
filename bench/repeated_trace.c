/* SPDX-License-Identifier: MIT */
#include "bench/repeated_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/rival.h"
#include "lib/base/cleanup.h"
#include "lib/model/ctf_layout.h"
#include "lib/model/record.h"
#include "lib/reader/trace.h"

/* One stream of the original, whole in memory; repetitions are made in place. */
struct part {
	uint8_t *data;
	size_t bytes;
	uint64_t events, packets, lost, first_tsc, last_tsc;
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

/* Moves a packet's times; short headers hold the low bits, which such steps leave as they are. */
static int move_packet(
	const struct event_schema *schema, uint8_t *packet, uint64_t step_tsc, struct error *error)
{
	struct ctf_packet_header header;
	uint8_t *at, *end;
	uint64_t tsc;

	memcpy(&header, packet, sizeof(header));
	header.timestamp_begin += step_tsc;
	header.timestamp_end += step_tsc;
	memcpy(packet, &header, sizeof(header));
	end = packet + header.content_size / 8;
	for (at = packet + sizeof(header); at < end;) {
		size_t bytes = record_bytes(schema, at, (size_t)(end - at));

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

/* The packet at `offset`; NULL: none, or a damaged one. */
static uint8_t *packet_at(const struct part *part, size_t offset, struct ctf_packet_header *header)
{
	if (part->bytes - offset < sizeof(*header))
		return NULL;
	memcpy(header, part->data + offset, sizeof(*header));
	if (header->magic != CTF_MAGIC || header->packet_size / 8 < sizeof(*header) ||
		header->packet_size / 8 > part->bytes - offset || header->content_size > header->packet_size)
		return NULL;
	return part->data + offset;
}

static int load_part(struct part *part, const struct trace_stream *stream, struct error *error)
{
	struct ctf_packet_header header;

	part->bytes = stream->bytes;
	part->data = mmap(NULL, part->bytes + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, stream->fd, 0);
	if (part->data == MAP_FAILED) {
		part->data = NULL;
		return error_set(error, -errno, "%s: %s", stream->name, strerror(errno));
	}
	for (size_t offset = 0; offset < part->bytes; offset += header.packet_size / 8) {
		if (!packet_at(part, offset, &header))
			return error_set(error, -EINVAL, "%s: a packet is damaged", stream->name);
		if (!part->packets++)
			part->first_tsc = header.timestamp_begin;
		part->last_tsc = header.timestamp_end;
		part->events += header.events;
		part->lost = header.events_discarded;
	}
	return 0;
}

/* One more time, `step_tsc` later, to the end of the file. */
static int repeat_part(struct part *part, const struct event_schema *schema, uint64_t step_tsc, FILE *out,
	struct error *error)
{
	struct ctf_packet_header header;

	for (size_t offset = 0; offset < part->bytes; offset += header.packet_size / 8) {
		uint8_t *packet = packet_at(part, offset, &header);
		int result = move_packet(schema, packet, step_tsc, error);

		if (result)
			return result;
		memcpy(&header, packet, sizeof(header));
		header.packet_seq_num += part->packets;
		header.events_discarded += part->lost + 1;
		memcpy(packet, &header, sizeof(header));
	}
	if (fwrite(part->data, part->bytes, 1, out) != 1)
		return error_set(error, -EIO, "cannot write the trace: %s", strerror(errno));
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
		for (uint64_t have = once; parts[i].packets && have < events && !result; have += once)
			result = repeat_part(&parts[i], schema, step_tsc, out, error);
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
		result = load_part(&parts[i], &trace->streams[i], error);
	if (!result)
		result = repeat(parts, trace, to, events, made, error);
	for (uint32_t i = 0; parts && i < trace->nr_streams; i++)
		if (parts[i].data)
			munmap(parts[i].data, parts[i].bytes + 1);
	trace_close(trace);
	return result;
}
