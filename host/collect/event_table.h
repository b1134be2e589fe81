/* SPDX-License-Identifier: MIT */
/* abi/events.def as the host's code needs it: a schema, names, and the groups of -e. */
#pragma once
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/filter/event_selection.h"
#include "lib/model/event_schema.h"

enum {
#define HT_LAYOUT(id, identifier, name, group, ...) EVENT_ID_##identifier = id,
#include "abi/events.def"
};

enum event_table_part {
	EVENT_TABLE_TRACE, /* what a trace's streams hold */
	EVENT_TABLE_NAMES, /* what the names ring holds */
};

/* NULL: out of memory (or events.def is wrong: a unit test makes both). To be freed by event_schema_destroy(). */
struct event_schema *event_table_schema(enum event_table_part part, struct error *error);

/*
 * What -e can name when recording and when reading, for event_selection_parse(); both end with { 0 }. Recording has
 * fewer: not what the module writes by itself. An event of several layouts has a row for each, all with its name;
 * reading, sys_enter also means sys_enter_args.
 */
extern const struct event_choice event_table_choices[];
extern const struct event_choice event_table_read_choices[];
