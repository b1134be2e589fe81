/* SPDX-License-Identifier: MIT */
/*
 * Checks the records of a packet in the host's own copy: ids known, lengths within the packet, times not
 * going back. Following the chain of lengths is bound by the latency of one load a record, so several packets
 * are walked side by side: 4 lanes hide most of it (bench record).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/model/event_schema.h"

#define RING_WALK_LANES  4
#define RING_WALK_CLOSER (1u << 31) /* no short header, or text behind the fields: look closer */

struct ring_walk_table {
	uint32_t short_bytes[32]; /* of a whole record with the short header, or RING_WALK_CLOSER */
	uint32_t longest;         /* of those */
	const struct event_schema *schema;
	uint32_t switch_id; /* sched_switch: its first 22 bits are the next task */
};

enum ring_walk_status {
	RING_WALK_WHOLE, /* the last record ends where the content ends */
	RING_WALK_HOLE,  /* id 0: a record that is not visible yet */
	RING_WALK_BAD,   /* unknown id, time going back, record over the end */
};

/*
 * In: at, end, tsc, pid. Out: all of them where the walk ended, records counted. 8 bytes behind `end` are
 * readable.
 */
struct ring_walk {
	const uint8_t *at, *end;
	uint64_t tsc; /* of the last record; before the first: not after it */
	uint32_t events;
	uint32_t pid; /* the task running after the last record; kept by ring_walk_tasks() only */
	enum ring_walk_status status;
};

struct ring_record {
	uint32_t id;
	const uint8_t *
		payload; /* of as many bytes as the schema says, and what is of variable length behind them */
};

/* `schema` must outlive the table. */
void ring_walk_table_init(struct ring_walk_table *table, const struct event_schema *schema);

/* Walks `count` packets to their end or their first fault. */
void ring_walk(const struct ring_walk_table *table, struct ring_walk *walks, size_t count);

/* The same for one, slower, and keeps `pid`. */
void ring_walk_tasks(const struct ring_walk_table *table, struct ring_walk *walk);

/* One record of a packet, once `events` and `status` are 0. False: there is none, or a fault is met. */
bool ring_walk_next(const struct ring_walk_table *table, struct ring_walk *walk, struct ring_record *record);

/* The same, only as far as records are not after last_tsc; `end` stays where it was unless a fault was met. */
void ring_walk_until(const struct ring_walk_table *table, struct ring_walk *walk, uint64_t last_tsc);
