/* SPDX-License-Identifier: MIT */
/*
 * Events of functions that no kernel makes, for the call graph. The first two bytes of the input are what is asked for, then
 * come events: type, CPU, pid, a signed step in time, how much longer the vCPU did not run, two values.
 */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/analysis/call_graph.h"

#define CPUS     3
#define BEGIN_NS 1000000

const char fuzz_name[] = "graph";

struct input_event {
	uint8_t type, cpu, pid, stolen;
	int16_t step_ns;
	uint16_t second;
	uint32_t first;
} __attribute__((packed));

enum { LOST, SWITCH, ENTRY, EXIT, SPAN, MISSED, FUNCTION, GRAPH_ENTRY, GRAPH_EXIT, FORK, TYPES };

static const char *const names_of_types[TYPES] = {[SWITCH] = "sched_switch",
	[ENTRY] = "func_entry",
	[EXIT] = "func_exit",
	[SPAN] = "func_span",
	[MISSED] = "func_missed",
	[FUNCTION] = "function",
	[GRAPH_ENTRY] = "funcgraph_entry",
	[GRAPH_EXIT] = "funcgraph_exit",
	[FORK] = "sched_process_fork"};

static const struct {
	uint8_t asked[2];
	struct input_event events[14];
} __attribute__((packed)) seed = {{0, 0},
	{
		{SWITCH, 0, 0, 0, 10, 1, 7},
		{ENTRY, 0, 7, 1, 10, 0, 0x81000010},
		{ENTRY, 0, 7, 0, 10, 0, 0x81000020},
		{EXIT, 0, 7, 5, 10, 0, 0},
		{SWITCH, 0, 7, 0, 10, 1, 8},
		{GRAPH_ENTRY, 0, 8, 0, 10, 2, 3},
		{GRAPH_EXIT, 0, 8, 0, 10, 2, 3},
		{SWITCH, 1, 0, 0, 10, 16, 7},
		{LOST, 1, 7, 0, 10, 0, 4},
		{ENTRY, 1, 7, 0, 10, 0, 0x81000010},
		{FORK, 1, 7, 0, 10, 9, 9},
		{SPAN, 1, 9, 0, 10, 3, 0x81000030},
		{FUNCTION, 1, 9, 0, -5, 0x20, 0x81000030},
		{MISSED, 1, 9, 0, 10, 3, 1},
	}};

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	*data = (const uint8_t *)&seed;
	return index ? 0 : sizeof(seed);
}

static enum event_field_kind kind_of(const char *field)
{
	return strcmp(field, "function") ? EVENT_FIELD_UNSIGNED : EVENT_FIELD_CODE;
}

static struct event_schema *make_schema(void)
{
	static const struct {
		uint32_t id;
		const char *fields[2];
		unsigned bits[2];
	} types[] = {
		{SWITCH, {"next_pid", "prev_state"}, {32, 16}},
		{ENTRY, {"function"}, {32}},
		{EXIT, {0}, {0}},
		{SPAN, {"function", "duration_tsc"}, {32, 16}},
		{MISSED, {"cause", "count"}, {32, 16}},
		{FUNCTION, {"ip", "parent_ip"}, {32, 16}},
		{GRAPH_ENTRY, {"func", "depth"}, {32, 16}},
		{GRAPH_EXIT, {"func", "depth"}, {32, 16}},
		{FORK, {"child_pid", "child_tgid"}, {32, 16}},
	};
	struct event_schema *schema = event_schema_create();

	for (size_t i = 0; schema && i < sizeof(types) / sizeof(types[0]); i++) {
		struct event_type *type;

		if (event_schema_add_type(schema, types[i].id, names_of_types[types[i].id], &type, NULL))
			abort();
		for (int f = 0; f < 2 && types[i].fields[f]; f++)
			if (event_type_add_field(type, types[i].fields[f], kind_of(types[i].fields[f]),
				    types[i].bits[f], NULL))
				abort();
		if (types[i].id == FORK &&
			event_type_add_field(type, "child_comm", EVENT_FIELD_COMM, 0, NULL))
			abort();
	}
	return schema;
}

static bool some_tasks(const void *context, uint32_t pid)
{
	(void)context;
	return pid % 2;
}

static bool some_functions(const void *context, const char *name)
{
	(void)context;
	return name[0] == 'b';
}

/* A node's time is at least its children's, but where they are not wanted, or not known. */
static void check_node(const struct call_graph *graph, uint32_t number)
{
	const struct call_node *node = call_graph_node(graph, number);
	uint64_t ns = 0;

	for (uint32_t child = node->first_child; child; child = call_graph_node(graph, child)->next_sibling) {
		if (call_graph_node(graph, child)->parent != number)
			abort();
		ns += call_graph_node(graph, child)->total.wall_ns;
	}
	if (!graph->cpus && !graph->events.spans && node->address && ns > node->total.wall_ns)
		abort();
}

static void check(const struct call_graph *graph)
{
	uint64_t calls = 0, unended = 0, ends = 0;
	size_t count;

	for (uint32_t i = 0; i < graph->nr_functions; i++) {
		calls += graph->functions[i].calls;
		unended += graph->functions[i].unended;
		free(call_graph_callers(graph, i, &count));
		free(call_graph_callees(graph, i, &count));
	}
	for (int end = 0; end < CALL_ENDS; end++)
		ends += end == CALL_RETURNED ? 0 : graph->unended[end];
	if (calls != graph->calls || unended != ends)
		abort();
	for (uint32_t i = CALL_MORE + 1; i < graph->nr_nodes; i++)
		check_node(graph, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t cpus[1] = {5};
	static const char symbols[] = "ffffffff81000010 t a\nffffffff81000020 t b\nffffffff81000030 t c\n";
	static const struct event_type lost = {.name = "lost",
		.nr_fields = 1,
		.fixed_bytes = 8,
		.fields = {{.name = "count", .kind = EVENT_FIELD_UNSIGNED, .bits = 64}}};
	static struct event_schema *schema;
	static struct names names;
	struct call_graph_options options = {
		.lost_type = &lost, .names = &names, .nr_cpus = CPUS, .ns_per_tsc = 0.4};
	uint64_t now_ns = BEGIN_NS, stolen_ns = 0;
	struct call_graph *graph;

	if (!schema) {
		schema = make_schema();
		if (!schema || names_parse_symbols(&names, symbols, sizeof(symbols) - 1))
			abort();
	}
	if (size < 2)
		return 0;
	options.schema = schema;
	options.cpus = data[0] & 1 ? cpus : NULL;
	options.task_wanted = data[0] & 2 ? some_tasks : NULL;
	options.function_wanted = data[0] & 4 ? some_functions : NULL;
	options.entries_only = data[0] & 8;
	options.from_ns = data[0] & 16 ? BEGIN_NS + 10 * (data[1] & 15) : 0;
	options.to_ns = data[0] & 32 ? BEGIN_NS + 20 * (data[1] >> 4) : 0;
	if (call_graph_create(&options, &graph))
		return 0;
	for (size_t at = 2; at + sizeof(struct input_event) <= size; at += sizeof(struct input_event)) {
		struct input_event event;
		uint8_t payload[48] = {0};

		memcpy(&event, data + at, sizeof(event));
		memcpy(payload, &event.first, 4);
		memcpy(payload + 4, &event.second, 2);
		now_ns += (uint64_t)(int64_t)event.step_ns;
		now_ns = now_ns ? now_ns : 1;
		stolen_ns += event.stolen;
		call_stacks_stolen(&graph->events.stacks, event.cpu % (CPUS + 1), stolen_ns);
		if (event.stolen == 255)
			call_graph_set_phase(graph, event.second);
		call_graph_add(graph, event.type % TYPES ? schema->types[event.type % TYPES] : &lost, payload,
			event.cpu % (CPUS + 1), event.pid & 7, now_ns);
	}
	call_graph_finish(graph);
	check(graph);
	call_graph_destroy(graph);
	return 0;
}
