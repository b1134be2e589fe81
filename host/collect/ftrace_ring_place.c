/* SPDX-License-Identifier: MIT */
/* Finding one's place in a ring, and keeping it. */
#include "host/collect/ftrace_ring_steps.h"
#include "lib/base/clock_now.h"

#include <errno.h>

#define PATIENCE_NS   UINT64_C(20000000)
#define IN_FLIGHT_MAX 64 /* events that are on the page but not in the count, or the other way round */

void ftrace_ring_lose(struct ftrace_ring *ring, uint64_t count, bool damaged)
{
	if (!count)
		return;
	ring->position += count;
	*(damaged ? &ring->counts.damaged : &ring->counts.overwritten) += count;
	ring->callbacks->lost(ring->callbacks->context, ring->cpu, count, damaged);
}

void ftrace_ring_forget(struct ftrace_ring *ring)
{
	ring->place = (struct ftrace_place){0};
	ring->data = 0;
}

/* Goes to the beginning of a page. */
void ftrace_ring_enter(struct ftrace_ring *ring, uint64_t page, uint64_t start)
{
	ring->place = (struct ftrace_place){page, start};
	ring->cursor = (struct ftrace_page_cursor){0};
	ring->parsed = 0;
	ring->data = 0;
	ring->is_damaged = false;
}

/* Waiting for the guest's reader has an end: it may hang, or the whole guest. */
bool ftrace_ring_is_impatient(struct ftrace_ring *ring)
{
	const uint64_t now = clock_now_ns(CLOCK_MONOTONIC);

	if (!ring->is_live)
		return true;
	if (!ring->busy_since_ns)
		ring->busy_since_ns = now;
	return now - ring->busy_since_ns > PATIENCE_NS;
}

static int survey(struct ftrace_ring *ring, struct ftrace_survey *result)
{
	int code = ftrace_survey_take(
		result, ring->layout, ring->memory, ring->address, ftrace_ring_is_impatient(ring));

	if (code)
		return code;
	ring->busy_since_ns = 0;
	ring->surveyed = result->look;
	result->reader.start += ring->shift;
	result->head.start += ring->shift;
	ring->has_head_base = !result->reader_is_commit;
	ring->head_base = result->head.start - result->look.overrun;
	return 0;
}

/* Is the page that we are on still at its place? */
static bool still_there(const struct ftrace_ring *ring, const struct ftrace_survey *survey)
{
	if (!ring->place.page)
		return false;
	if (ring->place.page == survey->reader.page)
		return ring->place.start == survey->reader.start;
	return !survey->reader_is_commit && (int64_t)(ring->place.start - survey->head.start) >= 0;
}

/* Overtaken: some pages behind the head, so that it does not happen again at once. */
static int skip_margin(
	struct ftrace_ring *ring, const struct ftrace_survey *survey, struct ftrace_place *place)
{
	const uint64_t most = survey->look.nr_pages / 2;

	for (uint32_t i = 0; i < ring->margin && i < most && place->page != survey->look.commit_page; i++) {
		struct ftrace_page_link link;
		int code = ftrace_layout_link(ring->layout, place->page, &link);

		if (code)
			return code;
		place->page = link.next;
		place->start += link.entries;
	}
	ring->margin = ring->margin ? ring->margin * 2 : 1;
	return 0;
}

/*
 * On the page that is written the count must end where the guest's does. It does not where pages with events vanished
 * uncounted (6.12: another sub-buffer size): then all is shifted. -EAGAIN: look again.
 */
static int check_count(
	struct ftrace_ring *ring, const struct ftrace_place *place, const struct ftrace_look *before)
{
	struct ftrace_page_link link;
	struct ftrace_look after;
	uint64_t missing;
	int code = ftrace_layout_link(ring->layout, place->page, &link);

	if (!code)
		code = ftrace_layout_look(ring->layout, ring->address, &after);
	if (code || before->commit_page != place->page)
		return code;
	missing = after.entries - (place->start + link.entries);
	if (!missing)
		return 0;
	if (before->entries != after.entries || before->committing || after.committing ||
		after.commit_page != place->page)
		return missing + IN_FLIGHT_MAX <= 2 * IN_FLIGHT_MAX ? 0 : -EAGAIN;
	ring->shift += missing;
	ring->corrections++;
	return -EAGAIN;
}

/* Goes to the page of our position, or to the oldest after it. */
int ftrace_ring_locate(struct ftrace_ring *ring)
{
	struct ftrace_survey found;
	struct ftrace_place place;
	struct ftrace_look look;
	bool was_overtaken;
	int code = survey(ring, &found);

	if (code || still_there(ring, &found))
		return code;
	ftrace_ring_forget(ring);
	if ((int64_t)(found.reader.start - ring->position) > 0)
		ftrace_ring_lose(ring, found.reader.start - ring->position, false);
	if (found.reader_is_commit || ring->position - found.reader.start < found.reader_entries) {
		code = found.reader_is_commit ? check_count(ring, &found.reader, &found.look) : 0;
		if (!code)
			ftrace_ring_enter(ring, found.reader.page, found.reader.start);
		return code;
	}
	was_overtaken = (int64_t)(found.head.start - ring->position) > 0;
	place = found.head;
	if (was_overtaken)
		code = skip_margin(ring, &found, &place);
	else
		code = ftrace_survey_find(&found, ring->layout, ring->position, &place);
	if (!code)
		code = ftrace_layout_look(ring->layout, ring->address, &look);
	if (code)
		return code;
	/* is what we walked over still there? */
	if (look.pages_read != found.look.pages_read || look.reader_page != found.look.reader_page ||
		(int64_t)(place.start - ring->head_base - look.overrun) < 0 ||
		ftrace_look_goes_back(&found.look, &look))
		return -EAGAIN;
	code = check_count(ring, &place, &look);
	if (code)
		return code;
	if ((int64_t)(place.start - ring->position) > 0)
		ftrace_ring_lose(ring, place.start - ring->position, false);
	ftrace_ring_enter(ring, place.page, place.start);
	return 0;
}

int ftrace_ring_start(struct ftrace_ring *ring, bool whole)
{
	struct ftrace_survey found;
	struct ftrace_page_link link;
	struct ftrace_look look;
	int code = survey(ring, &found);

	if (!code)
		code = ftrace_layout_link(ring->layout, found.reader.page, &link);
	if (!code)
		code = ftrace_layout_look(ring->layout, ring->address, &look);
	if (code)
		return code;
	ring->data_bytes = (uint32_t)link.data_bytes;
	if (!whole)
		ring->position = look.entries;
	else if (found.reader_is_commit || found.reader_entries)
		ring->position = found.reader.start;
	else
		ring->position = found.head.start;
	ring->look = look;
	ring->counts.before = ring->position;
	ring->counts.entries = look.entries;
	ring->dropped_first = look.dropped_events;
	ring->nested_first = look.commit_overrun;
	return 0;
}
