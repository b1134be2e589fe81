/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/recording_options.h"

#include <errno.h>

int recording_options_read(struct recorder_options *recorder, char **events,
	const struct recording_options *options, struct error *error)
{
	*events = string_list_join(&options->events);
	if (!*events)
		return error_set(error, -ENOMEM, "out of memory");
	if (options->events.count && !**events) {
		error_set(error, -EINVAL, "-e: no event is named");
		return error_hint(error, "leave -e out for the default%s",
			recorder->channel == RECORDER_FTRACE ? "" : ": " RECORDER_EVENTS);
	}
	if (options->functions.count && recorder->channel != RECORDER_FTRACE) {
		error_set(error, -ENOTSUP, "-F: only a stock guest is told to trace functions");
		return error_hint(error, "hypertrace run --channel ftrace -F '*'");
	}
	recorder->events = *events;
	recorder->filter = options->filter;
	recorder->mode = options->mode ? (enum ht_mode)(options->mode - 1) : HT_MODE_OVERWRITE;
	recorder->ring_bytes = options->ring_bytes;
	return recorder_options_check(recorder, error);
}
