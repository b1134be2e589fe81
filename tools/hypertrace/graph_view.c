/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/graph_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/suggest.h"

uint64_t graph_view_mean_ns(const struct call_function *function)
{
	const struct histogram *durations = call_function_durations(function);

	return durations->count ? durations->sum / durations->count : 0;
}

/* What rows are sorted by, the largest first. */
static uint64_t sort_value(const struct call_function *function, enum graph_sort sort)
{
	switch (sort) {
	case GRAPH_BY_SELF:
		return function->self.on_ns;
	case GRAPH_BY_TOTAL:
		return function->total.wall_ns;
	case GRAPH_BY_MEAN:
		return graph_view_mean_ns(function);
	case GRAPH_BY_MAX:
		return call_function_durations(function)->max;
	case GRAPH_BY_P99:
		return histogram_percentile(call_function_durations(function), 99);
	default:
		return function->calls;
	}
}

struct row {
	uint64_t value;
	uint32_t function;
	const struct call_function *place;
};

static int compare_rows(const void *a, const void *b)
{
	const struct row *one = a, *other = b;

	if (one->value != other->value)
		return one->value > other->value ? -1 : 1;
	if (one->place->calls != other->place->calls)
		return one->place->calls > other->place->calls ? -1 : 1;
	return one->place->address < other->place->address ? -1 : one->place->address > other->place->address;
}

static int compare_names(const void *a, const void *b)
{
	const struct row *one = a, *other = b;
	int order = strcmp(
		one->place->name ? one->place->name : "", other->place->name ? other->place->name : "");

	return order ? order : compare_rows(a, b);
}

uint32_t *graph_view_functions(const struct call_graph *graph, enum graph_sort sort, size_t *count)
{
	struct row *rows = calloc(graph->nr_functions, sizeof(*rows));
	uint32_t *order = calloc(graph->nr_functions, sizeof(*order));
	size_t used = 0;

	*count = 0;
	for (uint32_t i = 0; rows && i < graph->nr_functions; i++) {
		const struct call_function *place = &graph->functions[i];

		if (place->calls || place->self.wall_ns)
			rows[used++] =
				(struct row){sort == GRAPH_BY_NAME ? 0 : sort_value(place, sort), i, place};
	}
	if (!rows || !order || !used) {
		free(rows);
		free(order);
		return NULL;
	}
	qsort(rows, used, sizeof(*rows), sort == GRAPH_BY_NAME ? compare_names : compare_rows);
	for (size_t i = 0; i < used; i++)
		order[i] = rows[i].function;
	free(rows);
	*count = used;
	return order;
}

uint32_t graph_view_function(const struct call_graph *graph, const char *name)
{
	uint32_t found = CALL_UNKNOWN;

	for (uint32_t i = 1; i < graph->nr_functions; i++) {
		const struct call_function *place = &graph->functions[i];

		if (place->name && !strcmp(place->name, name) &&
			(!found || place->calls > graph->functions[found].calls))
			found = i;
	}
	return found;
}

int graph_view_find(const struct graph_view *view, const char *name, struct error *error)
{
	struct suggestion near = suggestion_for(name, strlen(name));

	for (uint32_t i = 0; i < view->feed.nr_machines; i++) {
		const struct call_graph *graph = view->feed.machines[i].graph;

		if (graph && graph_view_function(graph, name))
			return 0;
		for (uint32_t f = 1; graph && f < graph->nr_functions; f++)
			if (graph->functions[f].name)
				suggestion_consider(&near, graph->functions[f].name);
	}
	error_set(error, -ENOENT, "the trace has no call of a function %s", name);
	if (near.best)
		return error_hint(error, "did you mean %s?", near.best);
	return error_hint(error, "hypertrace graph --report --sort name shows them all");
}

size_t graph_view_shown(const struct graph_view *view, size_t count)
{
	return view->top && view->top < count ? view->top : count;
}
