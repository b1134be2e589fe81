/* SPDX-License-Identifier: MIT */
#include "lib/reader/trace_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* Keys of several clocks are in 1/64 ns, finer than any TSC, so that its order is kept. */
#define KEY_SHIFT 6

uint64_t trace_reader_key_slow(struct trace_reader *reader, const struct stream_reader *stream)
{
	struct clock_cursor *cursor = &reader->cursors[stream->machine];
	const struct clock_epoch *epoch = &cursor->epoch;
	__int128 key, base;

	clock_cursor_ns(cursor, stream->tsc); /* moves to the epoch */
	base = (__int128)epoch->host_ns + reader->trace->machines[stream->machine].realtime_offset_ns -
		reader->base_ns;
	key = (__int128)(int64_t)(stream->tsc - epoch->from_tsc) * epoch->mult >> (CLOCK_SHIFT - KEY_SHIFT);
	key += base * (1 << KEY_SHIFT);
	if (key < 0)
		return 0;
	return key >= UINT64_MAX ? UINT64_MAX - 1 : (uint64_t)key;
}

static uint64_t key_of(struct trace_reader *reader, uint32_t stream)
{
	if (reader->streams[stream].finished)
		return UINT64_MAX;
	return reader->one_clock ? reader->streams[stream].tsc
				 : trace_reader_key_slow(reader, &reader->streams[stream]);
}

static void build_tree(struct trace_reader *reader)
{
	for (uint32_t i = 0; i < reader->nr_leaves; i++) {
		reader->keys[i] = key_of(reader, i);
		reader->winners[reader->nr_leaves + i] = i;
	}
	for (uint32_t node = reader->nr_leaves - 1; node; node--) {
		uint32_t left = reader->winners[2 * node], right = reader->winners[2 * node + 1];

		reader->winners[node] = reader->keys[right] < reader->keys[left] ? right : left;
	}
	reader->current = reader->winners[1];
	/* the first step finds the winner where it already stands */
	stream_reader_hold(&reader->streams[reader->current]);
}

static bool is_wanted(const struct trace_reader_options *options, const struct trace_stream *stream)
{
	if (options->machine >= 0 && stream->machine != (uint32_t)options->machine)
		return false;
	return !options->cpus || options->cpus[stream->cpu / 64] >> (stream->cpu % 64) & 1;
}

static uint64_t to_tsc(const struct trace_machine *machine, int64_t unix_ns)
{
	int64_t host_ns;

	if (unix_ns == INT64_MIN || __builtin_sub_overflow(unix_ns, machine->realtime_offset_ns, &host_ns))
		return 0;
	return clock_map_to_tsc(&machine->clock, host_ns);
}

static void open_streams(struct trace_reader *reader, const struct trace_reader_options *options)
{
	const struct trace *trace = reader->trace;
	bool several = false;

	for (uint32_t i = 0; i < trace->nr_streams; i++) {
		const struct trace_stream *from = &trace->streams[i];
		const struct trace_machine *machine = &trace->machines[from->machine];
		struct stream_reader *stream = &reader->streams[reader->nr_streams];

		if (!is_wanted(options, from))
			continue;
		stream_reader_init(stream, trace, i, &reader->layouts[from->machine],
			to_tsc(machine, options->from_ns),
			options->to_ns == INT64_MAX ? UINT64_MAX : to_tsc(machine, options->to_ns));
		several |= reader->streams[0].machine != from->machine;
		reader->nr_streams++;
	}
	for (uint32_t i = reader->nr_streams; i < reader->nr_leaves; i++)
		stream_reader_init_empty(&reader->streams[i]);
	reader->one_clock = !several;
}

static int64_t unix_ns(struct trace_reader *reader, const struct stream_reader *stream)
{
	return (int64_t)((uint64_t)clock_cursor_ns(&reader->cursors[stream->machine], stream->tsc) +
		(uint64_t)reader->trace->machines[stream->machine].realtime_offset_ns);
}

/* Keys count from the first event. */
static void find_start(struct trace_reader *reader)
{
	reader->base_ns = INT64_MAX;
	for (uint32_t i = 0; i < reader->nr_streams; i++) {
		struct stream_reader *stream = &reader->streams[i];
		int64_t ns;

		if (!stream_reader_step(stream))
			continue;
		ns = unix_ns(reader, stream);
		if (ns < reader->base_ns)
			reader->base_ns = ns;
	}
}

int trace_reader_create(const struct trace *trace, const struct trace_reader_options *options,
	struct trace_reader **result, struct error *error)
{
	struct trace_reader *reader = calloc(1, sizeof(*reader));
	uint32_t leaves = 1;

	while (leaves < trace->nr_streams)
		leaves *= 2;
	if (!reader)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	reader->trace = trace;
	reader->nr_leaves = leaves;
	reader->keys = calloc(leaves, sizeof(*reader->keys));
	reader->winners = calloc(2 * (size_t)leaves, sizeof(*reader->winners));
	reader->streams = calloc(leaves, sizeof(*reader->streams));
	reader->cursors = calloc(trace->nr_machines + 1, sizeof(*reader->cursors));
	reader->layouts = calloc(trace->nr_machines + 1, sizeof(*reader->layouts));
	if (!reader->keys || !reader->winners || !reader->streams || !reader->cursors || !reader->layouts) {
		trace_reader_destroy(reader);
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	}
	for (uint32_t i = 0; i < trace->nr_machines; i++) {
		reader->cursors[i] = clock_cursor_at(&trace->machines[i].clock);
		stream_layouts_init(&reader->layouts[i], trace->machines[i].schema);
	}
	open_streams(reader, options);
	find_start(reader);
	build_tree(reader);
	*result = reader;
	return 0;
}

void trace_reader_destroy(struct trace_reader *reader)
{
	if (!reader)
		return;
	for (uint32_t i = 0; i < reader->nr_streams; i++)
		stream_reader_deinit(&reader->streams[i]);
	free(reader->keys);
	free(reader->winners);
	free(reader->streams);
	free(reader->cursors);
	free(reader->layouts);
	free(reader);
}

int64_t trace_reader_start_ns(const struct trace_reader *reader)
{
	return reader->base_ns;
}

uint64_t trace_reader_damage(const struct trace_reader *reader, struct error *error)
{
	uint64_t damaged = 0, missed = 0;

	for (uint32_t i = 0; i < reader->nr_streams; i++) {
		const struct stream_reader *stream = &reader->streams[i];

		if (!damaged && stream->damage && error)
			*error = *stream->damage;
		damaged += stream->damaged;
		missed += stream->missed;
	}
	if (missed)
		error_hint(error, "what could be read of the trace was read: all but %" PRIu64 " events",
			missed);
	else if (damaged)
		error_hint(error, "what could be read of the trace was read");
	return damaged;
}
