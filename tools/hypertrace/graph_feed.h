/* SPDX-License-Identifier: MIT */
/* A trace's functions, in one pass: for the views of `hypertrace graph`. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/analysis/call_graph.h"
#include "lib/analysis/stolen_time.h"
#include "lib/reader/trace_reader.h"
#include "tools/hypertrace/reading_options.h"
#include "tools/hypertrace/trace_damage.h"

/* What the user gives. */
struct graph_part {
	const char *filter, *time, *machine;
	struct string_list functions;
};

/* clang-format off */
#define GRAPH_PART_SPECS(type) \
	{'f', "filter", "EXPR", OPTION_STRING, offsetof(type, part.filter), \
		"only of some tasks or CPUs: 'pid==100-199', 'comm==bash|make,cpu!=0'"}, \
	{'t', "time", "FROM-TO", OPTION_STRING, offsetof(type, part.time), \
		"only this part, counted from the trace's start: '1.5-2', '200ms-', '-10s'"}, \
	{'m', "machine", "NAME", OPTION_STRING, offsetof(type, part.machine), "only this machine"}, \
	{'F', "function", "PATTERN", OPTION_LIST, offsetof(type, part.functions), \
		"only calls of these functions, and what they call: 'vfs_*'; may be given several times"}
/* clang-format on */

struct graph_feed;

/* A machine of the trace, in the order of trace->machines. */
struct graph_machine {
	struct trace_machine *machine;
	struct graph_feed *feed;
	bool wanted;                         /* by --machine, and it has events of functions */
	bool entries_only;                   /* its func_entry events have no func_exit */
	struct kernel_events *kernel_events; /* of those that are wanted */
	struct call_graph *graph;            /* after graph_feed_run(), of those that are wanted */
	struct stolen_time *stolen;          /* what a host of the trace says of it; NULL: none does */
	struct call_stacks *stacks;          /* to be told of that in a pass: graph's, or the caller's */
};

struct graph_feed {
	struct trace *trace;
	struct graph_machine *machines;
	uint32_t nr_machines;
	struct filter filter; /* of tasks; `cpus` has its CPUs */
	uint64_t cpus[TRACE_CPUS_MAX / 64];
	bool has_cpus;
	struct string_list functions;
	struct time_range range;
	int64_t start_ns;       /* Unix ns of the first event */
	int64_t from_ns, to_ns; /* Unix ns of the part asked for; INT64_MIN and INT64_MAX: all */
	struct trace_damage damage;
};

/* Reads what the user gave, before any file is touched. -EINVAL: what is wrong, with a hint. */
int graph_feed_parse(struct graph_feed *feed, const struct graph_part *part, struct error *error);

/*
 * Opens the traces that the operands name. Errors of trace_open(); -ENOENT: no such machine, or no events of functions;
 * -ENOMEM. Good for graph_feed_deinit() all the same.
 */
int graph_feed_open(
	struct graph_feed *feed, int count, char **paths, const struct graph_part *part, struct error *error);
void graph_feed_deinit(struct graph_feed *feed);

/* Makes the call graphs of the machines that are wanted. -ENOMEM. */
int graph_feed_run(struct graph_feed *feed, struct error *error);

/* The two halves of it, for who walks by himself: between them every event goes to call_graph_add(). */
int graph_feed_begin(struct graph_feed *feed, struct error *error);
void graph_feed_finish(struct graph_feed *feed);

/* Another use of the same pass: every event of wanted machines, also before the part asked for, until its end. */
typedef void graph_event_fn(
	void *context, struct graph_machine *machine, const struct trace_event *event, uint64_t now_ns);
int graph_feed_walk(struct graph_feed *feed, graph_event_fn *take, void *context, struct error *error);

/* By -f: the task of a machine, by its name now. */
bool graph_feed_wants_task(const struct graph_machine *machine, uint32_t pid);
/* By --function. */
bool graph_feed_wants_function(const struct graph_feed *feed, const char *name);

/* A function's name, or its address, or "[unknown]"; raw. */
struct graph_name {
	char text[128];
};
struct graph_name graph_function_name(const struct call_graph *graph, uint32_t function);
