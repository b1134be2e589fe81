/* SPDX-License-Identifier: MIT */
/* The functions of a trace as tables. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/hypertrace/graph_view.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/table.h"

#define NAME_WIDTH 44

/* What keeps the picture from being whole. */
static void put_gaps(const struct call_graph *graph, FILE *out, bool colour)
{
	const struct call_events *events = &graph->events;
	const struct call_stacks *stacks = &events->stacks;

	if (events->lost)
		fprintf(out, "  %s%s events lost%s, gaps: %s, calls whose end is not known: %s\n",
			colour ? "\033[31m" : "", human_count(events->lost).text, colour ? "\033[0m" : "",
			human_count(stacks->gaps).text, human_count(graph->unended[CALL_LOST]).text);
	if (events->missed)
		fprintf(out, "  %s%s calls without a record%s, missed by the guest's probes\n",
			colour ? "\033[31m" : "", human_count(events->missed).text, colour ? "\033[0m" : "");
	if (graph->unended[CALL_OPEN] || graph->unended[CALL_EXITED])
		fprintf(out, "  calls without an end: %s open when the trace ended, %s when their task did\n",
			human_count(graph->unended[CALL_OPEN]).text,
			human_count(graph->unended[CALL_EXITED]).text);
	if (stacks->stray_exits)
		fprintf(out, "  exits without an entry: %s, of functions entered before, or in a gap\n",
			human_count(stacks->stray_exits).text);
	if (stacks->too_deep || stacks->left_out || graph->crowded)
		fprintf(out,
			"  found no room: %s entries too deep, %s events of tasks, the callers of %s calls\n",
			human_count(stacks->too_deep).text, human_count(stacks->left_out).text,
			human_count(graph->crowded).text);
}

void graph_text_head(const struct graph_machine *machine, FILE *out, bool colour)
{
	const struct call_graph *graph = machine->graph;
	uint64_t ns = graph->events.last_ns - graph->events.first_ns;

	fputs(colour ? "\033[1m" : "", out);
	text_put_foreign(out, machine->machine->name);
	fputs(colour ? "\033[0m" : "", out);
	if (machine->machine->info->release[0]) {
		fputs("  Linux ", out);
		text_put_foreign(out, machine->machine->info->release);
	}
	fprintf(out, "\n  %s calls of %s functions in %s\n", human_count(graph->calls).text,
		human_count(graph->nr_functions - 1).text, human_ns(ns).text);
	if (graph->events.spans)
		fputs("  only calls that took long were recorded: their time on a CPU is not known, nor what was shorter between them\n",
			out);
	else if (graph->calls && !graph->timed)
		fputs("  entries only: what calls took, and what they called, is not known\n", out);
	else if (graph->timed && !graph->events.stacks.switches)
		fputs("  no sched_switch: whether tasks were on a CPU, and which, is not known (record with -e sched)\n",
			out);
	put_gaps(graph, out, colour);
}

/* --- the report --- */

enum column { CALLS, SELF, SHARE, TOTAL, ON_CPU, REAL, MEAN, P50, P99, MAX, UNENDED, COLUMNS };

/* Of a function's calls that returned, or of those that alone were recorded because they took long. */
static const struct histogram *durations_of(const struct call_function *function)
{
	return function->spans && !function->durations ? function->spans : call_function_durations(function);
}

static void put_function(
	struct table *table, const struct call_graph *graph, uint32_t number, uint64_t self_ns)
{
	const struct call_function *function = &graph->functions[number];
	const struct histogram *durations = durations_of(function);

	table_foreign(table, graph_function_name(graph, number).text, NAME_WIDTH);
	table_count(table, function->calls);
	table_ns(table, function->self.on_ns);
	table_cell(table, "%s", human_share(function->self.on_ns, self_ns).text);
	table_ns(table, function->total.wall_ns);
	table_ns(table, graph->timed && graph->events.stacks.switches ? function->total.on_ns : 0);
	if (graph->has_real)
		table_ns(table, function->total.real_ns);
	table_ns(table, durations->count ? durations->sum / durations->count : 0);
	table_ns(table, histogram_percentile(durations, 50));
	table_ns(table, histogram_percentile(durations, 99));
	table_ns(table, durations->max);
	table_count(table, function->unended);
}

static void report_machine(
	const struct graph_view *view, const struct graph_machine *machine, FILE *out, bool colour)
{
	static const char *const plain[] = {"<function", "calls", "self", "share", "total", "on CPU", "mean",
		"p50", "p99", "max", "no end", NULL};
	static const char *const with_real[] = {"<function", "calls", "self", "share", "total", "on CPU",
		"on pCPU", "mean", "p50", "p99", "max", "no end", NULL};
	const struct call_graph *graph = machine->graph;
	cleanup_table struct table table = {0};
	uint64_t self_ns = 0;
	size_t count, shown;
	uint32_t *order = graph_view_functions(graph, view->sort, &count);

	shown = graph_view_shown(view, count);
	for (size_t i = 0; i < count; i++)
		self_ns += graph->functions[order[i]].self.on_ns;
	table_init(&table, graph->has_real ? with_real : plain);
	for (size_t i = 0; i < shown; i++)
		put_function(&table, graph, order[i], self_ns);
	if (shown < count)
		text_put_title(out, colour, "Functions", "%zu of %zu", shown, count);
	else
		text_put_title(out, colour, "Functions", NULL);
	table_print(&table, out, colour);
	free(order);
}

static void top_machine(
	const struct graph_view *view, const struct graph_machine *machine, FILE *out, bool colour)
{
	static const char *const headers[] = {"<function", "calls", "share", "together", NULL};
	const struct call_graph *graph = machine->graph;
	cleanup_table struct table table = {0};
	uint64_t together = 0;
	size_t count, shown;
	uint32_t *order = graph_view_functions(graph, GRAPH_BY_CALLS, &count);

	shown = graph_view_shown(view, count);
	table_init(&table, headers);
	for (size_t i = 0; i < shown; i++) {
		uint64_t calls = graph->functions[order[i]].calls;

		together += calls;
		table_foreign(&table, graph_function_name(graph, order[i]).text, NAME_WIDTH);
		table_count(&table, calls);
		table_cell(&table, "%s", human_share(calls, graph->calls).text);
		table_cell(&table, "%s", human_share(together, graph->calls).text);
	}
	text_put_title(out, colour, "The most called", "%zu of %zu functions make %s of the calls", shown,
		count, human_share(together, graph->calls).text);
	table_print(&table, out, colour);
	free(order);
}

typedef void show_machine_fn(
	const struct graph_view *view, const struct graph_machine *machine, FILE *out, bool colour);

/* Each machine's head and table; entries alone have no times, so that the table is that of calls. */
static void show(const struct graph_view *view, show_machine_fn *timed, FILE *out, bool colour)
{
	for (uint32_t i = 0, shown = 0; i < view->feed.nr_machines; i++) {
		const struct graph_machine *machine = &view->feed.machines[i];
		bool has_times = machine->graph &&
			(machine->graph->timed || machine->graph->events.spans || !machine->graph->calls);

		if (!machine->graph)
			continue;
		fputs(shown++ ? "\n" : "", out);
		graph_text_head(machine, out, colour);
		(has_times ? timed : top_machine)(view, machine, out, colour);
	}
}

void graph_report_text(const struct graph_view *view, FILE *out, bool colour)
{
	show(view, report_machine, out, colour);
}

void graph_top_text(const struct graph_view *view, FILE *out, bool colour)
{
	show(view, top_machine, out, colour);
}

/* --- callers and callees --- */

static void edges_machine(const struct graph_view *view, const struct graph_machine *machine,
	uint32_t function, bool callees, FILE *out, bool colour)
{
	static const char *const timed[] = {"<function", "calls", "share", "total", "on CPU", "mean", NULL};
	static const char *const counted[] = {"<function", "calls", "share", NULL};
	const struct call_graph *graph = machine->graph;
	const struct graph_name name = graph_function_name(graph, function);
	char escaped[4 * sizeof(name.text)];
	cleanup_table struct table table = {0};
	uint64_t calls = 0;
	size_t count;
	struct call_edge *edges = callees ? call_graph_callees(graph, function, &count)
					  : call_graph_callers(graph, function, &count);

	for (size_t i = 0; i < count; i++)
		calls += edges[i].calls;
	table_init(&table, graph->timed ? timed : counted);
	for (size_t i = 0; i < graph_view_shown(view, count); i++) {
		bool none = !callees && edges[i].function == CALL_UNKNOWN;

		table_foreign(&table,
			none ? "[none, or unknown]" : graph_function_name(graph, edges[i].function).text,
			NAME_WIDTH);
		table_count(&table, edges[i].calls);
		table_cell(&table, "%s", human_share(edges[i].calls, calls).text);
		if (!graph->timed)
			continue;
		table_ns(&table, edges[i].total.wall_ns);
		table_ns(&table, graph->events.stacks.switches ? edges[i].total.on_ns : 0);
		table_ns(&table, edges[i].calls ? edges[i].total.wall_ns / edges[i].calls : 0);
	}
	escaped[text_escape(escaped, name.text, strlen(name.text))] = 0;
	text_put_title(out, colour, callees ? "Callees" : "Callers", "of %s: %s calls%s%s", escaped,
		human_count(graph->functions[function].calls).text, graph->timed ? ", " : "",
		graph->timed ? human_ns(graph->functions[function].total.wall_ns).text : "");
	table_print(&table, out, colour);
	free(edges);
}

void graph_callers_text(const struct graph_view *view, const char *name, bool callees, FILE *out, bool colour)
{
	for (uint32_t i = 0, shown = 0; i < view->feed.nr_machines; i++) {
		const struct graph_machine *machine = &view->feed.machines[i];
		uint32_t function = machine->graph ? graph_view_function(machine->graph, name) : CALL_UNKNOWN;

		if (!function)
			continue;
		fputs(shown++ ? "\n" : "", out);
		graph_text_head(machine, out, colour);
		edges_machine(view, machine, function, callees, out, colour);
	}
}
