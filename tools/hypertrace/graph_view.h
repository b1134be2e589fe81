/* SPDX-License-Identifier: MIT */
/* What `hypertrace graph` found out, for those that show it: graph_text.c, graph_json.c, and one file for each further view. */
#pragma once
#include <jansson.h>
#include <stdio.h>
#include "tools/hypertrace/graph_feed.h"
#include "tools/hypertrace/text_put.h"

enum graph_sort {
	GRAPH_BY_SELF,
	GRAPH_BY_TOTAL,
	GRAPH_BY_CALLS,
	GRAPH_BY_MEAN,
	GRAPH_BY_MAX,
	GRAPH_BY_P99,
	GRAPH_BY_NAME,
};

struct graph_view {
	struct graph_feed feed;
	enum graph_sort sort;
	size_t top; /* rows of a table; 0: all */
};

/* The functions of a machine that were called, sorted; heap, *count of them. NULL: none, or no memory. */
uint32_t *graph_view_functions(const struct call_graph *graph, enum graph_sort sort, size_t *count);

/* Mean ns of the calls that returned. */
uint64_t graph_view_mean_ns(const struct call_function *function);

/* The function of that name in any machine; -ENOENT, with the nearest names. */
int graph_view_find(const struct graph_view *view, const char *name, struct error *error);

/* That function of a machine; CALL_UNKNOWN: it was not called there. Of several of that name the one with most calls. */
uint32_t graph_view_function(const struct call_graph *graph, const char *name);

/* How many of `count` rows to show. */
size_t graph_view_shown(const struct graph_view *view, size_t count);

/* --- graph_text.c --- */

/* A machine's first lines: kernel, calls, what is known of time, what was lost; before every view of it. */
void graph_text_head(const struct graph_machine *machine, FILE *out, bool colour);

void graph_report_text(const struct graph_view *view, FILE *out, bool colour);
void graph_top_text(const struct graph_view *view, FILE *out, bool colour);
void graph_callers_text(
	const struct graph_view *view, const char *name, bool callees, FILE *out, bool colour);

/* --- graph_json.c: one document each; times in ns. -ENOMEM. --- */

/* The document's beginning, and a machine's; new references. joint_json_write() of joint_json.h writes it. */
json_t *graph_json_head(const struct graph_view *view);
json_t *graph_json_machine(const struct graph_machine *machine);

int graph_report_json(const struct graph_view *view, FILE *out);
int graph_callers_json(const struct graph_view *view, const char *name, bool callees, FILE *out);

/* --- graph_trace.c: every call in its place --- */

struct graph_trace_options {
	bool json;      /* lines of JSON, one for each call that is over */
	uint64_t depth; /* calls below so many others are left out; 0: none */
};
int graph_trace(
	struct graph_feed *feed, const struct graph_trace_options *options, FILE *out, struct error *error);
