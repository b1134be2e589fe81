/* SPDX-License-Identifier: MIT */
#include "host/collect/vcpu_exits.h"

#include <stdlib.h>

#include "lib/base/hash_map.h"

#define THREADS_MAX (4 * COLLECTOR_THREADS_MAX) /* also those that have ended; then all are learnt anew */
#define PREEMPTED   0x100                       /* of prev_state, see collector_events.def */

struct vcpu_exits {
	struct hash_map indices; /* by thread */
	struct vcpu_last *items;
	size_t count, capacity;
};

struct vcpu_exits *vcpu_exits_create(void)
{
	return calloc(1, sizeof(struct vcpu_exits));
}

void vcpu_exits_destroy(struct vcpu_exits *exits)
{
	if (!exits)
		return;
	hash_map_deinit(&exits->indices);
	free(exits->items);
	free(exits);
}

static bool make_room(struct vcpu_exits *exits)
{
	const size_t capacity = exits->capacity ? 2 * exits->capacity : 64;
	struct vcpu_last *items;

	if (exits->count == THREADS_MAX) {
		hash_map_clear(&exits->indices);
		exits->count = 0;
	}
	if (exits->count < exits->capacity)
		return true;
	items = realloc(exits->items, capacity * sizeof(*items));
	if (!items)
		return false;
	exits->items = items;
	exits->capacity = capacity;
	return true;
}

static struct vcpu_last *get(struct vcpu_exits *exits, uint32_t tid)
{
	uint64_t *index = hash_map_get(&exits->indices, tid);

	if (index)
		return &exits->items[*index];
	if (!make_room(exits) || !(index = hash_map_put(&exits->indices, tid)))
		return NULL;
	*index = exits->count;
	exits->items[exits->count] = (struct vcpu_last){0};
	return &exits->items[exits->count++];
}

static void add_exit(struct vcpu_last *last, const struct collector_record *record)
{
	last->exits++;
	/* records of several pCPUs come one ring after the other; the time of an exit's record is its end */
	if (record->time_ns < last->exit_ns)
		return;
	last->exit_ns = record->time_ns;
	last->reason = record->value;
	last->isa = record->flags & COLLECTOR_ISA_MASK;
}

void vcpu_exits_add(struct vcpu_exits *exits, const struct collector_record *record)
{
	const bool is_exit = record->type == COLLECTOR_EXIT || record->type == COLLECTOR_HYPERCALL;
	struct vcpu_last *last;

	if (!exits || (!is_exit && record->type != COLLECTOR_VCPU_OUT && record->type != COLLECTOR_VCPU_IN))
		return;
	last = get(exits, record->tid);
	if (!last)
		return;
	if (is_exit)
		add_exit(last, record);
	else if (record->type == COLLECTOR_VCPU_IN)
		last->place = VCPU_PLACE_ON_PCPU;
	else
		last->place = !record->value || record->value & PREEMPTED ? VCPU_PLACE_PREEMPTED
									  : VCPU_PLACE_ASLEEP;
}

const struct vcpu_last *vcpu_exits_of(const struct vcpu_exits *exits, pid_t tid)
{
	const uint64_t *index = exits ? hash_map_get(&exits->indices, (uint64_t)tid) : NULL;

	return index ? &exits->items[*index] : NULL;
}
