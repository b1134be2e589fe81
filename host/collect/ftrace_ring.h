/* SPDX-License-Identifier: MIT */
/*
 * The ring of one CPU, followed page by page. Where we are is a number: of all events ever written into this ring, how
 * many were handed over or are known to be lost. A page is believed only if the guest's counters, read after it, say
 * that it was still at that place in the count: so nothing is taken twice and nothing is missed without being counted.
 */
#pragma once
#include "host/collect/ftrace_buffer.h"
#include "host/collect/ftrace_page.h"
#include "host/collect/ftrace_survey.h"

struct ftrace_ring {
	const struct ftrace_layout *layout;
	struct ftrace_memory *memory;
	const struct ftrace_callbacks *callbacks;
	uint64_t address; /* of its struct ring_buffer_per_cpu */
	uint32_t cpu;
	bool is_live;       /* of a guest that runs */
	bool expects_reset; /* the whole buffer was emptied, this ring too unless its CPU was offline */

	uint64_t position; /* in terms of look.entries */
	uint64_t
		shift; /* this much is `position` ahead of what the pages' counts say: events vanished uncounted */
	struct ftrace_look look;

	struct ftrace_place place; /* page 0: to be found */
	struct ftrace_page_cursor cursor;
	uint64_t parsed;    /* events on the page before the cursor */
	uint64_t page_time; /* its time stamp */
	uint64_t data;      /* its struct buffer_data_page; 0: not looked up so far */
	uint32_t data_bytes;
	bool is_damaged; /* from the cursor on */
	struct ftrace_look
		surveyed;   /* what the following holds for: as long as the guest's readers move no page */
	uint64_t head_base; /* number of the head page's first event - overrun */
	bool has_head_base;
	uint32_t margin;        /* pages to leave between the head and us after having been overtaken */
	uint64_t busy_since_ns; /* the guest's readers at work, and nothing else happened; 0: they are not */

	uint64_t entries_before; /* resets */
	uint64_t dropped_before, nested_before, dropped_first, nested_first;
	struct ftrace_counts counts;
	bool is_active;       /* the last poll brought something */
	int stop;             /* what the callback returned */
	uint64_t pages_left;  /* behind us, ever */
	uint64_t corrections; /* how often the count did not fit, for whatever reason; for tests */
};

/* What is shared with its siblings, before ftrace_ring_start(). */
void ftrace_ring_init(struct ftrace_ring *ring, const struct ftrace_layout *layout,
	struct ftrace_memory *memory, const struct ftrace_callbacks *callbacks, uint32_t cpu,
	uint64_t address);

/*
 * Begins with the oldest event (`whole`), or with the next to be written. -EAGAIN: not now; -EINVAL: no ring; errors of
 * reading.
 */
int ftrace_ring_start(struct ftrace_ring *ring, bool whole);

/*
 * Hands over what is there. 0 and *filled, 1/1000 of the ring that was new; the callback's value; -ESRCH, -EIO, -ENOMEM;
 * *was_reset: it was emptied meanwhile.
 */
int ftrace_ring_poll(struct ftrace_ring *ring, uint32_t *filled, bool *was_reset);

/* A look, for the counts. */
int ftrace_ring_refresh(struct ftrace_ring *ring, bool *was_reset);

/* It was emptied, whether one sees it or not. */
void ftrace_ring_restart(struct ftrace_ring *ring);
