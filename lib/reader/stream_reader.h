/* SPDX-License-Identifier: MIT */
/*
 * Walks one stream file: reads packets into memory, checks each header against the file and the trace, then
 * each record against its packet. It always stands on one record, checked already; stepping leaves it for the
 * next.
 *
 * Damage never ends the walk while the chain of packet sizes holds: what is whole is delivered, the rest
 * counted, and the first damage described.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "lib/model/record.h"
#include "lib/reader/trace.h"

#define STREAM_PACKET_BYTES_MAX (64u << 20)

/* What the hot loop must know of the event ids that fit the short header. */
struct record_layout {
	const struct event_type *type; /* NULL: no such event */
	uint32_t bytes;                /* of header and payload; UINT32_MAX: the slow path knows */
	uint32_t pid_mask;             /* of a sched_switch: the bits of next_pid; else 0 */
};

/* Shared by the streams of one machine. */
struct stream_layouts {
	struct record_layout by_id[RECORD_ID_MASK + 1];
	uint32_t pid_offset; /* in bytes, of next_pid in sched_switch */
	uint32_t pid_mask;
	uint32_t switch_id;  /* 0: the trace has no such event */
	uint32_t current_id; /* of EVENT_CURRENT_TASK; 0: none */
};

void stream_layouts_init(struct stream_layouts *layouts, const struct event_schema *schema);

struct stream_reader {
	/* the record it stands on */
	const struct event_type *type;
	const uint8_t *payload;
	uint64_t tsc;
	uint32_t pid; /* the task that ran before it */
	uint32_t pid_mask;
	/* what follows it */
	const uint8_t *next, *end;
	const struct stream_layouts *layouts;
	uint32_t events_left; /* of the packet, behind the one it stands on */
	uint32_t cpu, machine;

	/* the slow path's */
	const struct trace_stream *stream;
	const struct trace_machine *trace_machine;
	const uint8_t *held;       /* `next`, while a step is to stay on the record */
	const uint8_t *after_lost; /* `next`, while it stands on a "lost" event */
	uint8_t *window;           /* a part of the file */
	size_t window_bytes, window_capacity;
	uint64_t window_offset; /* in the file */
	uint64_t packet_offset, next_packet_offset;
	uint64_t packet_end_tsc;
	uint64_t from_tsc, to_tsc; /* packets wholly outside are skipped */
	uint64_t discarded;        /* lost so far, as the last packet says */
	uint64_t packets;          /* delivered, also in part */
	uint64_t damaged;          /* packets not delivered whole */
	uint64_t announced;        /* events of the packets so far, as their headers say */
	uint64_t missed;      /* events that were recorded and not delivered, for damage; as far as known */
	struct error *damage; /* the first; NULL: none yet */
	uint8_t lost_payload[16]; /* of a "lost" event */
	bool packet_damaged, finished;
};

/* Stands before the first record. `from_tsc` and `to_tsc`: 0 and UINT64_MAX for all. */
void stream_reader_init(struct stream_reader *reader, const struct trace *trace, uint32_t stream,
	const struct stream_layouts *layouts, uint64_t from_tsc, uint64_t to_tsc);
void stream_reader_deinit(struct stream_reader *reader);

/* A stream without events. */
void stream_reader_init_empty(struct stream_reader *reader);

/* Steps to the next record, reading on as needed. False: there is none. */
bool stream_reader_step(struct stream_reader *reader);

/* The next step stays where it is, once. */
void stream_reader_hold(struct stream_reader *reader);

/* The type of the events that stand for lost ones: id 0, name "lost", one field, `count`. */
const struct event_type *stream_reader_lost_type(void);

/* As stream_reader_step() where that is simple; false: it is not, and nothing has changed. */
static inline bool stream_reader_advance(struct stream_reader *reader)
{
	const struct stream_layouts *layouts = reader->layouts;
	const struct record_layout *layout;
	const uint8_t *at = reader->next;
	uint32_t head, next_pid;

	memcpy(&head, at, sizeof(head)); /* the window has bytes to spare behind every packet */
	layout = &layouts->by_id[head & RECORD_ID_MASK];
	if (__builtin_expect((size_t)(reader->end - at) < layout->bytes, 0))
		return false;
	memcpy(&next_pid, reader->payload + layouts->pid_offset, sizeof(next_pid));
	reader->pid =
		(next_pid & reader->pid_mask) | (reader->pid & ((uint32_t)!reader->pid_mask * UINT32_MAX));
	reader->pid_mask = layout->pid_mask;
	reader->type = layout->type;
	reader->tsc += ((head >> RECORD_TIME_SHIFT) - reader->tsc) & RECORD_TIME_MASK;
	reader->payload = at + RECORD_SHORT_BYTES;
	reader->next = at + layout->bytes;
	reader->events_left--;
	return true;
}
