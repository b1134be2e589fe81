/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/graph_weight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool graph_function_is_idle(const struct call_function *function)
{
	/* kernel/sched/idle.c and what it calls to halt; which of them can be traced differs */
	static const char *const names[] = {"do_idle", "default_idle_call", "default_idle", "arch_cpu_idle",
		"call_cpuidle", "cpuidle_enter", "cpuidle_enter_state", "cpu_startup_entry",
		"native_safe_halt", "pv_native_safe_halt", "acpi_safe_halt", "acpi_idle_do_entry",
		"acpi_idle_enter", "mwait_idle", "intel_idle"};

	for (size_t i = 0; function->name && i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(function->name, names[i]))
			return true;
	return false;
}

/* Where time on a CPU is not known, what the idle task calls to give its CPU away is as idle as itself. */
static bool is_idling(const struct call_graph *graph, const struct call_node *node)
{
	const struct call_function *function = &graph->functions[node->function];

	return graph_function_is_idle(function) ||
		(!graph->timed && function->name && !strcmp(function->name, "schedule_idle"));
}

uint64_t graph_weights_own(const struct graph_weights *weights, uint32_t number)
{
	const struct call_node *node = call_graph_node(weights->graph, number);

	switch (weights->measure) {
	case GRAPH_MEASURE_CPU:
		return is_idling(weights->graph, node) ? 0 : node->self.on_ns;
	case GRAPH_MEASURE_WALL:
		return node->self.wall_ns;
	default:
		return node->calls;
	}
}

int graph_weights_init(
	struct graph_weights *weights, const struct call_graph *graph, enum graph_measure measure)
{
	const bool has_times = graph->timed || graph->events.spans;

	*weights = (struct graph_weights){.graph = graph,
		.measure = has_times ? measure : GRAPH_MEASURE_CALLS,
		.sums = calloc(graph->nr_nodes, sizeof(*weights->sums))};
	if (!weights->sums)
		return -ENOMEM;
	/* a node comes after the one that it is below */
	for (uint32_t node = graph->nr_nodes - 1; node != CALL_ROOT; node--) {
		weights->sums[node] += graph_weights_own(weights, node);
		weights->sums[graph->nodes[node].parent] += weights->sums[node];
	}
	return 0;
}

void graph_weights_deinit(struct graph_weights *weights)
{
	free(weights->sums);
	*weights = (struct graph_weights){0};
}

struct child {
	uint64_t weight;
	uint32_t node;
};

static int compare(const void *a, const void *b)
{
	const struct child *one = a, *other = b;

	if (one->weight != other->weight)
		return one->weight > other->weight ? -1 : 1;
	return one->node < other->node ? -1 : one->node > other->node;
}

uint32_t *graph_weights_children(
	const struct graph_weights *weights, uint32_t node, uint64_t least, size_t *count)
{
	const struct call_graph *graph = weights->graph;
	struct child *children;
	uint32_t *order;
	size_t used = 0, all = 0;

	*count = 0;
	for (uint32_t child = graph->nodes[node].first_child; child; child = graph->nodes[child].next_sibling)
		all += weights->sums[child] >= least && weights->sums[child];
	if (!all)
		return NULL;
	children = malloc(all * sizeof(*children));
	order = malloc(all * sizeof(*order));
	for (uint32_t child = graph->nodes[node].first_child; children && child;
		child = graph->nodes[child].next_sibling)
		if (weights->sums[child] >= least && weights->sums[child])
			children[used++] = (struct child){weights->sums[child], child};
	if (!children || !order) {
		free(children);
		free(order);
		return NULL;
	}
	qsort(children, used, sizeof(*children), compare);
	for (size_t i = 0; i < used; i++)
		order[i] = children[i].node;
	free(children);
	*count = used;
	return order;
}

const char *graph_weights_name(const struct graph_weights *weights)
{
	static const char *const names[] = {
		[GRAPH_MEASURE_CPU] = "time on a CPU",
		[GRAPH_MEASURE_WALL] = "time",
		[GRAPH_MEASURE_CALLS] = "calls",
	};

	/* of calls that were recorded alone nobody knows when they had a CPU */
	if (weights->measure == GRAPH_MEASURE_CPU && !weights->graph->timed)
		return "time, idling left out";
	return names[weights->measure];
}
