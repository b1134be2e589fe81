/* SPDX-License-Identifier: MIT */
#include "lib/reader/xen_rows.h"

#include "lib/reader/xen_frame.h"

#define VIEW_BYTES (256u << 10)

/* Is it a trace at all? */
static int check(const struct xen_file *file, struct error *error)
{
	struct xen_reader *reader;
	int result = xen_reader_open_fd(file->fd, file->name, &reader, error);

	if (!result)
		xen_reader_close(reader);
	return result;
}

int xen_rows_init(struct xen_rows *rows, const char *path, struct error *error)
{
	int result;

	*rows = (struct xen_rows){0};
	result = xen_file_init(&rows->file, path, error);
	if (!result)
		result = check(&rows->file, error);
	xen_scan_init(&rows->scan, &rows->file, &rows->counts);
	xen_view_init(&rows->view, &rows->file, VIEW_BYTES);
	rows->counts.file_bytes = rows->file.size;
	return result;
}

void xen_rows_deinit(struct xen_rows *rows)
{
	xen_scan_deinit(&rows->scan);
	xen_view_deinit(&rows->view);
	xen_file_deinit(&rows->file);
}

/* The record at `at`, which is whole. */
static void decode(const uint8_t *at, uint64_t offset, uint32_t pcpu, struct xen_event *event)
{
	const uint32_t word = xen_load32(at);

	*event = (struct xen_event){
		.offset = offset,
		.pcpu = pcpu,
		.code = xen_word_code(word),
		.has_tsc = xen_word_has_tsc(word),
		.n_extra = (uint8_t)xen_word_extras(word),
	};
	at += 4;
	if (event->has_tsc) {
		event->tsc = event->order_tsc = xen_load64(at);
		at += 8;
	}
	for (unsigned i = 0; i < event->n_extra; i++)
		event->extra[i] = xen_load32(at + 4 * i);
}

/* Before the span: the next CPU change. 1, 0: there is none, and it begins; negative errno. */
static int next_change(struct xen_rows *rows, struct xen_event *event, struct error *error)
{
	while (rows->offset + XEN_CPU_CHANGE_BYTES <= rows->span.offset) {
		const uint8_t *at;
		int64_t have = xen_view_at(&rows->view, rows->offset, XEN_CPU_CHANGE_BYTES, &at, error);

		if (have < 0)
			return (int)have;
		if (have < XEN_CPU_CHANGE_BYTES)
			break;
		if (xen_is_cpu_change(at)) {
			decode(at, rows->offset, xen_load32(at + 4), event);
			rows->offset += XEN_CPU_CHANGE_BYTES;
			return 1;
		}
		/* something damaged: only what stands right before the span is known to be one */
		if (rows->offset == rows->span.offset - XEN_CPU_CHANGE_BYTES)
			break;
		rows->offset = rows->span.offset - XEN_CPU_CHANGE_BYTES;
	}
	rows->offset = rows->span.offset;
	return 0;
}

/* 1: there is a span, or what stands behind the last one. */
static int next_span(struct xen_rows *rows, struct error *error)
{
	int result;

	if (rows->last)
		return 0;
	result = xen_scan_next(&rows->scan, &rows->span, error);
	if (result)
		return result;
	rows->last = true;
	rows->span = (struct xen_span){.offset = rows->file.size};
	return 1;
}

int xen_rows_next(struct xen_rows *rows, struct xen_event *event, struct error *error)
{
	const uint8_t *at;
	int64_t have;
	int result;

	for (;;) {
		if (rows->offset < rows->span.offset) {
			result = next_change(rows, event, error);
			if (result)
				break;
		}
		if (rows->offset < rows->span.offset + rows->span.bytes) {
			have = xen_view_at(&rows->view, rows->offset, XEN_RECORD_BYTES_MAX, &at, error);
			if (have < 4 || have < xen_word_bytes(xen_load32(at)))
				return have < 0 ? (int)have : 0; /* it has become shorter */
			decode(at, rows->offset, rows->span.pcpu, event);
			rows->offset += xen_word_bytes(xen_load32(at));
			result = 1;
			break;
		}
		result = next_span(rows, error);
		if (result <= 0)
			return result;
	}
	rows->counts.events += result > 0;
	return result;
}
