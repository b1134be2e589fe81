/* SPDX-License-Identifier: MIT */
/* What bench/workload.c said: repetitions of a piece of work under one tracer. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct series {
	const char *tracer;
	uint64_t least, most, lost;   /* instructions of a repetition; lost: events, of all of them */
	unsigned repetitions, events; /* events in each */
	/* of the one with the least instructions: the TSC at its start, events and their bytes in the kernel's own ring at its end */
	uint64_t start, held, held_bytes;
};

/* Adds the lines of `output`, which is cut up, to the series whose tracers they name. */
void series_read(struct series *series, size_t count, char *output);
