/* SPDX-License-Identifier: MIT */
#include "bench/series.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add(struct series *series, const struct series *repetition)
{
	if (repetition->least > series->most)
		series->most = repetition->least;
	if (!series->repetitions++ || repetition->least < series->least) {
		series->least = repetition->least;
		series->start = repetition->start;
		series->held = repetition->held;
		series->held_bytes = repetition->held_bytes;
	}
	series->events = repetition->events;
	series->lost += repetition->lost;
}

void series_read(struct series *series, size_t count, char *output)
{
	char *state = NULL;

	for (char *line = strtok_r(output, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		struct series repetition = {0};
		char tracer[32];

		if (sscanf(line, "%31s %" SCNu64 " %u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, tracer,
			    &repetition.least, &repetition.events, &repetition.lost, &repetition.start,
			    &repetition.held, &repetition.held_bytes) < 4)
			continue;
		for (size_t i = 0; i < count; i++)
			if (!strcmp(series[i].tracer, tracer))
				add(&series[i], &repetition);
	}
}
