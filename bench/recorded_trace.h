/* SPDX-License-Identifier: MIT */
/* A trace out of a fake guest and the real recorder, and what recording it cost. */
#pragma once
#include <stdint.h>
#include "bench/attachment.h"

struct recorded_trace {
	uint64_t written; /* events */
	uint64_t cpu_ns;  /* of the recorder's thread */
	struct attachment_counts counts;
};

/* Records at least `events` of `cpus` vCPUs into DIRECTORY/trace, whose one machine is "guest". */
int recorded_trace_make(struct recorded_trace *trace, const char *directory, unsigned cpus, uint64_t events,
	struct error *error);
