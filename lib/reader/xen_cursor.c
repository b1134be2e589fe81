/* SPDX-License-Identifier: MIT */
#include "lib/reader/xen_cursor.h"

#include <errno.h>

void xen_cursor_init(struct xen_cursor *cursor, uint32_t pcpu, const struct xen_file *file,
	struct xen_queue *queue, struct xen_counts *counts, size_t view_bytes)
{
	*cursor = (struct xen_cursor){.pcpu = pcpu,
		.order_tsc = XEN_CURSOR_NEVER,
		.spans = XEN_QUEUE_LIST_EMPTY,
		.queue = queue,
		.counts = counts};
	xen_view_init(&cursor->view, file, view_bytes);
}

void xen_cursor_deinit(struct xen_cursor *cursor)
{
	xen_view_deinit(&cursor->view);
}

/* Makes the record at `offset`, which is in the span, readable. */
static int show(struct xen_cursor *cursor, uint64_t offset, struct error *error)
{
	uint64_t left = cursor->span_end - offset;
	size_t wanted = left < XEN_RECORD_BYTES_MAX ? (size_t)left : XEN_RECORD_BYTES_MAX;
	int64_t have = xen_view_at(&cursor->view, offset, wanted, &cursor->at, error);

	if (have < 0)
		return (int)have;
	/* it was whole when it was scanned */
	if (have < 4 || xen_word_bytes(xen_load32(cursor->at)) > (uint64_t)have ||
		xen_word_bytes(xen_load32(cursor->at)) > left) {
		error_set(error, -EIO, "changed while it was read");
		error_add(error, "%s", cursor->view.file->name);
		return error_hint(error, "read a copy, or when xentrace has ended");
	}
	cursor->end = cursor->at + ((uint64_t)have < left ? (uint64_t)have : left);
	return xen_cursor_stand(cursor, error);
}

int xen_cursor_wake(struct xen_cursor *cursor, struct error *error)
{
	struct xen_span span;

	if (!xen_queue_take(cursor->queue, &cursor->spans, &span))
		return 0;
	cursor->span_end = span.offset + span.bytes;
	cursor->order_tsc = cursor->last_tsc;
	return show(cursor, span.offset, error);
}

int xen_cursor_go_on(struct xen_cursor *cursor, struct error *error)
{
	uint64_t offset = cursor->view.offset + (uint64_t)(cursor->at - cursor->view.buffer);

	if (offset < cursor->span_end)
		return show(cursor, offset, error);
	cursor->order_tsc = XEN_CURSOR_NEVER;
	cursor->at = cursor->end = NULL;
	return xen_cursor_wake(cursor, error);
}

/* The TSC of the record that follows; 0: it has none, or there is none yet. */
static int next_tsc(struct xen_cursor *cursor, uint64_t *tsc, struct error *error)
{
	uint64_t here = cursor->view.offset + (uint64_t)(cursor->at - cursor->view.buffer);
	uint64_t offset = here + xen_word_bytes(xen_load32(cursor->at));
	uint64_t end = cursor->span_end;
	const uint8_t *at;
	int64_t have;

	*tsc = 0;
	if (offset >= end) {
		if (cursor->spans.first == XEN_QUEUE_NONE)
			return 0;
		offset = cursor->queue->entries[cursor->spans.first].offset;
		end = offset + cursor->queue->entries[cursor->spans.first].bytes;
	}
	have = xen_view_at(&cursor->view, offset, 12, &at, error);
	if (have >= 12 && end - offset >= 12 && xen_word_has_tsc(xen_load32(at)))
		*tsc = xen_load64(at + 4);
	/* the view may have moved on */
	if (have >= 0)
		have = xen_view_at(&cursor->view, here, XEN_RECORD_BYTES_MAX, &cursor->at, error);
	if (have < 0)
		return (int)have;
	if ((uint64_t)have > cursor->span_end - here)
		have = (int64_t)(cursor->span_end - here);
	cursor->end = cursor->at + have;
	return 0;
}

int xen_cursor_settle(struct xen_cursor *cursor, uint32_t word, uint64_t tsc, struct error *error)
{
	uint64_t next, last = cursor->last_tsc, order = tsc;
	int result;

	cursor->tsc = tsc;
	if (xen_word_code(word) == XEN_LOST_RECORDS && xen_word_extras(word) == 4) {
		order = xen_load64(cursor->at + 20);
		if (order > tsc || order < last)
			order = tsc;
	}
	if (tsc - last >= XEN_CURSOR_LEAP) { /* far ahead, or behind */
		result = next_tsc(cursor, &next, error);
		if (result)
			return result;
		if (next && (tsc < last ? next >= last : next < tsc && next >= last)) {
			cursor->counts->odd_tsc++;
			cursor->order_tsc = last;
			return 0;
		}
		cursor->counts->set_back += tsc < last;
	}
	cursor->last_tsc = tsc;
	cursor->order_tsc = order < XEN_CURSOR_NEVER ? order : XEN_CURSOR_NEVER - 1;
	return 0;
}
