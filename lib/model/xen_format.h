/* SPDX-License-Identifier: MIT */
/*
 * Events of a Xen trace as text of the user's own making: what xentrace_format did, with its files of rules.
 *
 *	# a comment; empty lines are passed over
 *	0x0001f003  CPU%(cpu)d cpu_change 0x%(1)08x
 *	0           CPU%(cpu)d %(tsc)d (+%(reltsc)8d) unknown 0x%(event)x
 *
 * A rule is an event's number (hex with 0x, octal with 0, else decimal), white space, and a text with the directives of
 * Python's % operator: %(NAME), flags of "#0- +", width, precision, conversion. The last rule of an event counts, that of
 * event 0 is for those without one. Names: cpu, tsc, reltsc (TSC units since the last record of that CPU with a TSC), event,
 * 1 to 7 (the record's extra words; 0 where it has none). Conversions: d i u o x X c s r and, for tsc in seconds, e E f F
 * g G. %#o is Python 2's: 017.
 *
 * As in the original, the argument bits of a hypercall's number are taken off, and trace_irq (0x1f004: vector, and the low
 * halves of two TSCs) is shown as vector, and how often, how long together and how long at most it took so far.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/strbuf.h"

#define XEN_FORMAT_FILE_LIMIT    (4u << 20) /* bytes */
#define XEN_FORMAT_LINE_LIMIT    4096
#define XEN_FORMAT_WIDTH_MAX     256 /* also of precisions */
#define XEN_FORMAT_EXTRAS        7
#define XEN_FORMAT_CPUS_MAX      4096
#define XEN_FORMAT_EVENT_CPU     0x0001f003u /* the records after it are of another CPU: its first extra word */
#define XEN_FORMAT_DEFAULT_EVENT 0

struct xen_format;

/* A record as it is in the file. */
struct xen_format_record {
	uint32_t cpu; /* below XEN_FORMAT_CPUS_MAX */
	uint32_t event;
	bool has_tsc;
	uint64_t tsc; /* 0 without one */
	uint32_t extra[XEN_FORMAT_EXTRAS];
};

/*
 * Reads rules. -EINVAL: a line that is none; the error says its number and what is wrong, not the file. -E2BIG: a line too
 * long. -ENOMEM. `mhz`: shows tsc in seconds, of a TSC of that frequency; 0: as it is.
 */
int xen_format_create(
	struct xen_format **format, const char *text, size_t bytes, uint32_t mhz, struct error *error);
void xen_format_destroy(struct xen_format *format);

/*
 * Appends the record's line, if a rule is for it, and before it a line that says so if the CPU's TSC went back. Remembers
 * the TSC. To be called for every record, in the file's order.
 */
void xen_format_put(struct xen_format *format, const struct xen_format_record *record, struct strbuf *out);
