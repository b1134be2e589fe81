/* SPDX-License-Identifier: MIT */
#include "lib/reader/xen_reader.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/reader/xen_cursor.h"
#include "lib/reader/xen_file.h"
#include "lib/reader/xen_scan.h"

/* A view of a cursor: the second for files with so many pCPUs that the first would take too much. */
#define VIEW_BYTES      (16u << 10)
#define VIEW_BYTES_MANY (4u << 10)
#define MANY_PCPUS      256

struct xen_reader {
	struct xen_cursor *current; /* stands on the event delivered last */
	uint64_t limit;             /* it stays the first while its order_tsc is not above this */
	uint64_t last_order_tsc;
	struct xen_counts counts;
	struct xen_file file;
	struct xen_scan scan;
	struct xen_queue queue;
	struct xen_cursor **by_pcpu; /* counts.pcpu_limit of them, NULL: not seen */
	struct xen_cursor **cursors; /* counts.pcpus of them, as they came */
	uint64_t *keys;              /* by leaf: order_tsc of that cursor */
	uint32_t *winners;           /* the tree, root at 1; leaf `leaves + i` is cursor i */
	uint32_t leaves;             /* a power of two */
	uint32_t first;              /* the tree's winner */
	const uint64_t *wanted;      /* NULL: everything */
	bool scanned;                /* the whole file */
	bool started;
	int failed; /* the errno that ended it */
};

static void rebuild_tree(struct xen_reader *reader)
{
	for (uint32_t i = 0; i < reader->leaves; i++) {
		reader->keys[i] = i < reader->counts.pcpus ? reader->cursors[i]->order_tsc : XEN_CURSOR_NEVER;
		reader->winners[reader->leaves + i] = i;
	}
	for (uint32_t node = reader->leaves - 1; node; node--) {
		uint32_t left = reader->winners[2 * node], right = reader->winners[2 * node + 1];

		reader->winners[node] = reader->keys[right] < reader->keys[left] ? right : left;
	}
}

static void play_tree(struct xen_reader *reader, uint32_t leaf)
{
	reader->keys[leaf] = reader->cursors[leaf]->order_tsc;
	for (uint32_t node = (reader->leaves + leaf) / 2; node; node /= 2) {
		uint32_t left = reader->winners[2 * node], right = reader->winners[2 * node + 1];

		reader->winners[node] = reader->keys[right] < reader->keys[left] ? right : left;
	}
}

/* The winner, and how long it stays it: until the best of those that it beat. */
static void choose(struct xen_reader *reader)
{
	uint32_t first = reader->winners[1];

	reader->first = first;
	reader->current = first < reader->counts.pcpus ? reader->cursors[first] : NULL;
	reader->limit = XEN_CURSOR_NEVER - 1;
	for (uint32_t node = reader->leaves + first; node > 1; node /= 2) {
		uint64_t rival = reader->keys[reader->winners[node ^ 1]];

		if (rival < reader->limit)
			reader->limit = rival;
	}
}

static int grow_tree(struct xen_reader *reader)
{
	uint32_t leaves = reader->leaves ? reader->leaves : 8;
	uint64_t *keys;
	uint32_t *winners;

	while (leaves < reader->counts.pcpus)
		leaves *= 2;
	if (leaves == reader->leaves)
		return 0;
	keys = realloc(reader->keys, leaves * sizeof(*keys));
	if (keys)
		reader->keys = keys;
	winners = realloc(reader->winners, 2 * leaves * sizeof(*winners));
	if (winners)
		reader->winners = winners;
	if (!keys || !winners)
		return -ENOMEM;
	reader->leaves = leaves;
	return 0;
}

/* Room in by_pcpu for `pcpu`, and in cursors for one more. */
static int grow_tables(struct xen_reader *reader, uint32_t pcpu)
{
	struct xen_counts *counts = &reader->counts;
	struct xen_cursor **table;

	if (pcpu >= counts->pcpu_limit) {
		table = realloc(reader->by_pcpu, (pcpu + 1) * sizeof(*table));
		if (!table)
			return -ENOMEM;
		for (uint32_t i = counts->pcpu_limit; i <= pcpu; i++)
			table[i] = NULL;
		reader->by_pcpu = table;
		counts->pcpu_limit = pcpu + 1;
	}
	table = realloc(reader->cursors, (counts->pcpus + 1) * sizeof(*table));
	if (!table)
		return -ENOMEM;
	reader->cursors = table;
	return 0;
}

static struct xen_cursor *cursor_of(struct xen_reader *reader, uint32_t pcpu)
{
	struct xen_counts *counts = &reader->counts;
	struct xen_cursor *cursor;

	if (pcpu < counts->pcpu_limit && reader->by_pcpu[pcpu])
		return reader->by_pcpu[pcpu];
	if (grow_tables(reader, pcpu))
		return NULL;
	cursor = malloc(sizeof(*cursor));
	if (!cursor)
		return NULL;
	xen_cursor_init(cursor, pcpu, &reader->file, &reader->queue, counts,
		counts->pcpus < MANY_PCPUS ? VIEW_BYTES : VIEW_BYTES_MANY);
	reader->by_pcpu[pcpu] = cursor;
	reader->cursors[counts->pcpus++] = cursor;
	return grow_tree(reader) ? NULL : cursor;
}

/* Scans ahead. Cursors that stood on nothing for want of spans stand on something afterwards. */
static int scan_ahead(struct xen_reader *reader, struct error *error)
{
	struct xen_span span;
	int result = 1;

	while (result > 0 && xen_queue_wants(&reader->queue, reader->counts.pcpus)) {
		struct xen_cursor *cursor;

		result = xen_scan_next(&reader->scan, &span, error);
		if (result <= 0)
			break;
		cursor = cursor_of(reader, span.pcpu);
		if (!cursor)
			return error_set(error, -ENOMEM, "out of memory");
		xen_queue_put(&reader->queue, &cursor->spans, &span);
	}
	if (result < 0)
		return result;
	reader->scanned = result == 0;
	for (uint32_t i = 0; i < reader->counts.pcpus; i++) {
		struct xen_cursor *cursor = reader->cursors[i];

		if (cursor->order_tsc != XEN_CURSOR_NEVER)
			continue;
		result = xen_cursor_wake(cursor, error);
		if (result < 0)
			return result;
	}
	if (reader->leaves)
		rebuild_tree(reader);
	return 0;
}

static void count(struct xen_reader *reader, const struct xen_event *event)
{
	struct xen_counts *counts = &reader->counts;

	counts->without_tsc += !event->has_tsc;
	counts->wrapped += event->code == XEN_WRAP_BUFFER;
	if (event->code == XEN_LOST_RECORDS) {
		counts->lost_records++;
		counts->lost += event->extra[0];
	}
}

static void fill(struct xen_reader *reader, const struct xen_cursor *cursor, struct xen_event *event)
{
	uint32_t word = xen_load32(cursor->at);
	const uint8_t *extra = cursor->at + (xen_word_has_tsc(word) ? 12 : 4);
	unsigned n_extra = xen_word_extras(word);

	event->tsc = cursor->tsc;
	event->order_tsc = cursor->order_tsc;
	event->offset = cursor->view.offset + (uint64_t)(cursor->at - cursor->view.buffer);
	event->pcpu = cursor->pcpu;
	event->code = xen_word_code(word);
	event->has_tsc = xen_word_has_tsc(word);
	event->n_extra = (uint8_t)n_extra;
	for (unsigned i = 0; i < XEN_EXTRAS_MAX; i++) /* a view has slack */
		event->extra[i] = i < n_extra ? xen_load32(extra + 4 * i) : 0;
	reader->counts.events++;
	reader->counts.late += cursor->order_tsc < reader->last_order_tsc;
	reader->last_order_tsc = cursor->order_tsc;
	if (__builtin_expect(xen_code_class(event->code) == XEN_CLASS_GEN || !event->has_tsc, 0))
		count(reader, event);
}

static bool is_wanted(const uint64_t *wanted, uint32_t word)
{
	uint32_t bit = XEN_WANTED_BIT(word);

	return wanted[bit / 64] >> bit % 64 & 1;
}

static void leave_out(struct xen_cursor *cursor, uint32_t word)
{
	unsigned bit = (unsigned)__builtin_ctz(xen_code_class(xen_word_code(word)));

	cursor->unwanted.events[bit]++;
	cursor->unwanted.bytes[bit] += xen_word_bytes(word);
	cursor->counts->unwanted++;
}

/* To the next record that is wanted. */
static int advance(struct xen_reader *reader, struct xen_cursor *cursor, struct error *error)
{
	int result = xen_cursor_advance(cursor, error);

	while (reader->wanted && !result && cursor->order_tsc != XEN_CURSOR_NEVER) {
		uint32_t word = xen_load32(cursor->at);

		if (is_wanted(reader->wanted, word))
			break;
		leave_out(cursor, word);
		result = xen_cursor_advance(cursor, error);
	}
	return result;
}

void xen_reader_want(struct xen_reader *reader, const uint64_t *wanted)
{
	reader->wanted = wanted;
}

const struct xen_unwanted *xen_reader_unwanted(
	const struct xen_reader *reader, uint32_t pcpu, uint64_t *last_tsc)
{
	const struct xen_cursor *cursor = pcpu < reader->counts.pcpu_limit ? reader->by_pcpu[pcpu] : NULL;

	if (!cursor)
		return NULL;
	*last_tsc = cursor->last_tsc;
	return &cursor->unwanted;
}

bool xen_reader_pcpu_ended(const struct xen_reader *reader, uint32_t pcpu)
{
	return reader->scanned && pcpu < reader->counts.pcpu_limit && reader->by_pcpu[pcpu] &&
		reader->by_pcpu[pcpu]->order_tsc == XEN_CURSOR_NEVER;
}

int xen_reader_next(struct xen_reader *reader, struct xen_event *event, struct error *error)
{
	uint32_t spans = reader->queue.waiting;
	int result = 0;

	if (reader->failed)
		return error_set(error, reader->failed, "%s: reading has failed before", reader->file.name);
	if (reader->started && reader->current)
		result = advance(reader, reader->current, error);
	if (!result && reader->queue.waiting < spans && !reader->scanned) {
		result = scan_ahead(reader, error);
		reader->limit = 0;
	}
	if (result < 0) {
		reader->failed = result;
		return result;
	}
	if (!reader->started || !reader->current || reader->current->order_tsc > reader->limit) {
		reader->started = true;
		if (reader->leaves) {
			if (reader->current)
				play_tree(reader, reader->first);
			choose(reader);
		}
		if (!reader->current || reader->current->order_tsc == XEN_CURSOR_NEVER) {
			reader->current = NULL;
			return 0;
		}
	}
	fill(reader, reader->current, event);
	return 1;
}

static int check_beginning(struct xen_reader *reader, struct error *error)
{
	static const uint8_t gzip[] = {0x1f, 0x8b}, zstd[] = {0x28, 0xb5, 0x2f, 0xfd},
			     xz[] = {0xfd, '7', 'z', 'X', 'Z'};
	static const uint8_t swapped[] = {0x20, 0x01, 0xf0, 0x03};
	const uint8_t *at;
	int64_t have;

	if (!reader->file.size)
		return error_set(error, -ENODATA, "is empty");
	if (reader->counts.windows)
		return 0;
	have = xen_view_at(&reader->scan.view, 0, 8, &at, error);
	if (have < 0)
		return (int)have;
	error_set(error, -EILSEQ, "no trace of Xen: %s",
		reader->file.size < XEN_CPU_CHANGE_BYTES ? "too short for one record"
							 : "no record that says whose events follow");
	if (have >= 2 && memcmp(at, gzip, sizeof(gzip)) == 0)
		error_hint(error, "it is compressed: zcat FILE | hypertrace xen …, with - for the file");
	else if (have >= 4 && memcmp(at, zstd, sizeof(zstd)) == 0)
		error_hint(error, "it is compressed: zstdcat FILE | hypertrace xen …, with - for the file");
	else if (have >= 5 && memcmp(at, xz, sizeof(xz)) == 0)
		error_hint(error, "it is compressed: xzcat FILE | hypertrace xen …, with - for the file");
	else if (have >= 4 && memcmp(at, swapped, sizeof(swapped)) == 0)
		error_hint(error, "its words are big-endian; Xen writes little-endian ones");
	else
		error_hint(error, "xentrace FILE, in dom0, records one");
	return error->code;
}

static int start(struct xen_reader *reader, struct error *error)
{
	int result = xen_queue_init(&reader->queue, error);

	if (result)
		return result;
	reader->counts.file_bytes = reader->file.size;
	xen_scan_init(&reader->scan, &reader->file, &reader->counts);
	result = scan_ahead(reader, error);
	if (!result) {
		result = check_beginning(reader, error);
		if (result)
			error_add(error, "%s", reader->file.name);
	}
	return result;
}

static int open_reader(const char *path, int fd, struct xen_reader **result, struct error *error)
{
	struct xen_reader *reader = calloc(1, sizeof(*reader));
	struct error local = {0};
	int code;

	*result = NULL;
	if (!reader)
		return error_set(error, -ENOMEM, "out of memory");
	if (!error)
		error = &local;
	code = fd < 0 ? xen_file_init(&reader->file, path, error)
		      : xen_file_init_fd(&reader->file, fd, path, error);
	if (!code)
		code = start(reader, error);
	if (code) {
		xen_reader_close(reader);
		return code;
	}
	*result = reader;
	return 0;
}

int xen_reader_open(const char *path, struct xen_reader **reader, struct error *error)
{
	return open_reader(path, -1, reader, error);
}

int xen_reader_open_fd(int fd, const char *name, struct xen_reader **reader, struct error *error)
{
	return open_reader(name, fd, reader, error);
}

const struct xen_counts *xen_reader_counts(const struct xen_reader *reader)
{
	return &reader->counts;
}

uint64_t xen_counts_skipped(const struct xen_counts *counts)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < XEN_SKIPS; i++)
		bytes += counts->skipped[i];
	return bytes;
}

const char *xen_skip_text(enum xen_skip reason)
{
	switch (reason) {
	case XEN_SKIP_NO_PCPU:
		return "of no known pCPU";
	case XEN_SKIP_RECORD:
		return "damaged records";
	case XEN_SKIP_CUT:
		return "a record cut by the end of the file";
	case XEN_SKIPS:
		break;
	}
	return "";
}

/* All but the file. */
static void deinit(struct xen_reader *reader)
{
	for (uint32_t i = 0; i < reader->counts.pcpus; i++) {
		xen_cursor_deinit(reader->cursors[i]);
		free(reader->cursors[i]);
	}
	free(reader->cursors);
	free(reader->by_pcpu);
	free(reader->keys);
	free(reader->winners);
	xen_queue_deinit(&reader->queue);
	xen_scan_deinit(&reader->scan);
}

int xen_reader_rewind(struct xen_reader *reader, struct error *error)
{
	struct xen_file file = reader->file;
	int code;

	deinit(reader);
	*reader = (struct xen_reader){.file = file};
	code = start(reader, error);
	reader->failed = code;
	return code;
}

void xen_reader_close(struct xen_reader *reader)
{
	if (!reader)
		return;
	deinit(reader);
	xen_file_deinit(&reader->file);
	free(reader);
}
