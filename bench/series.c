/* SPDX-License-Identifier: MIT */
#include "bench/series.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add(struct series *series, uint64_t instructions, unsigned events, uint64_t lost)
{
	if (!series->repetitions++ || instructions < series->least)
		series->least = instructions;
	if (instructions > series->most)
		series->most = instructions;
	series->events = events;
	series->lost += lost;
}

void series_read(struct series *series, size_t count, char *output)
{
	char *state = NULL;

	for (char *line = strtok_r(output, "\n", &state); line; line = strtok_r(NULL, "\n", &state)) {
		uint64_t instructions, lost;
		char tracer[32];
		unsigned events;

		if (sscanf(line, "%31s %" SCNu64 " %u %" SCNu64, tracer, &instructions, &events, &lost) != 4)
			continue;
		for (size_t i = 0; i < count; i++)
			if (!strcmp(series[i].tracer, tracer))
				add(&series[i], instructions, events, lost);
	}
}
