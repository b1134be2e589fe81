/* SPDX-License-Identifier: MIT */
/*
 * Copies of pages that follow each other in a ring and are complete, made with few reads: the links of many pages lie
 * together in the guest's memory, and often their data do. Whether all this was true is for the caller to find out, by
 * the guest's counters before and after.
 */
#pragma once
#include "host/collect/ftrace_layout.h"
#include "host/collect/ftrace_memory.h"

#define FTRACE_BATCH_PAGES 16
#define FTRACE_BATCH_LINKS 4 /* of the guest's pages with links, kept at a time */

struct ftrace_batch_page {
	struct ftrace_place place;
	struct ftrace_page_link link;
	const uint8_t *copy; /* header and data; in memory->scratch */
};

struct ftrace_batch {
	struct ftrace_batch_page pages[FTRACE_BATCH_PAGES];
	unsigned count;
};

/*
 * From `first` on, up to but without `last` (the one that is written), at most `most`. 0 and at least one page; errors
 * of reading.
 */
int ftrace_batch_take(struct ftrace_batch *batch, const struct ftrace_layout *layout,
	struct ftrace_memory *memory, struct ftrace_place first, uint64_t last, unsigned most);

/* The same, but without the data. */
int ftrace_batch_find(struct ftrace_batch *batch, const struct ftrace_layout *layout,
	struct ftrace_place first, uint64_t last, unsigned most);
