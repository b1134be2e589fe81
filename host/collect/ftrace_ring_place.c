/* SPDX-License-Identifier: MIT */
/* Finding one's place in a ring, and keeping it. */
#include "host/collect/ftrace_ring_steps.h"
#include "lib/base/clock_now.h"

#include <errno.h>

#define PATIENCE_NS   UINT64_C(20000000)
#define COUNT_TRIES   64
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

/* All pages are others than before (6.12: another sub-buffer size): no reader took the reader page away. */
static bool were_replaced(const struct ftrace_ring *ring, const struct ftrace_survey *survey)
{
	const struct ftrace_look *before = &ring->surveyed, *after = &survey->look;

	return survey->data_bytes != ring->data_bytes ||
		(before->reader_page && after->pages_read && before->pages_read == after->pages_read &&
			before->reader_page != after->reader_page);
}

static int survey(struct ftrace_ring *ring, struct ftrace_survey *result)
{
	int code = ftrace_survey_take(
		result, ring->layout, ring->memory, ring->address, ftrace_ring_is_impatient(ring));

	if (code)
		return code;
	if (were_replaced(ring, result))
		ftrace_ring_forget(ring);
	ring->busy_since_ns = 0;
	ring->surveyed = result->look;
	ring->data_bytes = (uint32_t)result->data_bytes;
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
static uint64_t take_margin(struct ftrace_ring *ring, uint64_t nr_pages)
{
	const uint64_t margin = ring->margin < nr_pages / 2 ? ring->margin : nr_pages / 2;

	ring->margin = ring->margin ? ring->margin * 2 : 1;
	return margin;
}

/* Is what was found by the last survey still so? */
static bool is_place(
	const struct ftrace_ring *ring, const struct ftrace_place *place, const struct ftrace_look *look)
{
	if (!ftrace_look_same_pages(&ring->surveyed, look) || ftrace_look_goes_back(&ring->surveyed, look))
		return false;
	return place->page == look->reader_page ||
		(ring->has_head_base && (int64_t)(place->start - ring->head_base - look->overrun) >= 0);
}

/* By how much the count on the page that is written differs from the guest's, and how sure that is. */
struct difference {
	uint64_t missing, within;
};

static int measure(struct ftrace_ring *ring, const struct ftrace_place *place, struct difference *difference)
{
	struct ftrace_page_link link;
	struct ftrace_look before, after;
	int code = ftrace_layout_look(ring->layout, ring->address, &before);

	if (!code)
		code = ftrace_layout_link(ring->layout, place->page, &link);
	if (!code)
		code = ftrace_layout_look(ring->layout, ring->address, &after);
	if (code)
		return code;
	if (before.commit_page != place->page || after.commit_page != place->page ||
		!is_place(ring, place, &after))
		return -EAGAIN;
	difference->missing = after.entries - (place->start + link.entries);
	difference->within = after.entries - before.entries + (before.committing || after.committing);
	return 0;
}

/*
 * On the page that is written the count must end where the guest's does. It does not where pages with events vanished
 * uncounted (6.12: another sub-buffer size): then all is shifted, by an amount that settle() makes exact if the guest
 * is too busy for it now. -EAGAIN: look again.
 */
static int check_count(struct ftrace_ring *ring, const struct ftrace_place *place, uint64_t commit_page)
{
	struct difference best = {.within = IN_FLIGHT_MAX};
	bool is_measured = false;

	if (commit_page != place->page)
		return 0;
	for (int i = 0; i < COUNT_TRIES && best.within; i++) {
		struct difference found;
		int64_t missing;
		int code = measure(ring, place, &found);

		if (code)
			return code;
		missing = (int64_t)found.missing;
		if (found.within ? missing >= -IN_FLIGHT_MAX && missing <= IN_FLIGHT_MAX : !missing)
			return 0;
		if (found.within < best.within) {
			best = found;
			is_measured = true;
		}
	}
	if (is_measured) {
		ring->shift += best.missing;
		ring->corrections++;
	}
	return -EAGAIN;
}

/* Goes to the page of our position, or to the oldest after it. */
int ftrace_ring_locate(struct ftrace_ring *ring)
{
	struct ftrace_survey found;
	struct ftrace_place place;
	uint64_t skip = 0;
	int code = survey(ring, &found);

	if (code || still_there(ring, &found))
		return code;
	ftrace_ring_forget(ring);
	if ((int64_t)(found.reader.start - ring->position) > 0)
		ftrace_ring_lose(ring, found.reader.start - ring->position, false);
	if (found.reader_is_commit || ring->position - found.reader.start < found.reader_entries) {
		code = found.reader_is_commit ? check_count(ring, &found.reader, found.look.commit_page) : 0;
		if (!code)
			ftrace_ring_enter(ring, found.reader.page, found.reader.start);
		return code;
	}
	if ((int64_t)(found.head.start - ring->position) > 0)
		skip = take_margin(ring, found.look.nr_pages);
	code = ftrace_survey_walk(
		&found, ring->layout, ring->memory, ring->address, ring->position, skip, &place);
	if (code)
		return code;
	code = check_count(ring, &place, found.look.commit_page);
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
