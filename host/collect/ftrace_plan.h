/* SPDX-License-Identifier: MIT */
/*
 * How the records of a guest's ftrace become those of our traces. What abi/events.def knows by name takes its compact
 * layout, so that every analysis works on it as on the module's; everything else a layout of its own with all its
 * fields. A plan is made when a type is first seen; the schema grows with them.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/collect/ftrace_buffer.h"
#include "host/collect/ftrace_events.h"
#include "host/collect/ftrace_selection.h"
#include "lib/model/event_schema.h"

#define FTRACE_PAYLOAD_MAX (EVENT_FIXED_BYTES_MAX + 2 * EVENT_FIELDS_MAX + 65536)
#define FTRACE_ID_CURRENT  30 /* of EVENT_CURRENT_TASK: has the short header */
#define FTRACE_ID_COMM     29 /* of EVENT_TASK_COMM */

struct ftrace_step;

/* One layout of one type. */
struct ftrace_plan {
	uint32_t id; /* in the schema */
	uint16_t fixed_bytes;
	uint16_t need_bytes;  /* of a record, for all steps */
	uint16_t clear_bytes; /* of the payload, from its start: those behind are all written by copies */
	uint16_t nr_steps;
	struct ftrace_step *steps;
	struct ftrace_plan *wider; /* for values that do not fit; NULL: this takes them all */
	/* beside the trace: whom a record names */
	bool is_switch;
	uint16_t pid_offset, comm_offset; /* comm_offset 0: nobody */
	bool renames; /* its payload says what a task is called from here on, at these places */
	uint16_t renamed_pid, renamed_comm;
	uint16_t irq_offset, irq_name_offset; /* irq_name_offset 0: none */
};

struct ftrace_plans {
	struct ftrace_events *events;
	const struct ftrace_selection *selection;
	const struct event_schema *known; /* abi/events.def */
	struct event_schema *schema;      /* of the trace */
	struct ftrace_plan **by_type;     /* 65536 of them; NULL: not seen yet */
	bool has_grown;                   /* the schema, since somebody set this to false */
	uint32_t next_id;
};

/* -ENOMEM. `events`, `selection` and `known` must outlive it. */
int ftrace_plans_init(struct ftrace_plans *plans, struct ftrace_events *events,
	const struct ftrace_selection *selection, const struct event_schema *known, struct error *error);
void ftrace_plans_deinit(struct ftrace_plans *plans);

/* NULL: not selected, or (rarely, then ftrace_plans_failed()) no memory or no number left for it. */
const struct ftrace_plan *ftrace_plans_make(struct ftrace_plans *plans, uint16_t type);

/* In by_type, with id 0: seen, and not wanted; seen, and cannot be told. */
extern const struct ftrace_plan ftrace_plan_skip, ftrace_plan_none;

static inline const struct ftrace_plan *ftrace_plans_find(struct ftrace_plans *plans, uint16_t type)
{
	const struct ftrace_plan *plan = plans->by_type[type];

	if (__builtin_expect(!plan, 0))
		return ftrace_plans_make(plans, type);
	return plan->id ? plan : NULL;
}

/* Of a type without a plan: is it wanted all the same? */
static inline bool ftrace_plans_failed(const struct ftrace_plans *plans, uint16_t type)
{
	return plans->by_type[type] == &ftrace_plan_none;
}

/*
 * Writes a record's payload to `out` (FTRACE_PAYLOAD_MAX bytes and 8 more, of which those behind the payload are of no meaning) by the narrowest layout that holds it, and
 * says which that is. Returns its bytes; 0 of a type without fields is no error.
 */
uint32_t ftrace_plan_encode(
	const struct ftrace_plan **plan, const struct ftrace_record *record, uint8_t *out);
