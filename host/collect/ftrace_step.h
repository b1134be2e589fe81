/* SPDX-License-Identifier: MIT */
/* One field on its way from a record of a guest's ftrace into one of our layouts. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/collect/ftrace_events.h"
#include "lib/model/event_schema.h"

#define FTRACE_PLACE_MAX 32767u /* of a field in a record, and its size: 16 bits hold the sum */

enum ftrace_step_kind {
	FTRACE_STEP_INTEGER,
	FTRACE_STEP_COPY, /* bytes as they are: integers that need no change, and comms; of several fields at a time */
	FTRACE_STEP_PATH, /* the last part of a dynamic text's path, as 16 bytes of comm */
	FTRACE_STEP_ZERO,
	FTRACE_STEP_TAIL, /* anything with a length of its own */
};

struct ftrace_step {
	uint8_t kind;   /* enum ftrace_step_kind */
	uint8_t source; /* enum ftrace_field_kind */
	bool is_signed; /* the source's integer */
	bool fits_all;  /* no value can be too large */
	uint8_t shift, bits;
	bool to_signed;
	bool is_open; /* an integer that the next step's shares its 8 bytes with: stored with it */
	uint16_t from, from_bytes; /* in the record */
	uint16_t byte;             /* in our payload */
};

/* The half of a step that a field of ours says. */
struct ftrace_step ftrace_step_to(const struct event_field *field);

/* The other half. `kind`: FTRACE_STEP_PATH, or INTEGER for the natural one. False: that field cannot become this. */
bool ftrace_step_from(
	struct ftrace_step *step, const struct ftrace_field *source, enum ftrace_step_kind kind);

/* Does more of the work that `before` does at a time. False: they stay two. */
bool ftrace_step_join(struct ftrace_step *before, struct ftrace_step *step);

/* What a field is in a layout of its own. */
enum event_field_kind ftrace_step_natural(const struct ftrace_field *source, unsigned *bits);
