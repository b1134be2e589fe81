/* SPDX-License-Identifier: MIT */
/*
 * -e LIST: which events. Words separated by ',': a group (sched, irq, syscalls, …), an event, "system:event"
 * for a tracepoint of the kernel by its own name, "all" for every event of the table, or one of these with
 * '!' in front, which takes out what the words before it put in.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

#define EVENT_SELECTION_TRACEPOINTS_BYTES 4096

/* What the caller knows of events; a table ends with { 0 }. */
struct event_choice {
	const char *name, *group;
	uint32_t id; /* below 4096 */
};

struct event_selection {
	uint64_t ids[64]; /* bit set of event ids */
	size_t nr_tracepoints;
	char tracepoints[EVENT_SELECTION_TRACEPOINTS_BYTES]; /* "system:event\n" each, NUL-terminated */
};

/* -EINVAL: an unknown word (the error says which is nearest, the hint lists them), an empty one, too many. */
int event_selection_parse(struct event_selection *selection, const char *list,
	const struct event_choice *choices, struct error *error);

static inline bool event_selection_has(const struct event_selection *selection, uint32_t id)
{
	return id < 4096 && selection->ids[id / 64] >> (id % 64) & 1;
}

/* Is a tracepoint ("system:event") in it by name? */
bool event_selection_has_tracepoint(const struct event_selection *selection, const char *name);
