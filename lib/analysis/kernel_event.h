/* SPDX-License-Identifier: MIT */
/*
 * The kernel's events that analyses understand, found in a trace's schema by their names, so that traces of
 * other versions, with other numbers and layouts, stay readable, and every layout of an event is found. One that
 * lacks a field it needs is KERNEL_EVENT_OTHER.
 */
#pragma once
#include <stdint.h>
#include <string.h>
#include "lib/model/event_schema.h"

/* '?': not in every layout, see kernel_event_has(). */
enum kernel_event_kind { /* value(0), value(1), …            text */
	KERNEL_EVENT_OTHER,
	KERNEL_EVENT_LOST,      /* count */
	KERNEL_EVENT_SWITCH,    /* next_pid, prev_state */
	KERNEL_EVENT_WAKING,    /* pid */
	KERNEL_EVENT_MIGRATE,   /* pid */
	KERNEL_EVENT_FORK,      /* child_pid, child_tgid, parent_pid? child_comm */
	KERNEL_EVENT_EXEC,      /* pid                               comm */
	KERNEL_EVENT_RENAME,    /* pid                               comm */
	KERNEL_EVENT_EXIT,      /* pid */
	KERNEL_EVENT_IRQ_ENTRY, /* irq */
	KERNEL_EVENT_IRQ_EXIT,
	KERNEL_EVENT_SOFTIRQ_RAISE, /* vec */
	KERNEL_EVENT_SOFTIRQ_ENTRY,
	KERNEL_EVENT_SOFTIRQ_EXIT,
	KERNEL_EVENT_SYS_ENTER,     /* nr */
	KERNEL_EVENT_SYS_EXIT,      /* ret, nr unless it is in the task's sys_enter only */
	KERNEL_EVENT_HRTIMER_ENTRY, /* function */
	KERNEL_EVENT_HRTIMER_EXIT,
	KERNEL_EVENT_TIMER_ENTRY, /* function */
	KERNEL_EVENT_TIMER_EXIT,
	KERNEL_EVENT_FAULT_USER,      /* ip, error_code */
	KERNEL_EVENT_FAULT_KERNEL,    /* ip, error_code */
	KERNEL_EVENT_MARKER,          /* pid                            text */
	KERNEL_EVENT_SPAN,            /* pair, key, value, duration_tsc */
	KERNEL_EVENT_TRACEPOINT,      /* format */
	KERNEL_EVENT_GUEST_END,       /* reason                         message */
	KERNEL_EVENT_INITCALL_LEVEL,  /*                             level */
	KERNEL_EVENT_INITCALL_START,  /* func */
	KERNEL_EVENT_INITCALL_FINISH, /* func, ret? */
	KERNEL_EVENT_MODULE_LOAD,     /*                             name */
	KERNEL_EVENT_CONSOLE,         /*                             msg */
	KERNEL_EVENT_FUNCGRAPH_ENTRY, /* func, depth */
	KERNEL_EVENT_FUNCGRAPH_EXIT,  /* func, depth, calltime?, rettime? */
	KERNEL_EVENT_FUNCTION,        /* ip, parent_ip? */
	KERNEL_EVENT_FUNC_ENTRY,      /* function */
	KERNEL_EVENT_FUNC_EXIT,
	KERNEL_EVENT_FUNC_SPAN,   /* function, duration_tsc */
	KERNEL_EVENT_FUNC_MISSED, /* cause, count */
	KERNEL_EVENT_KINDS,
};

#define KERNEL_EVENT_VALUES 4

struct kernel_event_layout {
	uint8_t kind; /* enum kernel_event_kind */
	uint16_t text_offset;
	const struct event_field *values[KERNEL_EVENT_VALUES]; /* the schema's; NULL: not there */
};

/* By the event's id; ids below EVENT_TYPES_MAX. The schema must outlive it. */
struct kernel_events {
	struct kernel_event_layout layouts[EVENT_TYPES_MAX];
};

/*
 * `lost_type`: the reader's type of events that stand for lost ones, its id and its field `count`; NULL: none. It must outlive
 * it, too.
 */
void kernel_events_init(
	struct kernel_events *events, const struct event_schema *schema, const struct event_type *lost_type);

/* Of a value that is there. `payload` must have 8 readable bytes from every field on; a signed value is to be cast. */
static inline uint64_t kernel_event_value(
	const struct kernel_event_layout *layout, unsigned number, const uint8_t *payload)
{
	return event_field_value(layout->values[number], payload);
}

static inline bool kernel_event_has(const struct kernel_event_layout *layout, unsigned number)
{
	return layout->values[number];
}

/* A comm's 16 bytes. */
static inline const uint8_t *kernel_event_comm(
	const struct kernel_event_layout *layout, const uint8_t *payload)
{
	return payload + layout->text_offset;
}

static inline const uint8_t *kernel_event_text(
	const struct kernel_event_layout *layout, const uint8_t *payload, uint32_t *bytes)
{
	uint16_t length;

	memcpy(&length, payload + layout->text_offset, sizeof(length));
	*bytes = length;
	return payload + layout->text_offset + sizeof(length);
}
