/* SPDX-License-Identifier: MIT */
/* -e, -f, --time and --machine: the part of a trace that `dump` and `report` are asked for. */
#pragma once
#include "lib/filter/event_selection.h"
#include "lib/filter/filter.h"
#include "lib/reader/trace.h"
#include "tools/hypertrace/options.h"
#include "tools/hypertrace/time_range.h"

struct reading_options {
	struct string_list events;
	const char *filter, *time, *machine;
};

/* clang-format off */
#define READING_OPTION(type, member) offsetof(type, reading.member)
/* For the table of a verb whose struct of options has a `struct reading_options reading`. */
#define READING_OPTION_SPECS(type) \
	{'e', "events", "LIST", OPTION_LIST, READING_OPTION(type, events), \
		"only these: groups (sched, irq, syscalls, ...), events, SYSTEM:EVENT; '!' takes out; default all"}, \
	{'f', "filter", "EXPR", OPTION_STRING, READING_OPTION(type, filter), \
		"only of some tasks, CPUs or durations: 'pid==100-199', 'comm==bash|make,cpu!=0', 'syscall.duration>1ms'"}, \
	{'t', "time", "FROM-TO", OPTION_STRING, READING_OPTION(type, time), \
		"only this part, counted from the trace's start: '1.5-2', '200ms-', '-10s'; FROM..TO is the same"}, \
	{'m', "machine", "NAME", OPTION_STRING, READING_OPTION(type, machine), "only this machine"}
/* clang-format on */

/* The options, read. */
struct trace_part {
	bool all_events;
	struct event_selection selection; /* what of -e the module's events go by */
	char events[1024];                /* -e, whole */
	struct filter filter;
	uint64_t cpus[TRACE_CPUS_MAX / 64]; /* bit set of those that the filter lets pass */
	struct time_range range;
};

/*
 * Touches no file. Words of -e that are no event of ours may be events of the trace, see trace_part_check().
 * -EINVAL: what is wrong, with a hint; -ENOMEM.
 */
int trace_part_parse(struct trace_part *part, const struct reading_options *options, struct error *error);

/* -EINVAL: a word of -e is neither an event of ours nor (also as a shell pattern) of the trace. */
int trace_part_check(const struct trace_part *part, const struct trace *trace, struct error *error);

/* Is an event of that name wanted? Generic tracepoints go by `selection`. */
bool trace_part_selects(const struct trace_part *part, const char *name);

/* -f of verbs that have no use for conditions on durations: filter_parse(), and -EINVAL with a hint for these. */
int filter_parse_plain(struct filter *filter, const char *text, struct error *error);

/* The index of --machine; -1 where none is given; -ENOENT. */
int reading_options_machine(
	const struct reading_options *options, const struct trace *trace, int *machine, struct error *error);

/* The traces that a verb's operands name; without any the one that `run` and `record` make. Errors of trace_open(). */
int open_traces(int count, char **paths, struct trace **trace, struct error *error);
