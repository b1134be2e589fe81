/* SPDX-License-Identifier: MIT */
/*
 * A guest's ring of ftrace's in a RAM image, written and read as kernel/trace/ring_buffer.c does, one step at a time;
 * with the types that a follower asks for. Every event says in its data which one it is: the first is 0.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/collect/ftrace_layout.h"

#define RING_MAKER_PAGES 32
#define RING_MAKER_TYPE  17

struct ring_maker_page {
	unsigned next, prev;
	uint64_t flags; /* of next */
	uint64_t entries, time;
	uint32_t commit, read;
};

struct ring_maker {
	int fd;
	struct guest_memory memory;
	struct guest_kernel kernel;
	struct ftrace_layout layout;
	uint64_t address; /* of its struct ring_buffer_per_cpu */
	struct ring_maker_page pages[RING_MAKER_PAGES + 1];
	unsigned nr_pages, head, tail, reader;
	uint64_t entries, overrun, last_overrun, read, pages_read, dropped;
	uint64_t time, written; /* of the last event; events since the ring was made */
	bool locked;
};

void ring_maker_init(struct ring_maker *maker, unsigned nr_pages);
void ring_maker_deinit(struct ring_maker *maker);

/* An event of so many words behind its number, `delta` after the last one. */
void ring_maker_write(struct ring_maker *maker, unsigned words, uint64_t delta);

/* One that is taken back when others came after it already. */
void ring_maker_discard(struct ring_maker *maker);

/* What a reader of the guest's does: takes up to so many events, page by page. */
void ring_maker_consume(struct ring_maker *maker, unsigned events);

/* A reader that stops in the middle of taking the head page, with the lock held; and goes on. */
bool ring_maker_begin_swap(struct ring_maker *maker);
void ring_maker_end_swap(struct ring_maker *maker);

/* A reader that takes the reader page's data away and puts an empty page there (trace_pipe_raw, splice). */
void ring_maker_steal(struct ring_maker *maker);

void ring_maker_reset(struct ring_maker *maker);

/* Makes the page that is written unreadable from its next event on. */
void ring_maker_damage(struct ring_maker *maker);
