/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_ring.h"

#include "host/collect/ftrace_ring_steps.h"

#define ATTEMPTS  8                   /* to find a place, in one poll */
#define PAGES_MAX (UINT64_C(1) << 20) /* in one poll */

void ftrace_ring_init(struct ftrace_ring *ring, const struct ftrace_layout *layout,
	struct ftrace_memory *memory, const struct ftrace_callbacks *callbacks, uint32_t cpu,
	uint64_t address)
{
	*ring = (struct ftrace_ring){
		.layout = layout,
		.memory = memory,
		.callbacks = callbacks,
		.cpu = cpu,
		.address = address,
		.is_live = layout->kernel->memory->is_live,
	};
}

void ftrace_ring_restart(struct ftrace_ring *ring)
{
	const struct ftrace_look *look = &ring->look;

	if (look->entries > ring->position)
		ftrace_ring_lose(ring, look->entries - ring->position, false);
	ring->entries_before += look->entries;
	ring->dropped_before += look->dropped_events;
	ring->nested_before += look->commit_overrun;
	ring->position = 0;
	ring->shift = 0;
	ring->look = (struct ftrace_look){0};
	ring->has_head_base = false;
	ftrace_ring_forget(ring);
}

/* There was a reset of the whole buffer: of this ring, too? Those of CPUs that are offline are left alone. */
static bool was_emptied(struct ftrace_ring *ring, const struct ftrace_look *look)
{
	const uint64_t header = ring->data;
	uint64_t time, commit;

	if (!ring->place.page || !ring->cursor.offset || !header)
		return look->entries > ring->look.entries;
	return ftrace_memory_read(ring->memory, header + ring->layout->time_offset, &time, sizeof(time)) ||
		ftrace_memory_read(
			ring->memory, header + ring->layout->commit_offset, &commit, sizeof(commit)) ||
		time != ring->page_time || (commit & FTRACE_COMMIT_MASK) < ring->cursor.offset;
}

int ftrace_ring_refresh(struct ftrace_ring *ring, bool *was_reset)
{
	struct ftrace_look look;
	int code = ftrace_layout_look(ring->layout, ring->address, &look);

	if (code)
		return code;
	if (ftrace_look_goes_back(&ring->look, &look) || (ring->expects_reset && was_emptied(ring, &look))) {
		*was_reset = true;
		ftrace_ring_restart(ring);
	}
	ring->expects_reset = false;
	ring->look = look;
	ring->counts.entries = ring->entries_before + look.entries;
	ring->counts.dropped = ring->dropped_before + look.dropped_events - ring->dropped_first;
	ring->counts.nested = ring->nested_before + look.commit_overrun - ring->nested_first;
	return 0;
}

/* Of the ring's pages, how many of 1000 did we go through? */
static uint32_t filled_of(const struct ftrace_ring *ring, uint64_t pages)
{
	const uint64_t all = ring->look.nr_pages ? ring->look.nr_pages : 1;

	return pages >= all ? 1000 : (uint32_t)(pages * 1000 / all);
}

/* Step by step, until nothing is left, the ring was gone round once, or it is late. */
static int follow(struct ftrace_ring *ring, bool is_placed, bool *was_reset)
{
	const uint64_t most = (ring->look.nr_pages < PAGES_MAX ? ring->look.nr_pages : PAGES_MAX) + 2;
	const uint64_t pages = ring->pages_left;
	enum ftrace_outcome outcome = is_placed ? FTRACE_AGAIN : FTRACE_LOST;
	unsigned attempts = 0;
	int code = 0;

	for (uint64_t steps = 0; steps < 2 * most + ATTEMPTS && ring->pages_left - pages < most; steps++) {
		if (outcome == FTRACE_LOST) {
			if (attempts++ == ATTEMPTS)
				break;
			code = ftrace_ring_locate(ring);
			if (ftrace_is_passing(code) && !ftrace_memory_is_late(ring->memory))
				continue;
			if (!code)
				code = ftrace_ring_refresh(ring, was_reset);
			outcome = FTRACE_AGAIN;
		} else {
			code = ftrace_ring_step(ring, &outcome, was_reset);
		}
		if (code || *was_reset || outcome == FTRACE_WAIT || ftrace_memory_is_late(ring->memory))
			break;
	}
	return ftrace_is_passing(code) ? 0 : code;
}

/*
 * Where events come all the time, the first look is spared: that of the poll before will do, as if we had been away for
 * long between it and what is read now.
 */
static bool is_look_spared(const struct ftrace_ring *ring)
{
	return ring->is_active && ring->place.page && !ring->expects_reset &&
		ftrace_look_same_pages(&ring->surveyed, &ring->look);
}

int ftrace_ring_poll(struct ftrace_ring *ring, uint32_t *filled, bool *was_reset)
{
	const uint64_t overwritten = ring->counts.overwritten, pages = ring->pages_left,
		       position = ring->position;
	const bool is_spared = is_look_spared(ring);
	bool same;
	int code = is_spared ? 0 : ftrace_ring_refresh(ring, was_reset);

	*filled = 0;
	ring->stop = 0;
	ring->is_active = false;
	if (code || *was_reset)
		return ftrace_is_passing(code) ? 0 : code;
	same = ring->place.page && ftrace_look_same_pages(&ring->surveyed, &ring->look);
	if (!is_spared && same && ring->look.entries == ring->position)
		return 0;
	code = follow(ring, same, was_reset);
	ring->is_active = ring->position != position;
	*filled = ring->counts.overwritten != overwritten ? 1000 : filled_of(ring, ring->pages_left - pages);
	return code ? code : ring->stop;
}
