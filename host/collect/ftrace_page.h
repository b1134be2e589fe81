/* SPDX-License-Identifier: MIT */
/*
 * The events of one sub-buffer of a ring of ftrace's: a copy of its data, walked and checked.
 *
 * Each has a header of 32 bits, type_len (5) and time_delta (27), and then, by type_len (include/linux/ring_buffer.h):
 *
 *   1 … 28  data of 4 * type_len bytes
 *   0       the length in the next 32 bits, itself included; then the data
 *   29      no event: discarded, its length as above; time_delta 0: nothing more on this page
 *   30      the next 32 bits << 27 belong to the time_delta: time goes on by it
 *   31      the same, but this is the time: its lower 59 bits
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define FTRACE_PAGE_EVENT_BYTES_MIN 8 /* of the smallest event: header and 4 bytes */

struct ftrace_page_cursor {
	uint32_t offset; /* of the next event */
	uint64_t time;   /* of the last; at offset 0: of the page */
};

struct ftrace_page_event {
	const uint8_t *data;
	uint32_t bytes;
	uint64_t time;
};

/*
 * The next data event of data[0 … bytes), from the cursor on, which it moves on. 1: *event is filled; 0: the end;
 * -EINVAL: no events, from the cursor on, which stays.
 */
int ftrace_page_next(const uint8_t *data, uint32_t bytes, struct ftrace_page_cursor *cursor,
	struct ftrace_page_event *event);

/* How many data events there are in data[0 … bytes), until the end or the first damage. */
uint32_t ftrace_page_count(const uint8_t *data, uint32_t bytes);
