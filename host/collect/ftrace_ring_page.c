/* SPDX-License-Identifier: MIT */
/* One page of a ring: copied, checked, handed over. */
#include "host/collect/ftrace_ring_steps.h"

#include <errno.h>
#include <string.h>

#define COMMIT_MASK UINT64_C(0xfffff) /* above it RB_MISSED_EVENTS and RB_MISSED_STORED */

/* After a page was copied: was it ours all the time? */
static bool is_intact(const struct ftrace_ring *ring, const struct ftrace_look *before)
{
	const struct ftrace_look *after = &ring->look;

	if (!ftrace_look_same_readers(&ring->surveyed, before) ||
		!ftrace_look_same_readers(&ring->surveyed, after) || ftrace_look_goes_back(before, after))
		return false;
	if (ring->place.page == after->reader_page)
		return true;
	return ring->has_head_base && (int64_t)(ring->place.start - ring->head_base - after->overrun) >= 0;
}

/* The events of a copy, data[0 … bytes), from the cursor on. */
static void hand_over(struct ftrace_ring *ring, const uint8_t *data, uint32_t bytes)
{
	const struct ftrace_layout *layout = ring->layout;
	const struct ftrace_callbacks *callbacks = ring->callbacks;
	struct ftrace_page_event event;
	int code;

	while ((code = ftrace_page_next(data, bytes, &ring->cursor, &event)) == 1) {
		struct ftrace_record record = {.time = event.time, .data = event.data, .bytes = event.bytes};
		const int64_t ahead = (int64_t)(ring->place.start + ring->parsed - ring->position);

		ring->parsed++;
		if (ahead < 0) /* handed over before */
			continue;
		ftrace_ring_lose(ring, (uint64_t)ahead, false);
		if (event.bytes < layout->entry_bytes) {
			ftrace_ring_lose(ring, 1, true);
			continue;
		}
		memcpy(&record.type, event.data + layout->type_offset, sizeof(record.type));
		memcpy(&record.pid, event.data + layout->pid_offset, sizeof(record.pid));
		ring->position++;
		ring->counts.recorded++;
		ring->stop = callbacks->record(callbacks->context, ring->cpu, &record);
		if (ring->stop)
			return;
	}
	ring->is_damaged = code < 0;
}

/* How much of the page there is, out of its header; false: not the page we began to read. */
static bool check_header(struct ftrace_ring *ring, const uint8_t *header, uint64_t time, uint32_t *bytes)
{
	uint64_t commit;

	memcpy(&commit, header + ring->layout->commit_offset, sizeof(commit));
	commit &= COMMIT_MASK;
	if (commit > ring->data_bytes || commit < ring->cursor.offset)
		return false;
	if (ring->cursor.offset && time != ring->page_time)
		return false;
	if (!ring->cursor.offset) {
		ring->cursor.time = time;
		ring->page_time = time;
	}
	*bytes = (uint32_t)commit;
	return true;
}

/*
 * Copies the page: one that is complete at one go, as nothing is added to it any more; of the one that is written the
 * header first, then what it says there is.
 */
static int copy_page(struct ftrace_ring *ring, bool is_complete, uint32_t *bytes)
{
	struct ftrace_memory *memory = ring->memory;
	const uint32_t header = ring->layout->header_bytes, done = ring->cursor.offset;
	uint64_t time;
	int code = ftrace_memory_reserve(memory, (size_t)header + ring->data_bytes);

	if (!code)
		code = ftrace_memory_read(
			memory, ring->data, memory->scratch, header + (is_complete ? ring->data_bytes : 0));
	if (code)
		return code;
	/* the time of a page that was just begun is there when something of it was committed */
	if (!is_complete && !done)
		code = ftrace_memory_read(
			memory, ring->data + ring->layout->time_offset, &time, sizeof(time));
	else
		memcpy(&time, memory->scratch + ring->layout->time_offset, sizeof(time));
	if (code)
		return code;
	if (!check_header(ring, memory->scratch, time, bytes))
		return -ESTALE;
	if (is_complete || *bytes == done)
		return 0;
	return ftrace_memory_read(
		memory, ring->data + header + done, memory->scratch + header + done, *bytes - done);
}

/* Behind the last event of a page that is complete: on to the next. */
static void leave(struct ftrace_ring *ring, const struct ftrace_page_link *link, bool was_reader_page)
{
	uint64_t end = ring->place.start + link->entries;

	if (link->entries < ring->parsed || link->entries > ring->data_bytes / FTRACE_PAGE_EVENT_BYTES_MIN)
		end = ring->place.start + ring->parsed;
	if ((int64_t)(end - ring->position) > 0)
		ftrace_ring_lose(ring, end - ring->position, true);
	if (was_reader_page) {
		ring->head_base = end - ring->look.last_overrun;
		ring->has_head_base = true;
	}
	ring->margin = 0;
	ring->busy_since_ns = 0;
	ftrace_ring_enter(ring, link->next, end);
}

/*
 * Everything there is was taken and the guest stands still, but its count is another: pages with events vanished, or we
 * counted wrong. From here on its count holds.
 */
static void settle(struct ftrace_ring *ring, const struct ftrace_look *before, uint32_t bytes)
{
	const struct ftrace_look *look = &ring->look;
	const uint64_t ahead = ring->position - look->entries;

	if (!ahead || look->committing || before->committing || before->entries != look->entries ||
		before->overrun != look->overrun || look->commit_page != ring->place.page ||
		(!ring->is_damaged && ring->cursor.offset != bytes))
		return;
	if ((int64_t)ahead < 0) {
		ftrace_ring_lose(ring, -ahead, ring->is_damaged);
	} else {
		ring->position = look->entries;
		ring->counts.overwritten -=
			ahead < ring->counts.overwritten ? ahead : ring->counts.overwritten;
	}
	if (!ring->is_damaged) {
		ring->corrections++;
		ring->shift -= ahead;
		ring->place.start -= ahead;
		ring->head_base -= ahead;
	}
}

/* Where the page's data lies; and its link, where that is needed. */
static int look_up_page(struct ftrace_ring *ring, struct ftrace_page_link *link)
{
	int code = ftrace_layout_link(ring->layout, ring->place.page, link);

	if (code)
		return code;
	if (ring->data && ring->data != link->data)
		return -ESTALE; /* the guest's reader took the data away */
	ring->data = link->data;
	ring->data_bytes = (uint32_t)link->data_bytes;
	return 0;
}

/* Takes what is new on our page. */
int ftrace_ring_step(struct ftrace_ring *ring, enum ftrace_outcome *outcome, bool *was_reset)
{
	const struct ftrace_look before = ring->look;
	const uint64_t page = ring->place.page;
	const bool is_complete = before.commit_page != page, is_reader = before.reader_page == page;
	struct ftrace_page_link link = {0};
	uint32_t bytes = 0;
	int copied = 0, code;

	*outcome = FTRACE_LOST;
	if (is_complete || is_reader || !ring->data)
		copied = look_up_page(ring, &link);
	if (!copied)
		copied = copy_page(ring, is_complete, &bytes);
	if (copied && copied != -ESTALE && !ftrace_is_passing(copied))
		return copied;
	code = ftrace_ring_refresh(ring, was_reset);
	if (code || *was_reset || copied || !is_intact(ring, &before))
		return code;
	if (!ring->is_damaged)
		hand_over(ring, ring->memory->scratch + ring->layout->header_bytes, bytes);
	*outcome = FTRACE_WAIT;
	if (ring->stop)
		return 0;
	if (!is_complete) {
		settle(ring, &before, bytes);
		if (ring->look.commit_page != page)
			*outcome = FTRACE_AGAIN;
		return 0;
	}
	/* the guest's reader may be putting this page back into the ring, with another next one */
	if (is_reader && ring->look.reader_lock && !ftrace_ring_is_impatient(ring))
		return 0;
	leave(ring, &link, is_reader);
	*outcome = FTRACE_LEFT;
	return 0;
}
