/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/xen_format_defaults.h"

#include "lib/model/xen_events.h"

static const char beginning[] = "CPU%(cpu)d  %(tsc)d (+%(reltsc)8d)  ";

/* Its runstates are in its code: one rule each. */
#define RUNSTATE_CHANGE 0x21001u
#define RUNSTATES       4

static void print_beginning(FILE *out, uint32_t code)
{
	fprintf(out, "0x%08x  %s", code, beginning);
}

static void print_words(FILE *out, unsigned words)
{
	fputs(words ? "  [" : "", out);
	for (unsigned i = 1; i <= words; i++)
		fprintf(out, " 0x%%(%u)08x", i);
	fputs(words ? " ]\n" : "\n", out);
}

static void print_runstates(FILE *out)
{
	static const char *const names[RUNSTATES] = {"running", "runnable", "blocked", "offline"};

	for (unsigned from = 0; from < RUNSTATES; from++)
		for (unsigned to = 0; to < RUNSTATES; to++)
			if (from != to) {
				print_beginning(out, RUNSTATE_CHANGE | from << 8 | to << 4);
				fprintf(out, "%s_to_%s", names[from], names[to]);
				print_words(out, 1);
			}
}

/* All words that it may have: what they mean is for the reader to write. */
static void print_type(FILE *out, const struct xen_event_type *type)
{
	print_beginning(out, type->code);
	fputs(type->name, out);
	print_words(out, type->extras_max == XEN_EXTRAS_MAX && !type->nr_fields ? 0 : type->extras_max);
}

void xen_format_print_defaults(FILE *out)
{
	const struct xen_event_type *type;

	fputs("# Rules of hypertrace xen format: an event's number and the text of its records. 0: of all others.\n"
	      "# %(cpu)d %(tsc)d %(reltsc)d %(event)x, and %(1)d to %(7)d, the record's words.\n\n",
		out);
	print_beginning(out, 0);
	fputs("unknown (0x%(event)08x)", out);
	print_words(out, XEN_EXTRAS_MAX);
	print_beginning(out, XEN_CPU_CHANGE);
	fputs("cpu_change  [ window = %(2)d bytes ]\n", out);
	print_runstates(out);
	for (unsigned i = 0; (type = xen_event_type_at(i)); i++)
		if (type->code != RUNSTATE_CHANGE && type->code != XEN_CPU_CHANGE)
			print_type(out, type);
}
