/* SPDX-License-Identifier: MIT */
/*
 * The events of a trace, of all machines and vCPUs, in the order of time.
 *
 *	struct trace_event event;
 *	while (trace_reader_next(reader, &event))
 *		… event_field_unsigned(&event.type->fields[0], event.payload) …
 *	damaged = trace_reader_damage(reader, &error);
 *
 * The merge is a tournament tree over the time of each stream's next event; after an event only its stream's
 * path to the root is played again, without branches, so that the cost does not depend on how the streams
 * interleave.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/reader/stream_reader.h"
#include "lib/reader/trace.h"

/* event.type->id: its one field counts events lost on that CPU since its last event */
#define TRACE_EVENT_LOST 0

struct trace_event {
	const struct event_type *type;
	const uint8_t *payload; /* until the next trace_reader_next(); some bytes behind it are readable */
	uint64_t tsc;
	uint32_t machine; /* index into trace.machines */
	uint32_t cpu;
	uint32_t pid; /* the task that was running: of a sched_switch, the one that leaves */
	uint32_t reserved;
};

struct trace_reader_options {
	int machine;            /* only that one; -1: all */
	int64_t from_ns, to_ns; /* Unix ns; packets wholly outside are not read, events just outside may be
	                           delivered */
	const uint64_t *cpus;   /* bit set of TRACE_CPUS_MAX bits; NULL: all */
};
#define TRACE_READER_ALL \
	((struct trace_reader_options){.machine = -1, .from_ns = INT64_MIN, .to_ns = INT64_MAX})

struct trace_reader {
	uint64_t *keys;     /* by stream: the time of its next event; UINT64_MAX: none */
	uint32_t *winners;  /* the tree, root at 1; leaf `nr_leaves + i` is stream i */
	uint32_t nr_leaves; /* a power of two */
	uint32_t nr_streams;
	uint32_t current; /* the stream of the last event */
	bool one_clock;   /* keys are TSC values; else host time in 1/64 ns since base_ns */
	int64_t base_ns;
	struct stream_reader *streams;
	struct clock_cursor *cursors; /* by machine */
	const struct trace *trace;
	struct stream_layouts *layouts; /* by machine */
};

/* -ENOMEM. The trace must stay open. */
int trace_reader_create(const struct trace *trace, const struct trace_reader_options *options,
	struct trace_reader **reader, struct error *error);
void trace_reader_destroy(struct trace_reader *reader);

/* Unix ns of the first event that will be, or was, delivered; INT64_MAX: the trace is empty. */
int64_t trace_reader_start_ns(const struct trace_reader *reader);

/* Packets that could not be delivered whole; if any, `error` describes the first: file, offset, reason. */
uint64_t trace_reader_damage(const struct trace_reader *reader, struct error *error);

/* Unix ns of an event. */
static inline int64_t trace_reader_unix_ns(struct trace_reader *reader, const struct trace_event *event)
{
	return (int64_t)((uint64_t)clock_cursor_ns(&reader->cursors[event->machine], event->tsc) +
		(uint64_t)reader->trace->machines[event->machine].realtime_offset_ns);
}

/* Text and bytes fields: where they are and how long, checked when the record was read. */
static inline const uint8_t *trace_event_text(
	const struct trace_event *event, const struct event_field *field, uint32_t *bytes)
{
	return event_field_tail(field, event->payload, bytes);
}

/* Time of the stream's record in the unit of the keys; for machines with different clocks. */
uint64_t trace_reader_key_slow(struct trace_reader *reader, const struct stream_reader *stream);

/* Fills *event. False: there are no more. */
static inline bool trace_reader_next(struct trace_reader *reader, struct trace_event *event)
{
	uint32_t winner = reader->current;
	struct stream_reader *stream = &reader->streams[winner];
	uint64_t key = UINT64_MAX;

	if (__builtin_expect(stream_reader_advance(stream), 1) || stream_reader_step(stream))
		key = __builtin_expect(reader->one_clock, 1) ? stream->tsc
							     : trace_reader_key_slow(reader, stream);
	reader->keys[winner] = key;
	for (uint32_t node = reader->nr_leaves + winner; node > 1;) {
		uint32_t rival = reader->winners[node ^ 1];
		uint64_t rival_key = reader->keys[rival];
		/* all ones if the rival is before; masks, for compilers make branches of ?: */
		uint64_t loses = -(uint64_t)((rival_key < key) | ((rival_key == key) & (rival < winner)));

		winner ^= (winner ^ rival) & (uint32_t)loses;
		key ^= (key ^ rival_key) & loses;
		node >>= 1;
		reader->winners[node] = winner;
	}
	reader->current = winner;
	stream = &reader->streams[winner];
	event->type = stream->type;
	event->payload = stream->payload;
	event->tsc = stream->tsc;
	event->machine = stream->machine;
	event->cpu = stream->cpu;
	event->pid = stream->pid;
	return key != UINT64_MAX;
}
