/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/reading_options.h"

#include <errno.h>

#include "host/collect/event_table.h"
#include "lib/base/cleanup.h"
#include "tools/hypertrace/output_directory.h"

int trace_part_parse(struct trace_part *part, const struct reading_options *options, struct error *error)
{
	cleanup_free char *events = NULL;
	int code = 0;

	*part = (struct trace_part){.all_events = !options->events.count};
	if (!part->all_events) {
		events = string_list_join(&options->events);
		code = events
			? event_selection_parse(&part->selection, events, event_table_read_choices, error)
			: error_set(error, -ENOMEM, "out of memory");
	}
	if (!code)
		code = filter_parse(&part->filter, options->filter, error);
	if (!code)
		code = time_range_parse(&part->range, options->time, error);
	for (uint32_t cpu = 0; !code && cpu < TRACE_CPUS_MAX; cpu++)
		if (filter_ranges_match(&part->filter.cpus, cpu))
			part->cpus[cpu / 64] |= 1ull << cpu % 64;
	return code;
}

int reading_options_machine(
	const struct reading_options *options, const struct trace *trace, int *machine, struct error *error)
{
	*machine = options->machine ? trace_find_machine(trace, options->machine, error) : -1;
	return options->machine && *machine < 0 ? *machine : 0;
}

int open_traces(int count, char **paths, struct trace **trace, struct error *error)
{
	static const char *const usual = OUTPUT_DEFAULT;

	if (count)
		return trace_open((const char *const *)paths, (size_t)count, trace, error);
	return trace_open(&usual, 1, trace, error);
}
