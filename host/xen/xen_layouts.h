/* SPDX-License-Identifier: MIT */
/*
 * Xen's own events in a converted trace: each as xen_NAME with the fields that lib/model/xen_events.h decodes; one that is not
 * known, or has not the words that such an event has, as xen_0xCODE with its words.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "host/collect/host_events.h"
#include "host/xen/xen_survey.h"
#include "lib/base/hash_map.h"
#include "lib/model/event_schema.h"
#include "lib/model/xen_events.h"

#define XEN_PAYLOAD_MAX   HOST_PAYLOAD_MAX
#define XEN_LAYOUT_FIRST  18 /* the first id of Xen's events: the most frequent ones get the short ids … */
#define XEN_LAYOUT_SHORT  12 /* … that those of xen_schema.h and collector_events.def leave, so many */
#define XEN_LAYOUT_LONG   32 /* … and the others those from here on */
#define XEN_LAYOUT_FIELDS 16

/* What of a decoded value a field holds. */
enum xen_layout_part {
	XEN_LAYOUT_VALUE,
	XEN_LAYOUT_DOMAIN, /* of a vCPU */
	XEN_LAYOUT_VCPU,
	XEN_LAYOUT_SHIFT,    /* of a part of 1 */
	XEN_LAYOUT_WORD,     /* an extra word as it is */
	XEN_LAYOUT_ARGUMENT, /* of a hypercall: which one */
};

struct xen_layout_field {
	char name[32];
	const char *source; /* the decoded value's name: that very pointer */
	uint8_t part;       /* enum xen_layout_part */
	uint8_t number;     /* of the word or argument */
	uint8_t kind;       /* enum event_field_kind */
	uint8_t bytes;      /* 1, 2, 4, 8; all ones where the event says that there is none */
};

struct xen_layout {
	const struct xen_event_type *type; /* NULL: of words */
	uint32_t id, code;
	uint32_t nr_fields;
	struct xen_layout_field fields[XEN_LAYOUT_FIELDS];
};

/* Which event of Xen's has which id, and how it is laid out. */
struct xen_layouts {
	struct xen_layout *layouts;
	size_t count;
	struct hash_map
		by_code; /* code -> index + 1 of its layout, << 16 | that of the events of it that do not fit */
};

/* Of the events that the survey has seen. -ENOMEM; good for xen_layouts_deinit() all the same. */
int xen_layouts_init(struct xen_layouts *layouts, const struct xen_survey *survey);
void xen_layouts_deinit(struct xen_layouts *layouts);

/* Adds them to a machine's events. Errors of event_schema_add_type(). */
int xen_layouts_describe(const struct xen_layouts *layouts, struct event_schema *schema, struct error *error);

/* Writes the payload to `at` (XEN_PAYLOAD_MAX bytes), its size to *bytes. Returns the id; 0: it has none. */
uint32_t xen_layouts_encode(
	const struct xen_layouts *layouts, const struct xen_event *event, uint8_t *at, uint32_t *bytes);
