/* SPDX-License-Identifier: MIT */
/*
 * A boot's functions by its stages, as `hypertrace boot` has them: levels of initcalls, and what lies before, between and
 * after. One pass finds the stages, a second one counts: calls where they are entered, their own time where they end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/analysis/boot.h"
#include "tools/hypertrace/graph_views.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/machine_feed.h"
#include "tools/hypertrace/joint_json.h"
#include "tools/hypertrace/table.h"

#define NAME_WIDTH 44
#define LEVEL_TOP  5u /* functions of each, where the user does not say */
#define LEVELS_MAX (CALL_PHASES - 1)

/* Phase 1 + i of the call graph. */
struct level {
	const struct boot_stage *stage;
	char name[2 * BOOT_STAGE_BYTES];
	uint64_t to_ns;         /* of the last one: of all that are left */
	uint64_t calls, own_ns; /* on a CPU */
	uint32_t functions;
	uint32_t first; /* of these: called here for the first time */
};

struct machine_levels {
	struct boot *boot;
	struct level levels[LEVELS_MAX];
	uint32_t nr_levels, at; /* at: which one the pass is in */
};

struct levels {
	struct machine_levels *machines; /* as in the feed */
};

static void add_to_boot(
	void *context, struct graph_machine *machine, const struct trace_event *event, uint64_t now_ns)
{
	const struct levels *levels = context;
	struct boot *boot = levels->machines[machine - machine->feed->machines].boot;

	boot_add(boot, event->type, event->payload, event->cpu, event->pid, now_ns);
}

static void add_to_graph(
	void *context, struct graph_machine *machine, const struct trace_event *event, uint64_t now_ns)
{
	const struct levels *levels = context;
	struct machine_levels *own = &levels->machines[machine - machine->feed->machines];

	while (own->at < own->nr_levels && (!own->at || now_ns >= own->levels[own->at - 1].to_ns)) {
		own->at++;
		call_graph_set_phase(machine->graph, own->at);
	}
	call_graph_add(machine->graph, event->type, event->payload, event->cpu, event->pid, now_ns);
}

static int make_boots(struct levels *levels, const struct graph_feed *feed, struct error *error)
{
	for (uint32_t i = 0; i < feed->nr_machines; i++) {
		const struct graph_machine *machine = &feed->machines[i];
		const struct boot_options options = {
			.schema = machine->machine->schema,
			.lost_type = stream_reader_lost_type(),
			.names = &machine->machine->names,
			.nr_cpus = machine_feed_cpus(feed->trace, i),
		};

		if (machine->wanted && boot_create(&options, &levels->machines[i].boot))
			return error_set(error, -ENOMEM, "out of memory");
	}
	return 0;
}

/* init/main.c's, in their order; only some have a separate stage behind them. */
static const char *const own_levels[] = {
	"pure", "core", "postcore", "arch", "subsys", "fs", "device", "late"};
#define OWN_LEVELS (sizeof(own_levels) / sizeof(own_levels[0]))

static size_t place_of(const struct boot_stage *stage)
{
	size_t i = 0;

	while (i < OWN_LEVELS && (stage->kind != BOOT_STAGE_LEVEL || strcmp(own_levels[i], stage->name)))
		i++;
	return i;
}

/*
 * A level's beginning may be missing: function_graph begins in `core`, and empties the ring. Then it is part of the one
 * before, and the row says so.
 */
static void name_level(struct level *level, const struct boot_stage *next)
{
	const size_t from = place_of(level->stage), to = next ? place_of(next) : OWN_LEVELS;
	size_t length = (size_t)snprintf(level->name, sizeof(level->name), "%s", level->stage->name);

	for (size_t i = from + 1;
		from < OWN_LEVELS && to < OWN_LEVELS && i < to && length < sizeof(level->name); i++)
		length += (size_t)snprintf(
			level->name + length, sizeof(level->name) - length, ", %s", own_levels[i]);
}

static void find_levels(struct machine_levels *own)
{
	const struct boot *boot = own->boot;

	for (uint32_t i = 0; i < boot->nr_stages && own->nr_levels < LEVELS_MAX; i++) {
		const struct boot_stage *stage = &boot->stages[i];

		if (stage->kind != BOOT_STAGE_FIRMWARE && stage->to_ns > stage->from_ns)
			own->levels[own->nr_levels++] = (struct level){.stage = stage, .to_ns = stage->to_ns};
	}
	for (uint32_t l = 0; l < own->nr_levels; l++)
		name_level(&own->levels[l], l + 1 < own->nr_levels ? own->levels[l + 1].stage : NULL);
	if (own->nr_levels)
		own->levels[own->nr_levels - 1].to_ns = boot->last_ns;
}

static uint64_t own_ns(const struct call_function *function, uint32_t phase)
{
	return graph_function_is_idle(function) ? 0 : function->phases[phase].self.on_ns;
}

static void sum_up(struct machine_levels *own, const struct call_graph *graph)
{
	for (uint32_t i = 1; i < graph->nr_functions; i++) {
		const struct call_function *function = &graph->functions[i];
		bool seen = false;

		for (uint32_t l = 0; function->phases && l < own->nr_levels; l++) {
			struct level *level = &own->levels[l];
			const uint64_t calls = function->phases[l + 1].calls;

			level->calls += calls;
			level->own_ns += own_ns(function, l + 1);
			level->functions += calls != 0;
			level->first += calls && !seen;
			seen |= calls != 0;
		}
	}
}

static int no_boot(const struct graph_feed *feed, struct error *error)
{
	(void)feed;
	error_set(error, -ENOENT,
		"the trace holds functions, but no start of a kernel: no events initcall_level");
	return error_hint(error, "hypertrace run --channel ftrace -F '*' --probe fgraph -- true");
}

static int read_levels(struct levels *levels, struct graph_feed *feed, struct error *error)
{
	bool any = false;
	int result = make_boots(levels, feed, error);

	if (!result)
		result = graph_feed_walk(feed, add_to_boot, levels, error);
	for (uint32_t i = 0; i < feed->nr_machines && !result; i++) {
		struct machine_levels *own = &levels->machines[i];

		if (!own->boot)
			continue;
		boot_finish(own->boot);
		any |= own->boot->initcalls.nr_levels != 0;
		find_levels(own);
	}
	if (!result && !any)
		result = no_boot(feed, error);
	if (!result)
		result = graph_feed_begin(feed, error);
	if (!result)
		result = graph_feed_walk(feed, add_to_graph, levels, error);
	if (result)
		return result;
	graph_feed_finish(feed);
	for (uint32_t i = 0; i < feed->nr_machines; i++)
		if (feed->machines[i].graph)
			sum_up(&levels->machines[i], feed->machines[i].graph);
	return 0;
}

/* --- what was called most in a level, or took longest --- */

struct ranked {
	uint64_t value, calls;
	uint32_t function;
};

static int compare(const void *a, const void *b)
{
	const struct ranked *one = a, *other = b;

	if (one->value != other->value)
		return one->value > other->value ? -1 : 1;
	if (one->calls != other->calls)
		return one->calls > other->calls ? -1 : 1;
	return one->function < other->function ? -1 : one->function > other->function;
}

/* Heap, *count of them. NULL: none, or no memory. */
static struct ranked *rank(const struct call_graph *graph, uint32_t phase, size_t *count)
{
	struct ranked *rows = calloc(graph->nr_functions, sizeof(*rows));

	*count = 0;
	for (uint32_t i = 1; rows && i < graph->nr_functions; i++) {
		const struct call_function *function = &graph->functions[i];
		const struct call_phase *place = function->phases ? &function->phases[phase] : NULL;

		if (place && (place->calls || own_ns(function, phase)))
			rows[(*count)++] = (struct ranked){
				graph->timed ? own_ns(function, phase) : place->calls, place->calls, i};
	}
	if (rows)
		qsort(rows, *count, sizeof(*rows), compare);
	return rows;
}

/* --- text --- */

static void table_of_levels(
	const struct machine_levels *own, const struct call_graph *graph, FILE *out, bool colour)
{
	static const char *const timed[] = {
		"<level", "took", "in functions", "calls", "share", "functions", "first called", NULL};
	static const char *const counted[] = {
		"<level", "took", "calls", "share", "functions", "first called", NULL};
	cleanup_table struct table table = {0};

	text_put_title(out, colour, "Levels",
		graph->timed ? "in functions: their own time on CPUs, idling left out" : NULL);
	table_init(&table, graph->timed ? timed : counted);
	for (uint32_t l = 0; l < own->nr_levels; l++) {
		const struct level *level = &own->levels[l];

		table_foreign(&table, level->name, NAME_WIDTH);
		table_ns(&table, level->to_ns - level->stage->from_ns);
		if (graph->timed)
			table_ns(&table, level->own_ns);
		table_count(&table, level->calls);
		table_cell(&table, "%s", human_share(level->calls, graph->calls).text);
		table_count(&table, level->functions);
		table_count(&table, level->first);
	}
	table_print(&table, out, colour);
}

static void table_of_functions(
	const struct machine_levels *own, const struct call_graph *graph, size_t most, FILE *out, bool colour)
{
	static const char *const timed[] = {"<level", "<function", "self", "share", "calls", NULL};
	static const char *const counted[] = {"<level", "<function", "calls", "share", NULL};
	cleanup_table struct table table = {0};

	text_put_title(out, colour, "Functions", "of each level, by %s",
		graph->timed ? "their own time on CPUs" : "calls");
	table_init(&table, graph->timed ? timed : counted);
	for (uint32_t l = 0; l < own->nr_levels; l++) {
		const struct level *level = &own->levels[l];
		size_t count;
		struct ranked *rows = rank(graph, l + 1, &count);

		for (size_t i = 0; i < count && (!most || i < most); i++) {
			table_foreign(&table, i ? "" : level->name, NAME_WIDTH);
			table_foreign(&table, graph_function_name(graph, rows[i].function).text, NAME_WIDTH);
			if (graph->timed)
				table_ns(&table, rows[i].value);
			else
				table_count(&table, rows[i].calls);
			table_cell(&table, "%s",
				human_share(rows[i].value, graph->timed ? level->own_ns : level->calls).text);
			if (graph->timed)
				table_count(&table, rows[i].calls);
		}
		free(rows);
	}
	table_print(&table, out, colour);
}

static void show_text(const struct graph_view *view, const struct levels *levels, FILE *out, bool colour)
{
	for (uint32_t i = 0, shown = 0; i < view->feed.nr_machines; i++) {
		const struct graph_machine *machine = &view->feed.machines[i];
		const struct machine_levels *own = &levels->machines[i];

		if (!machine->graph)
			continue;
		fputs(shown++ ? "\n" : "", out);
		graph_text_head(machine, out, colour);
		table_of_levels(own, machine->graph, out, colour);
		table_of_functions(own, machine->graph, view->top == GRAPH_LEVELS_TOP ? LEVEL_TOP : view->top,
			out, colour);
	}
}

/* --- JSON --- */

static json_t *functions_json(const struct graph_view *view, const struct call_graph *graph, uint32_t phase)
{
	const size_t most = view->top == GRAPH_LEVELS_TOP ? 0 : view->top;
	json_t *array = json_array();
	size_t count;
	struct ranked *rows = rank(graph, phase, &count);

	for (size_t i = 0; i < count && (!most || i < most); i++) {
		json_t *row = json_object();

		json_set_text(row, "function", graph_function_name(graph, rows[i].function).text);
		json_set_count(row, "calls", rows[i].calls);
		if (graph->timed)
			json_set_count(row, "self_on_cpu_ns", rows[i].value);
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

static json_t *levels_json(
	const struct graph_view *view, const struct machine_levels *own, const struct call_graph *graph)
{
	json_t *array = json_array();

	for (uint32_t l = 0; l < own->nr_levels; l++) {
		const struct level *level = &own->levels[l];
		json_t *row = json_object();

		json_set_text(row, "level", level->name);
		json_set_count(row, "start_ns", level->stage->from_ns - own->levels[0].stage->from_ns);
		json_set_count(row, "duration_ns", level->to_ns - level->stage->from_ns);
		json_set_count(row, "calls", level->calls);
		if (graph->timed)
			json_set_count(row, "self_on_cpu_ns", level->own_ns);
		json_set_count(row, "called", level->functions);
		json_set_count(row, "first_called", level->first);
		json_object_set_new(row, "functions", functions_json(view, graph, l + 1));
		json_array_append_new(array, row);
	}
	return array;
}

static int show_json(const struct graph_view *view, const struct levels *levels, FILE *out)
{
	json_t *document = graph_json_head(view), *machines = json_array();

	for (uint32_t i = 0; i < view->feed.nr_machines; i++) {
		const struct graph_machine *machine = &view->feed.machines[i];
		json_t *row;

		if (!machine->graph)
			continue;
		row = graph_json_machine(machine);
		json_object_set_new(row, "levels", levels_json(view, &levels->machines[i], machine->graph));
		json_array_append_new(machines, row);
	}
	json_object_set_new(document, "machines", machines);
	return json_write(document, 0, out);
}

int graph_levels(struct graph_view *view, FILE *out, bool json, bool colour, struct error *error)
{
	struct levels levels = {.machines = calloc(view->feed.nr_machines, sizeof(*levels.machines))};
	int result;

	if (!levels.machines)
		return error_set(error, -ENOMEM, "out of memory");
	result = read_levels(&levels, &view->feed, error);
	if (!result && json && show_json(view, &levels, out))
		result = error_set(error, -ENOMEM, "out of memory");
	else if (!result && !json)
		show_text(view, &levels, out, colour);
	for (uint32_t i = 0; i < view->feed.nr_machines; i++)
		boot_destroy(levels.machines[i].boot);
	free(levels.machines);
	return result;
}
