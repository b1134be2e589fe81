/* SPDX-License-Identifier: MIT */
/* abi/events.def as the host's code needs it: a schema, names, and the groups of -e. */
#pragma once
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/filter/event_selection.h"
#include "lib/model/event_schema.h"

enum {
#define HT_EVENT(id, name, group, ...) EVENT_ID_##name = id,
#include "abi/events.def"
};

enum event_table_part {
	EVENT_TABLE_TRACE, /* what a trace's streams hold */
	EVENT_TABLE_NAMES, /* what the names ring holds */
};

/* NULL: out of memory (or events.def is wrong: a unit test makes both). To be freed by
 * event_schema_destroy(). */
struct event_schema *event_table_schema(enum event_table_part part, struct error *error);

/* What -e can name, for event_selection_parse(): the groups' events that a user turns on and off. Ends with {
 * 0 }. */
extern const struct event_choice event_table_choices[];
