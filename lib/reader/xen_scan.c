/* SPDX-License-Identifier: MIT */
#include "lib/reader/xen_scan.h"

#include <errno.h>

#include "lib/model/xen_events.h"
#include "lib/reader/xen_frame.h"

#define VIEW_BYTES (64u << 10)
#define SPAN_BYTES (4u << 20) /* a longer one is delivered in parts, so that the first events come soon */

/* So many records in a row must be plausible before what follows damage is believed. */
#define ROW_RECORDS 6
#define ROW_BYTES   (ROW_RECORDS * XEN_RECORD_BYTES_MAX + XEN_CPU_CHANGE_BYTES)
/* A TSC may be so far behind that of the record before: 7 minutes at 2.5 GHz. */
#define ROW_TSC_STEP (1ull << 40)

#define UNKNOWN UINT64_MAX

void xen_scan_init(struct xen_scan *scan, const struct xen_file *file, struct xen_counts *counts)
{
	*scan = (struct xen_scan){.counts = counts};
	xen_view_init(&scan->view, file, VIEW_BYTES);
}

void xen_scan_deinit(struct xen_scan *scan)
{
	xen_view_deinit(&scan->view);
}

static uint64_t file_size(const struct xen_scan *scan)
{
	return scan->view.file->size;
}

/* Everything up to `to` is skipped and dealt with. */
static void skip(struct xen_scan *scan, uint64_t from, uint64_t to, enum xen_skip reason)
{
	struct xen_counts *counts = scan->counts;

	scan->offset = to;
	if (from >= to)
		return;
	counts->skipped[reason] += to - from;
	if (counts->damages < XEN_DAMAGES_KEPT)
		counts->damage[counts->damages] = (struct xen_damage){from, to - from, reason};
	counts->damages++;
}

/* Does a CPU change stand there? 1, 0, negative errno. */
static int is_window(struct xen_scan *scan, uint64_t offset, struct error *error)
{
	const uint8_t *at;
	int64_t have = xen_view_at(&scan->view, offset, XEN_CPU_CHANGE_BYTES, &at, error);

	return have < 0 ? (int)have : have >= XEN_CPU_CHANGE_BYTES && xen_is_cpu_change(at);
}

/*
 * Does a row of records begin there that goes on for some records, or to `limit`, where a window or the file ends? Not
 * before `tsc`, if that is known. 1, 0, negative errno.
 */
static int is_row(struct xen_scan *scan, uint64_t offset, uint64_t limit, uint64_t tsc, struct error *error)
{
	const uint8_t *at;
	int64_t have = xen_view_at(&scan->view, offset, ROW_BYTES, &at, error);
	uint64_t left = limit - offset;
	unsigned with_tsc = 0, known = 0;

	if (have < 0)
		return (int)have;
	if (left > (uint64_t)have)
		left = (uint64_t)have;
	for (unsigned i = 0; i < ROW_RECORDS; i++) {
		uint32_t word, bytes;

		if (left < 4 || (left >= XEN_CPU_CHANGE_BYTES && xen_is_cpu_change(at)))
			return left == 0 || left >= 4 ? known && with_tsc : 0;
		word = xen_load32(at);
		bytes = xen_word_bytes(word);
		if (!xen_word_is_plausible(word))
			return 0;
		if (bytes > left) /* of a file that is cut */
			return limit >= file_size(scan) && with_tsc > 1;
		known += xen_event_fits(xen_word_code(word), xen_word_extras(word));
		if (xen_word_has_tsc(word)) {
			uint64_t next = xen_load64(at + 4);

			if (tsc && (next < tsc || next - tsc > ROW_TSC_STEP))
				return 0;
			tsc = next;
			with_tsc++;
		}
		at += bytes;
		left -= bytes;
	}
	return with_tsc > 0 && (known > 0 || with_tsc == ROW_RECORDS);
}

/* The first place from `from` on where a window begins and something that can be its content follows; the file's end. */
static int find_window(struct xen_scan *scan, uint64_t from, uint64_t *found, struct error *error)
{
	for (; from < file_size(scan); from++) {
		const uint8_t *at, *next;
		int64_t have = xen_view_at(&scan->view, from, XEN_CPU_CHANGE_BYTES, &at, error);
		int row;

		if (have < 0)
			return (int)have;
		next = have ? memchr(at, XEN_CPU_CHANGE_WORD & 0xff, (size_t)have) : NULL;
		if (!next) {
			from += have ? (uint64_t)have - 1 : 0;
			continue;
		}
		from += (uint64_t)(next - at);
		if (have - (next - at) < XEN_CPU_CHANGE_BYTES)
			row = is_window(scan, from, error);
		else
			row = xen_is_cpu_change(next);
		if (row > 0) {
			uint64_t behind = from + XEN_CPU_CHANGE_BYTES;

			if (behind == file_size(scan))
				break;
			row = is_window(scan, behind, error);
			if (!row)
				row = is_row(scan, behind, file_size(scan), 0, error);
		}
		if (row < 0)
			return row;
		if (row)
			break;
	}
	*found = from;
	return 0;
}

/* 1: a window begins, scan->offset is behind its CPU change. 0: the file's end. */
static int enter_window(struct xen_scan *scan, struct error *error)
{
	uint64_t from = scan->offset, found = from;
	const uint8_t *at;
	int64_t have = xen_view_at(&scan->view, from, XEN_CPU_CHANGE_BYTES, &at, error);

	if (have <= 0)
		return (int)have;
	if (have < XEN_CPU_CHANGE_BYTES) {
		bool begun = have < 4 || xen_load32(at) == XEN_CPU_CHANGE_WORD;

		skip(scan, from, file_size(scan), begun ? XEN_SKIP_CUT : XEN_SKIP_NO_PCPU);
		return 0;
	}
	if (!xen_is_cpu_change(at)) {
		int result = find_window(scan, from + 1, &found, error);

		if (result)
			return result;
		skip(scan, from, found, XEN_SKIP_NO_PCPU);
		have = xen_view_at(&scan->view, found, XEN_CPU_CHANGE_BYTES, &at, error);
		if (have < XEN_CPU_CHANGE_BYTES)
			return have < 0 ? (int)have : 0;
	}
	scan->counts->windows++;
	scan->pcpu = xen_load32(at + 4);
	scan->offset += XEN_CPU_CHANGE_BYTES;
	scan->window_end = scan->offset + xen_load32(at + 8);
	scan->in_window = true;
	return 1;
}

/* `cut`: the file ends behind `end`, with a part of a record. */
static void leave_window(struct xen_scan *scan, uint64_t end, bool cut)
{
	uint64_t size = file_size(scan);

	scan->in_window = false;
	scan->offset = end;
	if (scan->window_end == UNKNOWN || end == scan->window_end)
		return;
	if ((cut || end == size) && scan->window_end > size) {
		scan->counts->cut_windows++;
		scan->counts->cut_bytes += scan->window_end - size;
	} else {
		scan->counts->wrong_windows++;
	}
}

/* The size of this window is of no use any more. */
static void distrust_window(struct xen_scan *scan)
{
	if (scan->window_end != UNKNOWN)
		scan->counts->wrong_windows++;
	scan->window_end = UNKNOWN;
}

static int word_at(struct xen_scan *scan, uint64_t offset, uint32_t *word, uint64_t *tsc, struct error *error)
{
	const uint8_t *at;
	int64_t have = xen_view_at(&scan->view, offset, XEN_RECORD_BYTES_MAX, &at, error);

	*word = 0;
	*tsc = 0;
	if (have < 4)
		return have < 0 ? (int)have : 0;
	*word = xen_load32(at);
	if (xen_word_has_tsc(*word) && have >= 12)
		*tsc = xen_load64(at + 4);
	return 0;
}

/* Is the record there one that is known, with as many extra words as it has? 1, 0, negative errno. */
static int is_known(struct xen_scan *scan, uint64_t offset, struct error *error)
{
	uint64_t tsc;
	uint32_t word;
	int result = word_at(scan, offset, &word, &tsc, error);

	return result ? result : xen_event_fits(xen_word_code(word), xen_word_extras(word));
}

/*
 * At `bad` no record can begin. `before` is the record before it (UNKNOWN: there is none), which may be the one that is
 * damaged: its number of extra words, or bytes of it are missing, so that the next begins inside it. *end is where
 * the whole records end; scan->offset moves to where they, or another window, go on.
 */
static int resynchronise(
	struct xen_scan *scan, uint64_t before, uint64_t bad, uint64_t *end, struct error *error)
{
	uint64_t limit = scan->window_end < file_size(scan) ? scan->window_end : file_size(scan);
	uint64_t from = before == UNKNOWN ? bad : before + 3;
	int bounded = limit < bad ? 0 : is_window(scan, limit, error);
	int result = bounded < 0 ? bounded : 0, known;

	if (limit < bad)
		limit = file_size(scan);
	while (!result && ++from < limit) {
		result = is_row(scan, from, limit, 0, error);
		if (result > 0 && from < bad)
			result = is_known(scan, from, error);
		if (!result && !bounded && is_window(scan, from, error) > 0)
			result = 1;
	}
	if (result < 0)
		return result;
	*end = bad;
	if (before != UNKNOWN) {
		known = is_known(scan, before, error);
		if (known < 0)
			return known;
		if (!known || from < bad)
			*end = before;
	}
	skip(scan, *end, from < limit ? from : limit, XEN_SKIP_RECORD);
	return 0;
}

enum step {
	STEP_ON,     /* the record is whole */
	STEP_SPLIT,  /* the span ends, the window goes on */
	STEP_LEAVE,  /* the window ends */
	STEP_CUT,    /* the file ends inside the record */
	STEP_DAMAGE, /* no record can begin there */
};

/* STEP_DAMAGE if the window at `offset` ends before the file does, so that nothing is cut; 0; negative errno. */
static int ends_before_file(struct xen_scan *scan, uint64_t offset, struct error *error)
{
	int window = scan->window_end > offset && scan->window_end < file_size(scan)
		? is_window(scan, scan->window_end, error)
		: 0;

	return window > 0 ? STEP_DAMAGE : window;
}

/* What is at `offset`, where the quick walk stopped. The window's end is not before it. */
static int judge(struct xen_scan *scan, uint64_t before, uint64_t offset, struct error *error)
{
	const uint8_t *at;
	int64_t have = xen_view_at(&scan->view, offset, XEN_RECORD_BYTES_MAX, &at, error);
	uint32_t word, bytes;

	if (have <= 0)
		return have < 0 ? (int)have : STEP_LEAVE;
	if (have >= XEN_CPU_CHANGE_BYTES && xen_is_cpu_change(at))
		return STEP_LEAVE;
	word = have < 4 ? 0 : xen_load32(at);
	bytes = xen_word_bytes(word);
	if (have < 4 ||
		(bytes > (uint64_t)have && (xen_word_is_plausible(word) || word == XEN_CPU_CHANGE_WORD)))
		return ends_before_file(scan, offset, error) ?: STEP_CUT;
	if (offset == scan->window_end) {
		/* a CPU change should be here: either the window's size is wrong or that record is destroyed */
		uint64_t tsc = 0;
		uint32_t unused;
		int row = before == UNKNOWN ? 0 : word_at(scan, before, &unused, &tsc, error);

		if (!row)
			row = is_row(scan, offset, file_size(scan), tsc, error);
		if (row <= 0)
			return row < 0 ? row : STEP_LEAVE;
		distrust_window(scan);
	}
	return xen_word_is_plausible(word) ? STEP_ON : STEP_DAMAGE;
}

/* One span of the window, from scan->offset on. It may be empty. */
static int walk(struct xen_scan *scan, struct xen_span *span, struct error *error)
{
	uint64_t start = scan->offset, offset = start, before = UNKNOWN, end;
	int result;

	for (;;) {
		const uint8_t *at, *from, *stop, *last = NULL;
		int64_t have = xen_view_at(&scan->view, offset, XEN_RECORD_BYTES_MAX, &at, error);

		if (have < 0)
			return (int)have;
		from = stop = at;
		if (have > XEN_RECORD_BYTES_MAX)
			stop = at + (have - XEN_RECORD_BYTES_MAX);
		if (scan->window_end > offset && scan->window_end - offset < (uint64_t)(stop - at))
			stop = at + (scan->window_end - offset);
		while (at < stop) {
			uint32_t word = xen_load32(at);

			if (!xen_word_is_plausible(word))
				break;
			last = at;
			at += xen_word_bytes(word);
		}
		if (last)
			before = offset + (uint64_t)(last - from);
		offset += (uint64_t)(at - from);
		result = STEP_ON;
		if (at == from || at < stop)
			result = judge(scan, before, offset, error);
		if (result == STEP_ON && at == from) {
			const uint8_t *record;

			have = xen_view_at(&scan->view, offset, XEN_RECORD_BYTES_MAX, &record, error);
			if (have < 4)
				return have < 0 ? (int)have : error_set(error, -EIO, "the file shrinks");
			before = offset;
			offset += xen_word_bytes(xen_load32(record));
		}
		if (result == STEP_ON && before != UNKNOWN && before < scan->window_end &&
			offset > scan->window_end) {
			/* the record lies across the end of the window: one of the two is wrong */
			result = is_window(scan, scan->window_end, error);
			if (result > 0) {
				offset = before;
				before = UNKNOWN;
				result = STEP_DAMAGE;
			} else if (!result) {
				distrust_window(scan);
			}
		}
		if (result == STEP_ON && offset - start >= SPAN_BYTES)
			result = STEP_SPLIT;
		if (result != STEP_ON)
			break;
	}
	if (result < 0)
		return result;
	end = offset;
	if (result == STEP_DAMAGE) {
		result = resynchronise(scan, before < start ? UNKNOWN : before, offset, &end, error);
		if (result)
			return result;
	} else if (result == STEP_LEAVE || result == STEP_CUT) {
		leave_window(scan, end, result == STEP_CUT);
		if (result == STEP_CUT)
			skip(scan, end, file_size(scan), XEN_SKIP_CUT);
	} else {
		scan->offset = end;
	}
	*span = (struct xen_span){.offset = start, .bytes = end - start, .pcpu = scan->pcpu};
	return 0;
}

int xen_scan_next(struct xen_scan *scan, struct xen_span *span, struct error *error)
{
	int result = 1;

	*span = (struct xen_span){0};
	while (result > 0 && !span->bytes) {
		if (!scan->in_window)
			result = enter_window(scan, error);
		if (result > 0) {
			int walked = walk(scan, span, error);

			if (walked < 0)
				return walked;
		}
	}
	return result > 0 ? 1 : result;
}
