/* SPDX-License-Identifier: MIT */
#include "host/collect/ring_walk.h"

#include <string.h>

#include "abi/ring.h"

#define TIME_MASK   ((uint32_t)(HT_SHORT_TIME_SPAN - 1))
#define PID_MASK    ((1u << 22) - 1)
#define UNROLL      _Pragma("GCC unroll 4") /* RING_WALK_LANES */
#define TEXT_LENGTH 2                       /* bytes of the length in front of text */

void ring_walk_table_init(struct ring_walk_table *table, const struct event_schema *schema)
{
	const struct event_type *type = event_schema_find(schema, "sched_switch");

	*table = (struct ring_walk_table){.schema = schema, .switch_id = type ? type->id : 0};
	table->longest = HT_SHORT_HEADER_BYTES;
	for (uint32_t id = 0; id <= HT_ID_LONG; id++) {
		type = id < HT_ID_LONG ? schema->types[id] : NULL;
		table->short_bytes[id] = RING_WALK_CLOSER;
		if (!type || type->variable)
			continue;
		table->short_bytes[id] = HT_SHORT_HEADER_BYTES + type->fixed_bytes;
		if (table->short_bytes[id] > table->longest)
			table->longest = table->short_bytes[id];
	}
}

static uint32_t load32(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static bool stop(struct ring_walk *walk, enum ring_walk_status status)
{
	walk->status = status;
	walk->end = walk->at;
	return false;
}

/* One record of any kind. False: the walk ends here, with its status and end set. */
static bool step(const struct ring_walk_table *table, struct ring_walk *walk, struct ring_record *record)
{
	const struct event_type *type;
	size_t left = (size_t)(walk->end - walk->at), bytes = HT_SHORT_HEADER_BYTES;
	uint64_t tsc = walk->tsc;
	uint32_t head, id;
	uint16_t length = 0;

	if (left < HT_SHORT_HEADER_BYTES)
		return stop(walk, RING_WALK_BAD);
	head = load32(walk->at);
	id = head & HT_ID_MASK;
	if (id == 0)
		return stop(walk, RING_WALK_HOLE);
	if (id == HT_ID_LONG) {
		bytes = HT_LONG_HEADER_BYTES;
		if (left < bytes)
			return stop(walk, RING_WALK_BAD);
		id = head >> HT_ID_BITS;
		memcpy(&tsc, walk->at + HT_SHORT_HEADER_BYTES, sizeof(tsc));
	} else {
		tsc += ((head >> HT_ID_BITS) - (uint32_t)tsc) & TIME_MASK;
	}
	type = id < EVENT_TYPES_MAX ? table->schema->types[id] : NULL;
	if (!type || tsc < walk->tsc)
		return stop(walk, RING_WALK_BAD);
	bytes += type->fixed_bytes;
	if (left >= bytes && type->variable)
		memcpy(&length, walk->at + bytes - TEXT_LENGTH, TEXT_LENGTH);
	if (left < bytes + length)
		return stop(walk, RING_WALK_BAD);
	if (id == table->switch_id)
		walk->pid = load32(walk->at + bytes - type->fixed_bytes) & PID_MASK;
	*record = (struct ring_record){id, walk->at + bytes - type->fixed_bytes};
	walk->at += bytes + length;
	walk->tsc = tsc;
	walk->events++;
	return true;
}

/*
 * Takes one short record of each lane per turn, `turns` times or until a lane needs a closer look. `lanes` is
 * a constant in every caller: the loops unroll, and what the lanes are at stays in registers. That is also
 * why the time is kept as the header holds it, above the 5 bits of the id: the low 32 bits are the last
 * stamp, the rest counts its wraps.
 */
static inline __attribute__((always_inline)) void run_lanes(const struct ring_walk_table *table,
	struct ring_walk *const *walks, const unsigned lanes, uint32_t turns)
{
	const uint8_t *at[RING_WALK_LANES];
	uint64_t stamp[RING_WALK_LANES];
	uint32_t turn;

	UNROLL
	for (unsigned i = 0; i < lanes; i++) {
		at[i] = walks[i]->at;
		stamp[i] = (uint32_t)(walks[i]->tsc << HT_ID_BITS);
	}
	for (turn = 0; turn < turns; turn++) {
		uint32_t head[RING_WALK_LANES], bytes[RING_WALK_LANES], closer = 0;

		UNROLL
		for (unsigned i = 0; i < lanes; i++) {
			head[i] = load32(at[i]);
			bytes[i] = table->short_bytes[head[i] & HT_ID_MASK];
			closer |= bytes[i];
		}
		if (__builtin_expect(closer & RING_WALK_CLOSER, 0))
			break;
		UNROLL
		for (unsigned i = 0; i < lanes; i++) {
			stamp[i] += (head[i] & ~HT_ID_MASK) - (uint32_t)stamp[i];
			at[i] += bytes[i];
		}
	}
	UNROLL
	for (unsigned i = 0; i < lanes; i++) {
		walks[i]->at = at[i];
		walks[i]->tsc += (stamp[i] - (uint32_t)(walks[i]->tsc << HT_ID_BITS)) >> HT_ID_BITS;
		walks[i]->events += turn;
	}
}

static void run(const struct ring_walk_table *table, struct ring_walk *const *active, unsigned lanes)
{
	uint64_t turns = UINT32_MAX;

	/* so many records fit into every lane, whatever they are */
	for (unsigned i = 0; i < lanes; i++) {
		uint64_t fit = (uint64_t)(active[i]->end - active[i]->at) / table->longest;

		turns = fit < turns ? fit : turns;
	}
	switch (lanes) {
	case 4:
		return run_lanes(table, active, 4, (uint32_t)turns);
	case 3:
		return run_lanes(table, active, 3, (uint32_t)turns);
	case 2:
		return run_lanes(table, active, 2, (uint32_t)turns);
	default:
		return run_lanes(table, active, 1, (uint32_t)turns);
	}
}

void ring_walk(const struct ring_walk_table *table, struct ring_walk *walks, size_t count)
{
	struct ring_walk *active[RING_WALK_LANES];
	struct ring_record record;
	size_t next = 0;
	unsigned lanes = 0;

	for (size_t i = 0; i < count; i++) {
		walks[i].events = 0;
		walks[i].status = RING_WALK_WHOLE;
	}
	for (;;) {
		while (lanes < RING_WALK_LANES && next < count)
			active[lanes++] = &walks[next++];
		if (lanes == 0)
			return;
		run(table, active, lanes);
		for (unsigned i = 0; i < lanes; i++) {
			if (active[i]->at < active[i]->end)
				step(table, active[i], &record);
			if (active[i]->at == active[i]->end)
				active[i--] = active[--lanes];
		}
	}
}

bool ring_walk_next(const struct ring_walk_table *table, struct ring_walk *walk, struct ring_record *record)
{
	return walk->at < walk->end && step(table, walk, record);
}

void ring_walk_tasks(const struct ring_walk_table *table, struct ring_walk *walk)
{
	struct ring_record record;

	walk->events = 0;
	walk->status = RING_WALK_WHOLE;
	while (walk->at < walk->end)
		step(table, walk, &record);
}

void ring_walk_until(const struct ring_walk_table *table, struct ring_walk *walk, uint64_t last_tsc)
{
	struct ring_record record;

	walk->events = 0;
	walk->status = RING_WALK_WHOLE;
	while (walk->at < walk->end) {
		struct ring_walk next = *walk;

		step(table, &next, &record);
		if (next.status == RING_WALK_WHOLE && next.tsc > last_tsc)
			return;
		*walk = next;
	}
}
