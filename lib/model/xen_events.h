/* SPDX-License-Identifier: MIT */
/*
 * What the events of Xen 4.17 to 4.20 mean: their names and fields, from xen_events.def.
 *
 *	type = xen_event_type(event.code);        // NULL: unknown, to be shown by number
 *	count = xen_event_decode(type, &event, values);
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/model/xen_event.h"

enum xen_value_kind {
	XEN_VALUE_UNSIGNED,
	XEN_VALUE_SIGNED, /* value is an int64_t */
	XEN_VALUE_HEX,
	XEN_VALUE_FLAG, /* 0, 1 */
	XEN_VALUE_DOMAIN,
	XEN_VALUE_VCPU,    /* domain << 32 | vcpu */
	XEN_VALUE_NS,      /* nanoseconds, unsigned */
	XEN_VALUE_PERCENT, /* value / 2^shift is a part of 1 */
	XEN_VALUE_NAMED,   /* a number that has a name; text is NULL if it has none */
	XEN_VALUE_NONE,    /* the event says that there is none */
};

struct xen_value {
	const char *name;
	const char *text; /* of XEN_VALUE_NAMED */
	uint64_t value;
	uint8_t kind; /* enum xen_value_kind */
	uint8_t shift;
};

/* So many has no event. */
#define XEN_VALUES_MAX 8

struct xen_field;

struct xen_event_type {
	uint32_t code;
	uint8_t extras_min, extras_max;
	uint8_t nr_fields;
	const char *name; /* "runstate_change", "csched2:burn_credits", …; two codes may have one name */
	const struct xen_field *fields;
};

/* The type of an event's code; NULL: unknown. The four-times-four codes of runstate_change have one type. */
const struct xen_event_type *xen_event_type(uint32_t code);

/* All of them, by index from 0 on; NULL: there are no more. */
const struct xen_event_type *xen_event_type_at(unsigned index);

/*
 * Decodes an event of that type. Fields whose words it does not have are left out. Returns how many values there are; names
 * and texts are constants.
 */
unsigned xen_event_decode(const struct xen_event_type *type, const struct xen_event *event,
	struct xen_value values[XEN_VALUES_MAX]);

/* Is it a known event, and does it have as many extra words as such an event has? */
bool xen_event_fits(uint32_t code, unsigned n_extra);

/* "sched", …: of the class in bits 16-27 of a code; NULL: no such. */
const char *xen_class_name(uint32_t code);
/* The class of that name, as XEN_CLASS_…; 0: no such. */
uint32_t xen_class_of_name(const char *name);
