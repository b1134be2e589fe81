/* SPDX-License-Identifier: MIT */
/* How many events of a recorded trace are of a part of the guest's time. */
#pragma once
#include <stdint.h>
#include "lib/base/error.h"

struct trace_count {
	uint64_t first_tsc; /* of the trace's first event; UINT64_MAX: it has none */
	uint64_t events;    /* from one TSC value to another, both included */
};

/* Errors of trace_open(); -EIO: the trace is damaged. */
int trace_count(
	struct trace_count *count, const char *path, uint64_t from_tsc, uint64_t to_tsc, struct error *error);
