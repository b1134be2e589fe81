/* SPDX-License-Identifier: MIT */
/* abi/events.def as the host's code needs it: a schema, names, and the groups of -e. */
#pragma once
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/strbuf.h"
#include "lib/model/event_schema.h"

#define EVENT_TRACEPOINTS_BYTES 4096 /* as HT_CONTROL_TRACEPOINT_BYTES */

enum {
#define HT_EVENT(id, name, group, ...) EVENT_ID_##name = id,
#include "abi/events.def"
};

enum event_table_part {
	EVENT_TABLE_TRACE, /* what a trace's streams hold */
	EVENT_TABLE_NAMES, /* what the names ring holds */
};

/* NULL: out of memory (or events.def is wrong: a unit test makes both). To be freed by event_schema_destroy(). */
struct event_schema *event_table_schema(enum event_table_part part, struct error *error);

/* What the guest is asked to record. */
struct event_selection {
	uint64_t events;    /* bit n: event id n */
	bool syscall_args;  /* sys_enter_args in place of sys_enter */
	char tracepoints[EVENT_TRACEPOINTS_BYTES]; /* "system:event\n" ..., recorded by way of ftrace */
};

/*
 * Adds to the selection what `list` names, separated by commas: a group (sched, irq, syscalls, timers, faults, marker,
 * all), an event (sched_switch), syscalls:args, or any other tracepoint as SYSTEM:EVENT. The events that say how a
 * guest ends (panic, cpu_state) are always on. -EINVAL: unknown word, the error says what is near or possible.
 */
int event_selection_add(struct event_selection *selection, const char *list, struct error *error);

/* "sched irq syscalls ...", for help texts and errors. */
void event_table_groups(struct strbuf *out);
