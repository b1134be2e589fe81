/* SPDX-License-Identifier: MIT */
#include "bench/trace_count.h"

#include <errno.h>

#include "lib/reader/trace_reader.h"

static int count_events(struct trace_count *count, const struct trace *trace, uint64_t from_tsc,
	uint64_t to_tsc, struct error *error)
{
	struct trace_reader *reader;
	struct trace_event event;
	int result = trace_reader_create(trace, &TRACE_READER_ALL, &reader, error);

	if (result)
		return result;
	while (trace_reader_next(reader, &event)) {
		if (event.type->id == TRACE_EVENT_LOST)
			continue;
		if (count->first_tsc == UINT64_MAX)
			count->first_tsc = event.tsc;
		count->events += event.tsc >= from_tsc && event.tsc <= to_tsc;
	}
	result = trace_reader_damage(reader, error) ? -EIO : 0;
	trace_reader_destroy(reader);
	return result;
}

int trace_count(
	struct trace_count *count, const char *path, uint64_t from_tsc, uint64_t to_tsc, struct error *error)
{
	struct trace *trace;
	int result = trace_open(&path, 1, &trace, error);

	*count = (struct trace_count){.first_tsc = UINT64_MAX};
	if (result)
		return result;
	result = count_events(count, trace, from_tsc, to_tsc, error);
	trace_close(trace);
	return result;
}
