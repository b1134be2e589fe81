/* SPDX-License-Identifier: MIT */
/* The functions of a trace as JSON: all times in ns. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tools/hypertrace/graph_view.h"
#include "tools/hypertrace/joint_json.h"

static void set_times(
	json_t *row, const struct call_graph *graph, const char *what, const struct call_times *times)
{
	char key[32];

	snprintf(key, sizeof(key), "%s_ns", what);
	json_set_count(row, key, times->wall_ns);
	if (graph->timed && graph->events.stacks.switches) {
		snprintf(key, sizeof(key), "%s_on_cpu_ns", what);
		json_set_count(row, key, times->on_ns);
	}
	if (graph->has_real) {
		snprintf(key, sizeof(key), "%s_on_pcpu_ns", what);
		json_set_count(row, key, times->real_ns);
	}
}

static void set_address(json_t *row, uint64_t address)
{
	char text[32];

	snprintf(text, sizeof(text), "0x%" PRIx64, address);
	json_set_text(row, "address", text);
}

static json_t *function_json(const struct call_graph *graph, uint32_t number)
{
	const struct call_function *function = &graph->functions[number];
	json_t *row = json_object();

	json_set_text(row, "function", graph_function_name(graph, number).text);
	set_address(row, function->address);
	json_set_count(row, "calls", function->calls);
	if (graph->timed || graph->events.spans) {
		json_set_count(row, "unended", function->unended);
		set_times(row, graph, "total", &function->total);
		set_times(row, graph, "self", &function->self);
	}
	if (function->durations)
		json_object_set_new(row, "durations", joint_json_histogram(function->durations));
	if (function->spans)
		json_object_set_new(row, "long_calls", joint_json_histogram(function->spans));
	return row;
}

json_t *graph_json_machine(const struct graph_machine *machine)
{
	const struct call_graph *graph = machine->graph;
	const struct call_stacks *stacks = &graph->events.stacks;
	json_t *row = json_object();

	json_set_text(row, "name", machine->machine->name);
	json_set_text(row, "release", machine->machine->info->release);
	json_set_count(row, "duration_ns", graph->events.last_ns - graph->events.first_ns);
	json_object_set_new(row, "timed", json_boolean(graph->timed));
	json_object_set_new(row, "knows_tasks", json_boolean(stacks->switches));
	json_set_count(row, "calls", graph->calls);
	json_set_count(row, "returned", graph->unended[CALL_RETURNED]);
	json_set_count(row, "ended_in_gap", graph->unended[CALL_LOST]);
	json_set_count(row, "ended_with_task", graph->unended[CALL_EXITED]);
	json_set_count(row, "open", graph->unended[CALL_OPEN]);
	json_set_count(row, "exits_without_entry", stacks->stray_exits);
	json_set_count(row, "entries_without_exit", stacks->stray_frames);
	json_set_count(row, "lost", graph->events.lost);
	json_set_count(row, "gaps", stacks->gaps);
	json_set_count(row, "missed", graph->events.missed);
	json_set_count(row, "no_room", stacks->too_deep + stacks->left_out + graph->crowded);
	return row;
}

json_t *graph_json_head(const struct graph_view *view)
{
	json_t *root = json_object();

	json_set_count(root, "start_unix_ns", view->feed.start_ns > 0 ? (uint64_t)view->feed.start_ns : 0);
	json_set_damage(root, &view->feed.damage);
	return root;
}

int graph_report_json(const struct graph_view *view, FILE *out)
{
	json_t *root = graph_json_head(view), *machines = json_array();

	for (uint32_t i = 0; i < view->feed.nr_machines; i++) {
		const struct graph_machine *machine = &view->feed.machines[i];
		json_t *row, *functions;
		uint32_t *order;
		size_t count;

		if (!machine->graph)
			continue;
		functions = json_array();
		row = graph_json_machine(machine);
		order = graph_view_functions(machine->graph, view->sort, &count);
		for (size_t j = 0; j < graph_view_shown(view, count); j++)
			json_array_append_new(functions, function_json(machine->graph, order[j]));
		free(order);
		json_object_set_new(row, "functions", functions);
		json_array_append_new(machines, row);
	}
	json_object_set_new(root, "machines", machines);
	return json_write(root, 0, out);
}

int graph_callers_json(const struct graph_view *view, const char *name, bool callees, FILE *out)
{
	json_t *root = graph_json_head(view), *machines = json_array();

	for (uint32_t i = 0; i < view->feed.nr_machines; i++) {
		const struct graph_machine *machine = &view->feed.machines[i];
		uint32_t function = machine->graph ? graph_view_function(machine->graph, name) : CALL_UNKNOWN;
		struct call_edge *edges;
		json_t *row, *array;
		size_t count;

		if (!function)
			continue;
		array = json_array();
		row = graph_json_machine(machine);
		edges = callees ? call_graph_callees(machine->graph, function, &count)
				: call_graph_callers(machine->graph, function, &count);
		for (size_t j = 0; j < graph_view_shown(view, count); j++) {
			json_t *edge = json_object();

			json_set_text(edge, "function",
				graph_function_name(machine->graph, edges[j].function).text);
			json_set_count(edge, "calls", edges[j].calls);
			if (machine->graph->timed)
				set_times(edge, machine->graph, "total", &edges[j].total);
			json_array_append_new(array, edge);
		}
		free(edges);
		json_object_set_new(row, "function", function_json(machine->graph, function));
		json_object_set_new(row, callees ? "callees" : "callers", array);
		json_array_append_new(machines, row);
	}
	json_object_set_new(root, "machines", machines);
	return json_write(root, 0, out);
}
