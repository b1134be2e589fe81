/* SPDX-License-Identifier: MIT */
/* --time FROM-TO (or FROM..TO): a part of a trace, counted from its start. */
#pragma once
#include <stdint.h>
#include "lib/base/error.h"

struct time_range {
	uint64_t from_ns, to_ns; /* since the start; `to` is outside */
};
#define TIME_RANGE_ALL ((struct time_range){0, INT64_MAX})

/* NULL is all of it. -EINVAL: no such range, with a hint. */
int time_range_parse(struct time_range *range, const char *text, struct error *error);

/* A moment of the range in Unix ns; INT64_MAX: beyond what can be said. */
int64_t time_range_unix_ns(int64_t start_unix_ns, uint64_t since_ns);

/* The range in Unix ns; INT64_MIN and INT64_MAX where it has no end. */
void time_range_span(
	const struct time_range *range, int64_t start_unix_ns, int64_t *from_unix_ns, int64_t *to_unix_ns);
