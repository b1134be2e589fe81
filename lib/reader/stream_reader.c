/* SPDX-License-Identifier: MIT */
#include "lib/reader/stream_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/file.h"
#include "lib/model/ctf_layout.h"

#define WINDOW_BYTES (256u << 10)
/* Behind the window: the hot loop loads whole words wherever a field of a type begins. */
#define WINDOW_SLACK_BYTES (EVENT_FIXED_BYTES_MAX + 16)
#define PID_OFFSET_MAX     8
#define TSC_MAX            (1ull << 62) /* decades of any clock; sums and differences stay in range */

static const struct event_type lost_type = {
	.id = 0,
	.name = "lost",
	.nr_fields = 1,
	.fixed_bytes = 8,
	.fields = {{.name = "count", .kind = EVENT_FIELD_UNSIGNED, .bits = 64}},
};

const struct event_type *stream_reader_lost_type(void)
{
	return &lost_type;
}

void stream_layouts_init(struct stream_layouts *layouts, const struct event_schema *schema)
{
	const struct event_type *type = event_schema_find(schema, "sched_switch");
	const struct event_field *next_pid = type ? event_type_find_field(type, "next_pid") : NULL;

	*layouts = (struct stream_layouts){0};
	if (next_pid && next_pid->kind == EVENT_FIELD_UNSIGNED && next_pid->bits <= 32 &&
		next_pid->bit_offset % 8 == 0 && next_pid->byte_offset <= PID_OFFSET_MAX) {
		layouts->switch_id = type->id;
		layouts->pid_offset = next_pid->byte_offset;
		layouts->pid_mask = UINT32_MAX >> (32 - next_pid->bits);
	}
	type = event_schema_find(schema, EVENT_CURRENT_TASK);
	if (type && type->nr_fields == 1 && type->fields[0].kind == EVENT_FIELD_UNSIGNED)
		layouts->current_id = type->id;
	for (uint32_t id = 0; id <= RECORD_ID_MASK; id++) {
		struct record_layout *layout = &layouts->by_id[id];

		layout->bytes = UINT32_MAX;
		layout->type = id && id != RECORD_ID_LONG ? schema->types[id] : NULL;
		if (layout->type && !layout->type->variable && id != layouts->current_id)
			layout->bytes = RECORD_SHORT_BYTES + layout->type->fixed_bytes;
		layout->pid_mask = id && id == layouts->switch_id ? layouts->pid_mask : 0;
	}
}

/* Where it stands when it stands on nothing: every step from here is the slow path's. */
static void stand_nowhere(struct stream_reader *reader)
{
	reader->type = NULL;
	reader->pid_mask = 0;
	reader->payload = reader->next = reader->end = reader->lost_payload;
}

static void finish(struct stream_reader *reader)
{
	reader->finished = true;
	stand_nowhere(reader);
}

void stream_reader_init(struct stream_reader *reader, const struct trace *trace, uint32_t stream,
	const struct stream_layouts *layouts, uint64_t from_tsc, uint64_t to_tsc)
{
	const struct trace_stream *from = &trace->streams[stream];

	*reader = (struct stream_reader){
		.layouts = layouts,
		.cpu = from->cpu,
		.machine = from->machine,
		.stream = from,
		.trace_machine = &trace->machines[from->machine],
		.from_tsc = from_tsc,
		.to_tsc = to_tsc,
	};
	stand_nowhere(reader);
}

void stream_reader_init_empty(struct stream_reader *reader)
{
	static const struct stream_layouts none = {
		.by_id = {[0 ... RECORD_ID_MASK] = {.bytes = UINT32_MAX}},
	};

	*reader = (struct stream_reader){.layouts = &none};
	finish(reader);
}

void stream_reader_deinit(struct stream_reader *reader)
{
	free(reader->window);
	free(reader->damage);
	stream_reader_init_empty(reader);
}

void stream_reader_hold(struct stream_reader *reader)
{
	reader->held = reader->next;
	reader->next = reader->end;
}

/* Counts the packet as not whole, and keeps the first reason. */
static void __attribute__((format(printf, 3, 4)))
damage(struct stream_reader *reader, int code, const char *format, ...)
{
	char reason[256];
	va_list args;

	if (reader->packet_damaged)
		return;
	reader->packet_damaged = true;
	if (reader->damaged++)
		return;
	reader->damage = calloc(1, sizeof(*reader->damage));
	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	error_set(reader->damage, code, "%s: packet at byte %" PRIu64 ": %s", reader->stream->name,
		reader->packet_offset, reason);
}

/*
 * Bytes of the file in memory, read ahead; NULL: the file has fewer (*have says how many), or cannot be read
 * (then damage is noted). Invalidates what it returned before.
 */
static const uint8_t *window_at(struct stream_reader *reader, uint64_t offset, size_t bytes, size_t *have)
{
	size_t kept = 0, capacity = bytes > WINDOW_BYTES ? bytes : WINDOW_BYTES;
	ssize_t got;

	if (offset >= reader->window_offset && offset < reader->window_offset + reader->window_bytes)
		kept = (size_t)(reader->window_offset + reader->window_bytes - offset);
	*have = kept;
	if (kept >= bytes)
		return reader->window + (offset - reader->window_offset);
	if (capacity > reader->window_capacity) {
		uint8_t *larger = realloc(reader->window, capacity + WINDOW_SLACK_BYTES);

		if (!larger) {
			damage(reader, -ENOMEM, "%s", strerror(ENOMEM));
			return NULL;
		}
		memset(larger + capacity, 0, WINDOW_SLACK_BYTES);
		reader->window = larger;
		reader->window_capacity = capacity;
	}
	if (kept)
		memmove(reader->window, reader->window + (offset - reader->window_offset), kept);
	got = file_read_at(reader->stream->fd, reader->window + kept, reader->window_capacity - kept,
		(off_t)(offset + kept));
	reader->window_offset = offset;
	reader->window_bytes = kept + (got > 0 ? (size_t)got : 0);
	*have = reader->window_bytes;
	if (got < 0)
		damage(reader, (int)got, "read: %s", strerror((int)-got));
	return *have >= bytes ? reader->window : NULL;
}

/* Are the sizes such that the next packet can be found? */
static bool check_sizes(struct stream_reader *reader, const struct ctf_packet_header *header)
{
	if (header->magic != CTF_MAGIC) {
		damage(reader, -EINVAL, "no packet begins here (%08x in place of %08x)", header->magic,
			CTF_MAGIC);
		return false;
	}
	if (header->packet_size % 8 || header->packet_size / 8 > STREAM_PACKET_BYTES_MAX ||
		header->content_size % 8 || header->content_size / 8 < sizeof(*header) ||
		header->packet_size / 8 < header->content_size / 8 + CTF_PADDING_BYTES) {
		damage(reader, -EINVAL, "impossible sizes: %" PRIu64 " bits of %" PRIu64,
			header->content_size, header->packet_size);
		return false;
	}
	return true;
}

/* Is the rest of the header what this stream's next packet may have? */
static bool check_header(struct stream_reader *reader, const struct ctf_packet_header *header)
{
	if (memcmp(header->uuid, reader->trace_machine->uuid, sizeof(header->uuid)) || header->stream_id)
		damage(reader, -EINVAL, "it belongs to another trace");
	else if (header->cpu_id != reader->cpu)
		damage(reader, -EINVAL, "it belongs to CPU %u", header->cpu_id);
	else if (header->timestamp_end < header->timestamp_begin || header->timestamp_end > TSC_MAX)
		damage(reader, -EINVAL, "impossible times: %" PRIu64 " to %" PRIu64, header->timestamp_begin,
			header->timestamp_end);
	else if (header->timestamp_begin < reader->tsc)
		damage(reader, -EINVAL, "it begins before the packet before it ends");
	else if (header->events_discarded < reader->discarded)
		damage(reader, -EINVAL, "its count of lost events is smaller than the packet's before it");
	else
		return true;
	return false;
}

/* Events that the recorder counted and that lie behind a damage from which no next packet can be found. */
static uint64_t events_behind(const struct stream_reader *reader)
{
	const struct trace_machine_info *info = reader->trace_machine->info;

	for (size_t i = 0; i < info->nr_cpu_infos; i++)
		if (info->cpus[i].cpu == reader->cpu && info->cpus[i].events > reader->announced)
			return info->cpus[i].events - reader->announced;
	return 0;
}

/* How many events `bytes` of records can be, where a header claims `events`. */
static uint64_t at_most(uint64_t events, size_t bytes)
{
	return events < bytes / RECORD_SHORT_BYTES ? events : bytes / RECORD_SHORT_BYTES;
}

enum packet { PACKET_NONE, PACKET_SKIP, PACKET_READY };

static enum packet open_packet(struct stream_reader *reader)
{
	struct ctf_packet_header header;
	const uint8_t *at;
	size_t have, bytes;
	uint64_t events;

	reader->packet_offset = reader->next_packet_offset;
	reader->packet_damaged = false;
	at = window_at(reader, reader->packet_offset, sizeof(header), &have);
	if (!at) {
		if (have)
			damage(reader, -EINVAL, "the file ends within its header, after %zu bytes", have);
		return PACKET_NONE;
	}
	memcpy(&header, at, sizeof(header));
	if (!check_sizes(reader, &header))
		return PACKET_NONE;
	bytes = header.packet_size / 8;
	events = at_most(header.events, header.content_size / 8 - sizeof(header));
	reader->announced += events;
	reader->next_packet_offset = reader->packet_offset + bytes;
	if (!check_header(reader, &header)) {
		reader->missed += events;
		return PACKET_SKIP;
	}
	if (header.timestamp_begin > reader->to_tsc)
		return PACKET_NONE;
	if (header.timestamp_end < reader->from_tsc) {
		reader->discarded = header.events_discarded;
		reader->tsc = header.timestamp_end;
		return PACKET_SKIP;
	}
	at = window_at(reader, reader->packet_offset, bytes, &have);
	if (!at) {
		reader->missed += events;
		damage(reader, -EINVAL, "the file ends %zu bytes before it does", bytes - have);
		return PACKET_NONE;
	}
	reader->next = at + sizeof(header);
	reader->end = at + header.content_size / 8;
	reader->tsc = header.timestamp_begin;
	reader->packet_end_tsc = header.timestamp_end;
	reader->pid = header.current_pid;
	reader->events_left = header.events;
	reader->packets++;
	if (header.events_discarded > reader->discarded) {
		uint64_t lost = header.events_discarded - reader->discarded;

		memcpy(reader->lost_payload, &lost, sizeof(lost));
		reader->discarded = header.events_discarded;
		reader->after_lost = reader->next;
	}
	return PACKET_READY;
}

static void close_packet(struct stream_reader *reader)
{
	if (!reader->packets || reader->packet_damaged)
		return;
	if (reader->events_left)
		damage(reader, -EINVAL, "it holds %d events %s than its header says",
			abs((int)reader->events_left), (int)reader->events_left > 0 ? "fewer" : "more");
	else if (reader->tsc > reader->packet_end_tsc)
		damage(reader, -EINVAL, "an event is later than its end");
}

/* Reads the record at `next`. False: damaged, and nothing has changed. */
static bool read_record(struct stream_reader *reader)
{
	const uint8_t *at = reader->next;
	size_t room = (size_t)(reader->end - at), bytes = RECORD_SHORT_BYTES, header_bytes;
	const struct event_type *type;
	uint64_t tsc = reader->tsc;
	uint16_t length;
	uint32_t head, id;

	if (room < bytes)
		goto too_short;
	memcpy(&head, at, sizeof(head));
	id = head & RECORD_ID_MASK;
	if (id == RECORD_ID_LONG) {
		bytes = RECORD_LONG_BYTES;
		if (room < bytes)
			goto too_short;
		id = head >> RECORD_TIME_SHIFT;
		memcpy(&tsc, at + sizeof(head), sizeof(tsc));
	} else {
		tsc += ((head >> RECORD_TIME_SHIFT) - tsc) & RECORD_TIME_MASK;
	}
	type = id < EVENT_TYPES_MAX ? reader->trace_machine->schema->types[id] : NULL;
	if (!type) {
		damage(reader, -EINVAL, "event id %u is not in the metadata", id);
		return false;
	}
	if (tsc < reader->tsc || tsc > reader->packet_end_tsc) {
		damage(reader, -EINVAL, "an event's time is outside its packet's");
		return false;
	}
	header_bytes = bytes;
	bytes += type->fixed_bytes;
	if (room < bytes)
		goto too_short;
	for (unsigned tail = 0; tail < type->nr_tails; tail++) {
		bytes += tail ? sizeof(length) : 0;
		if (room < bytes)
			goto too_short;
		memcpy(&length, at + bytes - sizeof(length), sizeof(length));
		bytes += length;
	}
	if (room < bytes)
		goto too_short;
	reader->type = type;
	reader->payload = at + header_bytes;
	reader->tsc = tsc;
	reader->pid_mask = id == reader->layouts->switch_id ? reader->layouts->pid_mask : 0;
	reader->next = at + bytes;
	reader->events_left--;
	return true;

too_short:
	damage(reader, -EINVAL, "it ends within an event");
	return false;
}

static void stand_on_lost(struct stream_reader *reader)
{
	reader->type = &lost_type;
	reader->payload = reader->lost_payload;
	reader->pid_mask = 0;
	reader->next = reader->end;
}

/* Takes over the pid from a sched_switch that it leaves. */
static void leave(struct stream_reader *reader)
{
	uint32_t next_pid;

	if (!reader->pid_mask)
		return;
	memcpy(&next_pid, reader->payload + reader->layouts->pid_offset, sizeof(next_pid));
	reader->pid = next_pid & reader->pid_mask;
	reader->pid_mask = 0;
}

bool stream_reader_step(struct stream_reader *reader)
{
	if (reader->finished)
		return false;
	if (reader->held) {
		reader->next = reader->held;
		reader->held = NULL;
		return true;
	}
	leave(reader);
	if (reader->after_lost) {
		reader->next = reader->after_lost;
		reader->after_lost = NULL;
	}
	for (;;) {
		enum packet packet;

		if (reader->next != reader->end) {
			if (read_record(reader)) {
				if (reader->type->id != reader->layouts->current_id)
					return true;
				reader->pid = (uint32_t)event_field_unsigned(
					&reader->type->fields[0], reader->payload);
				continue;
			}
			reader->missed += at_most(reader->events_left, (size_t)(reader->end - reader->next));
			reader->next = reader->end;
		}
		close_packet(reader);
		do
			packet = open_packet(reader);
		while (packet == PACKET_SKIP);
		if (packet == PACKET_NONE) {
			reader->missed += reader->packet_damaged ? events_behind(reader) : 0;
			finish(reader);
			return false;
		}
		if (reader->after_lost) {
			stand_on_lost(reader);
			return true;
		}
	}
}
