/* SPDX-License-Identifier: MIT */
/*
 * bench read: how fast one core reads a trace of several streams. Ours decodes every field of every event in
 * the order of time; babeltrace2 does the same into its dummy sink. As text: `hypertrace dump` against
 * babeltrace2's own. They take turns on the same trace, their CPU time is counted, and the best turn of each.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "bench/bench.h"
#include "bench/programs.h"
#include "bench/recorded_trace.h"
#include "bench/rival.h"
#include "host/vm/cache_directory.h"
#include "lib/base/cleanup.h"
#include "lib/reader/trace_reader.h"

#define CPUS  4
#define TURNS 3
#define UNIT  "events/s"

static uint64_t thread_cpu_ns(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
	return (uint64_t)spent.tv_sec * 1000000000 + (uint64_t)spent.tv_nsec;
}

/* Something that depends on all bytes of an event, so that none of the decoding can be left out. */
static inline uint64_t decode(const struct trace_event *event)
{
	const struct event_type *type = event->type;
	uint64_t sum = event->tsc + event->pid;

	for (uint32_t i = 0; i < type->nr_fields; i++)
		sum += event_field_unsigned(&type->fields[i], event->payload);
	return sum;
}

static int decode_all(const char *path, uint64_t events, uint64_t *cpu_ns, struct error *error)
{
	const struct trace_reader_options all = TRACE_READER_ALL;
	struct trace_reader *reader = NULL;
	struct trace *trace = NULL;
	struct trace_event event;
	uint64_t start = thread_cpu_ns(), count = 0, sum = 0;
	int result = trace_open(&path, 1, &trace, error);

	if (!result)
		result = trace_reader_create(trace, &all, &reader, error);
	if (!result) {
		while (trace_reader_next(reader, &event)) {
			sum += decode(&event);
			count++;
		}
		__asm__ volatile("" : : "r"(sum));
		if (trace_reader_damage(reader, error))
			result = -EBADMSG;
		else if (count != events)
			result = error_set(error, -EIO, "%ju events decoded of %ju", (uintmax_t)count,
				(uintmax_t)events);
	}
	trace_reader_destroy(reader);
	trace_close(trace);
	*cpu_ns = thread_cpu_ns() - start;
	return result;
}

struct turns {
	const char *path; /* of the trace */
	char *machine;    /* of its one machine */
	uint64_t events;
	bool has_babeltrace;
	uint64_t best[4]; /* CPU time, by enum way */
};

enum way { OURS_DECODE, THEIRS_DECODE, OURS_TEXT, THEIRS_TEXT };

static int take(struct turns *turns, enum way way, uint64_t *cpu_ns, struct error *error)
{
	const char *const dump[] = {"/proc/self/exe", "dump", turns->path, NULL};
	const char *const dummy[] = {"babeltrace2", turns->machine, "--component", "sink.utils.dummy", NULL};
	const char *const text[] = {"babeltrace2", turns->machine, NULL};

	switch (way) {
	case OURS_DECODE:
		return decode_all(turns->path, turns->events, cpu_ns, error);
	case THEIRS_DECODE:
		return rival_run(dummy, cpu_ns, error);
	case OURS_TEXT:
		return rival_run(dump, cpu_ns, error);
	default:
		return rival_run(text, cpu_ns, error);
	}
}

static int take_turns(struct turns *turns, struct error *error)
{
	for (unsigned turn = 0; turn < TURNS; turn++)
		for (enum way way = OURS_DECODE; way <= THEIRS_TEXT; way++) {
			bool theirs = way == THEIRS_DECODE || way == THEIRS_TEXT;
			uint64_t cpu_ns;
			int result;

			/* theirs take long enough to be measured well in one turn */
			if (theirs && (turn || !turns->has_babeltrace))
				continue;
			result = take(turns, way, &cpu_ns, error);
			if (result)
				return result;
			if (!turns->best[way] || cpu_ns < turns->best[way])
				turns->best[way] = cpu_ns;
		}
	return 0;
}

static void show(struct bench *bench, const struct turns *turns)
{
	static const char *const outputs[] = {"none", "none", "text", "text"};

	for (enum way way = OURS_DECODE; way <= THEIRS_TEXT; way++) {
		const char *reader = way == OURS_DECODE || way == OURS_TEXT ? "hypertrace" : "babeltrace2";

		if (turns->best[way])
			figures_add(&bench->figures, (double)turns->events * 1e9 / (double)turns->best[way],
				UNIT, 0, "reader", reader, "output", outputs[way], NULL);
		else
			figures_skip(&bench->figures, "needs the Debian package babeltrace2", "reader",
				reader, "output", outputs[way], NULL);
	}
}

int bench_read(struct bench *bench, struct error *error)
{
	cleanup_free char *directory = NULL, *path = NULL, *machine = NULL;
	struct recorded_trace trace;
	struct turns turns = {.has_babeltrace = bench_has_program("babeltrace2")};
	int result = bench_scratch(&directory, error);

	if (result)
		return result;
	figures_begin(&bench->figures, "read", "reader", "hypertrace");
	if (asprintf(&path, "%s/trace", directory) < 0 || asprintf(&machine, "%s/trace/guest", directory) < 0)
		result = error_set(error, -ENOMEM, "out of memory");
	if (!result)
		result = recorded_trace_make(&trace, directory, CPUS, bench->events, error);
	if (!result) {
		turns.path = path;
		turns.machine = machine;
		turns.events = trace.counts.events;
		result = take_turns(&turns, error);
	}
	remove_tree(directory);
	if (!result)
		show(bench, &turns);
	figures_end(&bench->figures);
	return result;
}
