/* SPDX-License-Identifier: MIT */
/* One pCPU's records, span by span; it stands on one of them, and knows when that one's turn is. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/reader/xen_frame.h"
#include "lib/reader/xen_queue.h"
#include "lib/reader/xen_reader.h"

#define XEN_CURSOR_NEVER UINT64_MAX

struct xen_cursor {
	const uint8_t *at;       /* its record, with XEN_RECORD_BYTES_MAX bytes readable */
	const uint8_t *end;      /* of what of the span is in the view */
	uint64_t tsc, order_tsc; /* order_tsc: XEN_CURSOR_NEVER: it stands on nothing */
	uint64_t last_tsc;       /* the highest that was in its row */
	struct xen_view view;
	uint64_t span_end; /* in the file */
	uint32_t pcpu;
	struct xen_queue_list spans;
	struct xen_queue *queue;
	struct xen_counts *counts;
	struct xen_unwanted unwanted;
};

void xen_cursor_init(struct xen_cursor *cursor, uint32_t pcpu, const struct xen_file *file,
	struct xen_queue *queue, struct xen_counts *counts, size_t view_bytes);
void xen_cursor_deinit(struct xen_cursor *cursor);

/* Of one that stands on nothing: takes the next span, if there is one, and stands on its first record. */
int xen_cursor_wake(struct xen_cursor *cursor, struct error *error);

/* Where the record's TSC is not simply the next of its row. */
int xen_cursor_settle(struct xen_cursor *cursor, uint32_t word, uint64_t tsc, struct error *error);

/* Behind what is in the view; to the next span, or nothing. */
int xen_cursor_go_on(struct xen_cursor *cursor, struct error *error);

/* A TSC so far ahead of the last is looked at twice. */
#define XEN_CURSOR_LEAP (1ull << 32)

static inline int xen_cursor_stand(struct xen_cursor *cursor, struct error *error)
{
	uint32_t word = xen_load32(cursor->at);
	uint64_t tsc = xen_load64(cursor->at + 4);

	if (__builtin_expect(!xen_word_has_tsc(word), 0)) {
		cursor->tsc = cursor->last_tsc;
		return 0;
	}
	if (__builtin_expect(tsc - cursor->last_tsc >= XEN_CURSOR_LEAP, 0) ||
		__builtin_expect(xen_word_code(word) == XEN_LOST_RECORDS, 0))
		return xen_cursor_settle(cursor, word, tsc, error);
	cursor->tsc = cursor->last_tsc = cursor->order_tsc = tsc;
	return 0;
}

/* To the next record. Negative errno: the file cannot be read. */
static inline int xen_cursor_advance(struct xen_cursor *cursor, struct error *error)
{
	cursor->at += xen_word_bytes(xen_load32(cursor->at));
	if (__builtin_expect(cursor->end - cursor->at < (ptrdiff_t)XEN_RECORD_BYTES_MAX, 0))
		return xen_cursor_go_on(cursor, error);
	return xen_cursor_stand(cursor, error);
}
