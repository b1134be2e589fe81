/* SPDX-License-Identifier: MIT */
/* The merged call tree: what was called by what, the heaviest first, as indented text and as JSON. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hypertrace/graph_views.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/joint_json.h"
#include "tools/hypertrace/table.h"

#define NAME_WIDTH 100

struct tree {
	const struct graph_weights *weights;
	const struct graph_views *views;
	uint64_t least;      /* lighter nodes are left out */
	struct table *table; /* text; JSON: NULL */
};

static void put_weight(struct table *table, enum graph_measure measure, uint64_t weight)
{
	(measure == GRAPH_MEASURE_CALLS ? table_count : table_ns)(table, weight);
}

static void put_row(struct tree *tree, uint32_t node, unsigned depth)
{
	const struct graph_weights *weights = tree->weights;
	const struct call_node *place = call_graph_node(weights->graph, node);
	char name[2 * CALL_STACKS_DEPTH + 128];
	const int indent = (int)(2 * (depth < 32 ? depth : 32));

	snprintf(name, sizeof(name), "%*s%s", indent, "",
		graph_function_name(weights->graph, place->function).text);
	put_weight(tree->table, weights->measure, weights->sums[node]);
	table_cell(tree->table, "%s", human_share(weights->sums[node], weights->sums[CALL_ROOT]).text);
	put_weight(tree->table, weights->measure, graph_weights_own(weights, node));
	if (weights->measure != GRAPH_MEASURE_CALLS)
		table_count(tree->table, place->calls);
	table_foreign(tree->table, name, NAME_WIDTH);
}

static bool is_too_deep(const struct tree *tree, unsigned depth)
{
	return depth >= CALL_STACKS_DEPTH || (tree->views->depth && depth >= tree->views->depth);
}

static void put_below(struct tree *tree, uint32_t node, unsigned depth)
{
	size_t count;
	uint32_t *children = graph_weights_children(tree->weights, node, tree->least, &count);

	for (size_t i = 0; i < count; i++) {
		put_row(tree, children[i], depth);
		if (!is_too_deep(tree, depth + 1))
			put_below(tree, children[i], depth + 1);
	}
	free(children);
}

static uint64_t least_of(const struct graph_views *views, const struct graph_weights *weights)
{
	return (uint64_t)(views->min_share * (double)weights->sums[CALL_ROOT]);
}

int graph_tree_text(const struct graph_view *view, const struct graph_views *views, FILE *out, bool colour)
{
	static const char *const timed[] = {"total", "share", "self", "calls", "<function", NULL};
	static const char *const counted[] = {"calls", "share", "own", "<function", NULL};

	for (uint32_t i = 0, shown = 0; i < view->feed.nr_machines; i++) {
		const struct graph_machine *machine = &view->feed.machines[i];
		cleanup_graph_weights struct graph_weights weights = {0};
		cleanup_table struct table table = {0};
		struct tree tree = {.weights = &weights, .views = views, .table = &table};

		if (!machine->graph)
			continue;
		if (graph_weights_init(&weights, machine->graph, views->measure))
			return -ENOMEM;
		tree.least = least_of(views, &weights);
		fputs(shown++ ? "\n" : "", out);
		graph_text_head(machine, out, colour);
		text_put_title(out, colour, "Call tree", "by %s; less than %.4g %% is left out",
			graph_weights_name(&weights), views->min_share * 100);
		table_init(&table, weights.measure == GRAPH_MEASURE_CALLS ? counted : timed);
		put_below(&tree, CALL_ROOT, 0);
		table_print(&table, out, colour);
	}
	return 0;
}

/* --- JSON --- */

static json_t *children_json(struct tree *tree, uint32_t node, unsigned depth)
{
	const struct graph_weights *weights = tree->weights;
	json_t *array = json_array();
	size_t count;
	uint32_t *children = graph_weights_children(weights, node, tree->least, &count);

	for (size_t i = 0; i < count; i++) {
		const struct call_node *place = call_graph_node(weights->graph, children[i]);
		json_t *row = json_object();

		json_set_text(row, "function", graph_function_name(weights->graph, place->function).text);
		json_set_count(row, "calls", place->calls);
		if (weights->measure != GRAPH_MEASURE_CALLS) {
			json_set_count(row, "total_ns", place->total.wall_ns);
			json_set_count(row, "total_on_cpu_ns", place->total.on_ns);
			json_set_count(row, "self_ns", place->self.wall_ns);
			json_set_count(row, "self_on_cpu_ns", place->self.on_ns);
		}
		if (!is_too_deep(tree, depth + 1)) {
			json_t *below = children_json(tree, children[i], depth + 1);

			if (json_array_size(below))
				json_object_set(row, "calls_to", below);
			json_decref(below);
		}
		json_array_append_new(array, row);
	}
	free(children);
	return array;
}

int graph_tree_json(const struct graph_view *view, const struct graph_views *views, FILE *out)
{
	json_t *document = graph_json_head(view), *machines = json_array();
	int result = 0;

	for (uint32_t i = 0; i < view->feed.nr_machines; i++) {
		const struct graph_machine *machine = &view->feed.machines[i];
		cleanup_graph_weights struct graph_weights weights = {0};
		struct tree tree = {.weights = &weights, .views = views};
		json_t *row;

		if (!machine->graph)
			continue;
		result = graph_weights_init(&weights, machine->graph, views->measure);
		if (result)
			break;
		tree.least = least_of(views, &weights);
		row = graph_json_machine(machine);
		json_set_text(row, "by", graph_weights_name(&weights));
		json_object_set_new(row, "calls_to", children_json(&tree, CALL_ROOT, 0));
		json_array_append_new(machines, row);
	}
	json_object_set_new(document, "machines", machines);
	if (!result)
		return json_write(document, 0, out);
	json_decref(document);
	return result;
}
