/* SPDX-License-Identifier: MIT */
/* How much each node of a call tree has, with all below it: what trees, flame graphs and folded stacks are drawn by. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/analysis/call_graph.h"

enum graph_measure {
	GRAPH_MEASURE_CPU,   /* ns on a CPU */
	GRAPH_MEASURE_WALL,  /* ns as they pass, sleeping included */
	GRAPH_MEASURE_CALLS, /* all that there is where the trace has entries only */
};

struct graph_weights {
	const struct call_graph *graph;
	enum graph_measure measure; /* calls, whatever was asked for, where there are no times */
	uint64_t *sums;             /* by node: its own and those of all nodes below */
};

/* The graph must live as long. -ENOMEM; good for _deinit(). */
int graph_weights_init(
	struct graph_weights *weights, const struct call_graph *graph, enum graph_measure measure);
void graph_weights_deinit(struct graph_weights *weights);
#define cleanup_graph_weights __attribute__((cleanup(graph_weights_deinit)))

/* A node's own, without what it called. */
uint64_t graph_weights_own(const struct graph_weights *weights, uint32_t node);

/* The nodes called by one that have at least `least`, the heaviest first; heap, *count. NULL: none, or no memory. */
uint32_t *graph_weights_children(
	const struct graph_weights *weights, uint32_t node, uint64_t least, size_t *count);

/* Does its own time say only that a CPU had nothing to do? It has no weight where time on a CPU is asked for. */
bool graph_function_is_idle(const struct call_function *function);

/* What they weigh: "time on a CPU", "time", "calls", … */
const char *graph_weights_name(const struct graph_weights *weights);
