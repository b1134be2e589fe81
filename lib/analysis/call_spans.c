/* SPDX-License-Identifier: MIT */
#include "lib/analysis/call_spans.h"

#include <stdlib.h>

#define ROOM_AT_FIRST 1024u

void call_spans_deinit(struct call_spans *spans)
{
	free(spans->spans);
	hash_map_deinit(&spans->tasks);
	*spans = (struct call_spans){0};
}

/* A free one, or 0: no room. Number 0 is nobody's. */
static uint32_t take(struct call_spans *spans)
{
	const uint32_t number = spans->free, room = spans->room ? 2 * spans->room : ROOM_AT_FIRST;
	struct call_span *more;

	if (number) {
		spans->free = spans->spans[number].next;
		return number;
	}
	if (spans->used + 1 < spans->room)
		return ++spans->used;
	if (room > CALL_SPANS_MAX)
		return 0;
	more = realloc(spans->spans, room * sizeof(*more));
	if (!more)
		return 0;
	spans->spans = more;
	spans->room = room;
	return ++spans->used;
}

/* Hands a chain of calls on, with all that is within them, and frees them. As deep as CALL_SPANS_DEPTH. */
static void hand_on(struct call_spans *spans, uint32_t number, uint32_t caller)
{
	while (number) {
		struct call_span *span = &spans->spans[number];
		const uint32_t next = span->next;

		hand_on(spans, span->children,
			span->counts ? spans->place(spans->context, caller, span) : caller);
		span->next = spans->free;
		spans->free = number;
		number = next;
	}
}

/* A chain of a task's that wait no longer for who called them. */
static void give_up(struct call_spans *spans, uint32_t number)
{
	for (uint32_t each = number; each; each = spans->spans[each].next)
		spans->given_up++;
	hand_on(spans, number, 0);
}

static void give_all_up(struct call_spans *spans)
{
	uint64_t key, waiting;

	for (size_t at = 0; hash_map_next(&spans->tasks, &at, &key, &waiting);)
		give_up(spans, (uint32_t)waiting);
	hash_map_clear(&spans->tasks);
}

/* The older half of a task's. */
static void give_old_up(struct call_spans *spans, uint32_t last)
{
	uint32_t old;

	for (uint32_t i = 1; i < CALL_SPANS_WAITING / 2; i++)
		last = spans->spans[last].next;
	old = spans->spans[last].next;
	spans->spans[last].next = 0;
	give_up(spans, old);
}

/* Those that began within the call: no more of the task's waiting ones, but its children. */
static void adopt(struct call_spans *spans, struct call_span *caller, uint32_t *last, uint32_t *count)
{
	while (*last && spans->spans[*last].begin_ns >= caller->begin_ns) {
		const uint32_t number = *last;
		struct call_span *span = &spans->spans[number];

		*last = span->next;
		--*count;
		caller->within_ns += span->took_ns;
		if (span->height + 1u >= CALL_SPANS_DEPTH) {
			span->next = 0;
			give_up(spans, number);
			continue;
		}
		if (caller->height < span->height + 1)
			caller->height = (uint16_t)(span->height + 1);
		span->next = caller->children;
		caller->children = number;
	}
}

uint64_t call_spans_add(struct call_spans *spans, uint64_t key, const struct call_span *span)
{
	struct call_span added = {.address = span->address,
		.begin_ns = span->begin_ns,
		.took_ns = span->took_ns,
		.counts = span->counts};
	uint64_t *waiting = hash_map_put(&spans->tasks, key);
	uint32_t number = waiting ? take(spans) : 0, last, count;

	if (waiting && !number) {
		give_all_up(spans);
		waiting = hash_map_put(&spans->tasks, key);
		number = waiting ? take(spans) : 0;
	}
	if (!number) { /* no memory */
		spans->given_up++;
		if (span->counts)
			spans->place(spans->context, 0, &added);
		return 0;
	}
	last = (uint32_t)*waiting;
	count = (uint32_t)(*waiting >> 32);
	adopt(spans, &added, &last, &count);
	if (count == CALL_SPANS_WAITING) {
		give_old_up(spans, last);
		count = CALL_SPANS_WAITING / 2;
	}
	added.next = last;
	spans->spans[number] = added;
	*waiting = (uint64_t)(count + 1) << 32 | number;
	return added.within_ns;
}

void call_spans_finish(struct call_spans *spans)
{
	uint64_t key, waiting;

	for (size_t at = 0; hash_map_next(&spans->tasks, &at, &key, &waiting);)
		hand_on(spans, (uint32_t)waiting, 0);
	hash_map_clear(&spans->tasks);
}
