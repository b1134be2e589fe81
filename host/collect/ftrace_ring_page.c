/* SPDX-License-Identifier: MIT */
/* One page of a ring: copied, checked, handed over. */
#include "host/collect/ftrace_batch.h"
#include "host/collect/ftrace_ring_steps.h"

#include <errno.h>
#include <string.h>

/* After pages were copied: did nobody but the writer move any of them meanwhile? */
static bool is_same(const struct ftrace_ring *ring, const struct ftrace_look *before)
{
	return ftrace_look_same_pages(&ring->surveyed, before) &&
		ftrace_look_same_pages(&ring->surveyed, &ring->look);
}

/* And was the page at that place all the time, not overtaken by the writer? */
static bool is_at(const struct ftrace_ring *ring, struct ftrace_place place)
{
	return place.page == ring->look.reader_page ||
		(ring->has_head_base && (int64_t)(place.start - ring->head_base - ring->look.overrun) >= 0);
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
static bool check_header(struct ftrace_ring *ring, uint64_t time, uint64_t commit, uint32_t *bytes)
{
	commit &= FTRACE_COMMIT_MASK;
	if (commit > ring->data_bytes || commit < ring->cursor.offset)
		return false;
	if (ring->cursor.offset && time != ring->page_time)
		return false;
	if (!ring->cursor.offset)
		ring->cursor.time = ring->page_time = time;
	*bytes = (uint32_t)commit;
	return true;
}

/*
 * Copies what is new on the page that is written: first its header, which says how much there is, then that. The time of
 * a page that is just begun is there when something of it was committed, so it is taken with the events.
 */
static int copy_new(struct ftrace_ring *ring, uint32_t *bytes)
{
	const struct ftrace_layout *layout = ring->layout;
	struct ftrace_memory *memory = ring->memory;
	const uint32_t header = layout->header_bytes, done = ring->cursor.offset;
	uint32_t from = done ? header + done : 0;
	uint64_t time, commit;
	int code = ftrace_memory_reserve(memory, (size_t)header + ring->data_bytes);

	if (!code)
		code = ftrace_memory_read(memory, ring->data, memory->scratch, header);
	if (code)
		return code;
	memcpy(&commit, memory->scratch + layout->commit_offset, sizeof(commit));
	*bytes = (uint32_t)(commit & FTRACE_COMMIT_MASK);
	if (*bytes > ring->data_bytes || *bytes < done)
		return -ESTALE;
	if (*bytes > done)
		code = ftrace_memory_read(
			memory, ring->data + from, memory->scratch + from, header + *bytes - from);
	if (code)
		return code;
	memcpy(&time, memory->scratch + layout->time_offset, sizeof(time));
	return check_header(ring, time, commit, bytes) ? 0 : -ESTALE;
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
	ring->pages_left++;
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

/* Where the data of the page lies that is written. */
static int look_up_data(struct ftrace_ring *ring, bool is_reader)
{
	struct ftrace_page_link link;
	int code;

	if (ring->data && !is_reader)
		return 0;
	code = ftrace_layout_link(ring->layout, ring->place.page, &link);
	if (code)
		return code;
	if (ring->data && ring->data != link.data)
		return -ESTALE; /* the guest's reader took the data away */
	ring->data = link.data;
	ring->data_bytes = (uint32_t)link.data_bytes;
	return 0;
}

static bool is_fatal(int code)
{
	return code && code != -ESTALE && !ftrace_is_passing(code);
}

/* The page that is written. */
static int step_written(struct ftrace_ring *ring, enum ftrace_outcome *outcome, bool *was_reset)
{
	const struct ftrace_look before = ring->look;
	uint32_t bytes = 0;
	int code, copied = look_up_data(ring, before.reader_page == ring->place.page);

	if (!copied)
		copied = copy_new(ring, &bytes);
	if (is_fatal(copied))
		return copied;
	code = ftrace_ring_refresh(ring, was_reset);
	if (code || *was_reset || copied || !is_same(ring, &before) || !is_at(ring, ring->place))
		return code;
	if (!ring->is_damaged)
		hand_over(ring, ring->memory->scratch + ring->layout->header_bytes, bytes);
	if (!ring->stop)
		settle(ring, &before, bytes);
	*outcome = ring->stop || ring->look.commit_page == ring->place.page ? FTRACE_WAIT : FTRACE_AGAIN;
	return 0;
}

/* A page that is complete. False: what was copied is not it. */
static bool take_complete(struct ftrace_ring *ring, const struct ftrace_batch_page *page)
{
	const struct ftrace_layout *layout = ring->layout;
	uint64_t time, commit;
	uint32_t bytes;

	if (ring->data && ring->data != page->link.data)
		return false;
	ring->data_bytes = (uint32_t)page->link.data_bytes;
	memcpy(&time, page->copy + layout->time_offset, sizeof(time));
	memcpy(&commit, page->copy + layout->commit_offset, sizeof(commit));
	if (!check_header(ring, time, commit, &bytes))
		return false;
	if (!ring->is_damaged)
		hand_over(ring, page->copy + layout->header_bytes, bytes);
	return true;
}

/* Pages that are complete, as many as can be had at a time. */
static int step_complete(struct ftrace_ring *ring, enum ftrace_outcome *outcome, bool *was_reset)
{
	const struct ftrace_look before = ring->look;
	const bool is_reader = before.reader_page == ring->place.page;
	struct ftrace_batch batch;
	int code,
		copied = ftrace_batch_take(&batch, ring->layout, ring->memory, ring->place,
			before.commit_page, is_reader ? 1 : FTRACE_BATCH_PAGES);

	if (is_fatal(copied))
		return copied;
	code = ftrace_ring_refresh(ring, was_reset);
	/* if the first was in its place until now, so were all: the writer takes them one after the other */
	if (code || *was_reset || copied || !is_same(ring, &before) || !is_at(ring, ring->place))
		return code;
	for (unsigned i = 0; i < batch.count; i++) {
		*outcome = FTRACE_LOST;
		if (!take_complete(ring, &batch.pages[i]))
			return 0;
		*outcome = FTRACE_WAIT;
		if (ring->stop)
			return 0;
		/* the guest's reader may be putting this page back into the ring, with another next one */
		if (is_reader && ring->look.reader_lock && !ftrace_ring_is_impatient(ring))
			return 0;
		leave(ring, &batch.pages[i].link, is_reader);
		*outcome = FTRACE_LEFT;
	}
	return 0;
}

int ftrace_ring_step(struct ftrace_ring *ring, enum ftrace_outcome *outcome, bool *was_reset)
{
	*outcome = FTRACE_LOST;
	return ring->look.commit_page == ring->place.page ? step_written(ring, outcome, was_reset)
							  : step_complete(ring, outcome, was_reset);
}
