/* SPDX-License-Identifier: MIT */
/* What a verb could not read of a trace: said last, as an error, or by its JSON document. */
#pragma once
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/reader/trace_reader.h"

struct trace_damage {
	uint64_t packets;   /* that could not be read whole */
	struct error first; /* what is wrong with the first of them */
};

/* Adds what a reader has met. */
void trace_damage_take(struct trace_damage *damage, const struct trace_reader *reader);

/* Adds what another pass has met. */
void trace_damage_add(struct trace_damage *damage, const struct trace_damage *more);

/* The damage as an error; 0: there is none. */
int trace_damage_error(const struct trace_damage *damage, struct error *error);
