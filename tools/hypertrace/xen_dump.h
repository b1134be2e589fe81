/* SPDX-License-Identifier: MIT */
/* What the parts of `hypertrace xen dump` share. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/model/xen_context.h"
#include "lib/model/xen_events.h"
#include "tools/hypertrace/time_range.h"
#include "tools/hypertrace/xen_input.h"
#include "tools/hypertrace/xen_symbols.h"

#define XEN_DUMP_TYPES 256
#define XEN_DUMP_PCPUS 16384
#define XEN_DUMP_LIST  64
#define XEN_DUMP_NAME  256 /* bytes of a symbol */

/* No line is longer: in JSON eight fields of 128 bytes and the rest. */
#define XEN_DUMP_LINE_BYTES 4096

/* Which events: by kind, place and who they are about. */
struct xen_choice {
	bool all_types, all_pcpus;
	bool types[XEN_DUMP_TYPES]; /* by index of xen_event_type_at() */
	uint32_t classes;           /* of events that are not known; XEN_CLASS_… */
	uint32_t codes[XEN_DUMP_LIST];
	unsigned nr_codes, nr_domains, nr_vcpus;
	uint16_t domains[XEN_DUMP_LIST];
	uint64_t vcpus[XEN_DUMP_LIST]; /* domain << 32 | vcpu */
	struct time_range range;
	uint64_t pcpus[XEN_DUMP_PCPUS / 64];
};

/* As the user gave them; NULL: not. -EINVAL with a hint. */
int xen_choice_init(struct xen_choice *choice, const char *events, const char *pcpus, const char *domains,
	const char *vcpus, const char *time, struct error *error);

/* By kind and place alone. `type`: NULL if not known. */
bool xen_choice_has(
	const struct xen_choice *choice, const struct xen_event *event, const struct xen_event_type *type);
/* By who runs there, or is named in a field; true if the user did not choose. */
bool xen_choice_has_subject(const struct xen_choice *choice, struct xen_running running,
	const struct xen_value *values, unsigned count);

#define XEN_NS_UNKNOWN INT64_MIN

/* One event to be written. */
struct xen_line {
	const struct xen_event *event;
	const struct xen_event_type *type; /* NULL: not known */
	struct xen_running running;
	int64_t ns; /* since the start; XEN_NS_UNKNOWN: no TSC of its pCPU so far */
	const struct xen_value *values;
	unsigned nr_values;
	const char *symbol; /* of the field rip; NULL: not known */
	uint64_t symbol_offset;
};

/* "schedule+0x1c" */
char *xen_put_symbol(char *at, const struct xen_line *line);

/* Each writes a line with its end at `at`, where XEN_DUMP_LINE_BYTES are free, and returns the place behind it. */
char *xen_put_text(char *at, const struct xen_line *line);
char *xen_put_raw(char *at, const struct xen_line *line);
char *xen_put_json(char *at, const struct xen_line *line, bool raw);

struct xen_dump {
	struct xen_input input;
	struct xen_choice choice;
	struct xen_symbols symbols;
	bool raw, json, count, svm;
	int fd;
};

/* The whole trace. Negative errno; the account of what was unusable is the caller's to give. */
int xen_dump_run(struct xen_dump *dump, struct error *error);
