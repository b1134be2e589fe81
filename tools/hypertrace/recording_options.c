/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/recording_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Channel shm traces them by the module; a guest that is just started traces them by its own ftrace. */
static int read_functions(struct recorder_options *recorder, char **functions,
	const struct recording_options *options, struct error *error)
{
	*functions = NULL;
	if (options->functions.count) {
		*functions = string_list_join(&options->functions);
		if (!*functions)
			return error_set(error, -ENOMEM, "out of memory");
	}
	if (recorder->channel != RECORDER_SHM && (options->depth || options->min_duration_s > 0)) {
		error_set(error, -ENOTSUP,
			"--depth and --min-duration: only hypertrace.ko takes them (channel shm)");
		return error_hint(error, "hypertrace graph can leave out what is short or deep");
	}
	recorder->functions = (struct recorder_functions){
		.patterns = *functions,
		.probe = (enum ht_function_probe)options->probe,
		.depth = options->depth > UINT32_MAX ? UINT32_MAX : (uint32_t)options->depth,
		.min_ns = (uint64_t)(options->min_duration_s * 1e9),
	};
	return 0;
}

static int read_budget(
	struct recorder_options *recorder, const struct recording_options *options, struct error *error)
{
	char *end;
	double percent;

	if (!options->budget)
		return 0;
	if (recorder->channel != RECORDER_SHM) {
		error_set(
			error, -ENOTSUP, "--budget: only hypertrace.ko changes what it traces (channel shm)");
		return error_hint(error, "leave it out, or choose functions by -F");
	}
	if (!options->functions.count) {
		error_set(error, -EINVAL, "--budget is of functions: none is named");
		return error_hint(error, "-F '*' for all");
	}
	if (options->min_duration_s > 0) {
		error_set(error, -EINVAL,
			"--budget counts events: not with --min-duration, which leaves calls without one");
		return error_hint(error, "hypertrace graph can leave out what is short");
	}
	percent = strtod(options->budget, &end);
	if (end == options->budget || (*end && strcmp(end, "%") != 0) || !(percent > 0 && percent <= 100)) {
		error_set(error, -EINVAL, "--budget %s: no percentage above 0", options->budget);
		return error_hint(error, "for example --budget 5%%");
	}
	recorder->budget = percent / 100;
	return 0;
}

int recording_options_read(struct recorder_options *recorder, char **events, char **functions,
	const struct recording_options *options, struct error *error)
{
	*functions = NULL;
	*events = string_list_join(&options->events);
	if (!*events)
		return error_set(error, -ENOMEM, "out of memory");
	if (options->events.count && !**events) {
		error_set(error, -EINVAL, "-e: no event is named");
		return error_hint(error, "leave -e out for the default%s",
			recorder->channel == RECORDER_FTRACE ? "" : ": " RECORDER_EVENTS);
	}
	if (read_functions(recorder, functions, options, error) || read_budget(recorder, options, error))
		return error->code;
	recorder->events = *events;
	recorder->filter = options->filter;
	recorder->mode = options->mode ? (enum ht_mode)(options->mode - 1) : HT_MODE_OVERWRITE;
	recorder->ring_bytes = options->ring_bytes;
	return recorder_options_check(recorder, error);
}
