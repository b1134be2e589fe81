/* SPDX-License-Identifier: MIT */
/* Events of functions become a call tree and each function's totals: recursion, ranges, filters, entries alone, too many. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/analysis/call_graph.h"
#include "lib/base/strbuf.h"

enum { SWITCH = 1, ENTRY, EXIT, SPAN, MISSED, FUNCTION, GRAPH_ENTRY, GRAPH_EXIT, FORK };

#define BASE    0xffffffff81000000ull
#define A       (BASE + 0x100)
#define B       (BASE + 0x200)
#define C       (BASE + 0x300)
#define D       (BASE + 0x400)
#define NOWHERE (BASE + 0x900000)

struct fixture {
	struct event_schema *schema;
	struct event_type lost;
	struct names names;
	struct call_graph *graph;
	struct call_graph_options options;
};

static enum event_field_kind kind_of(const char *field)
{
	return strcmp(field, "function") ? EVENT_FIELD_UNSIGNED : EVENT_FIELD_CODE;
}

static struct event_type *add_type(struct fixture *f, uint32_t id, const char *name, const char *fields)
{
	struct event_type *type;
	char field[32];
	unsigned bits;
	int length;

	assert_int_equal(event_schema_add_type(f->schema, id, name, &type, NULL), 0);
	for (; sscanf(fields, "%31[^:]:%u%n", field, &bits, &length) == 2;
		fields += length + (fields[length] == ' '))
		assert_int_equal(event_type_add_field(type, field, kind_of(field), bits, NULL), 0);
	return type;
}

static int set_up(void **state)
{
	static const char symbols[] = "ffffffff81000100 T a\nffffffff81000200 T b\nffffffff81000300 T c\n"
				      "ffffffff81000400 T d\n";
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->schema = event_schema_create();
	add_type(f, SWITCH, "sched_switch", "next_pid:32 prev_state:32");
	add_type(f, ENTRY, "func_entry", "function:32");
	add_type(f, EXIT, "func_exit", "");
	add_type(f, SPAN, "func_span", "function:32 duration_tsc:64");
	add_type(f, MISSED, "func_missed", "cause:8 count:32");
	add_type(f, FUNCTION, "function", "ip:64 parent_ip:64");
	add_type(f, GRAPH_ENTRY, "funcgraph_entry", "func:64 depth:32");
	add_type(f, GRAPH_EXIT, "funcgraph_exit", "func:64 depth:32");
	strcpy(f->lost.name, "lost");
	assert_int_equal(event_type_add_field(&f->lost, "count", EVENT_FIELD_UNSIGNED, 64, NULL), 0);
	assert_int_equal(names_parse_symbols(&f->names, symbols, sizeof(symbols) - 1), 0);
	f->options = (struct call_graph_options){.schema = f->schema,
		.lost_type = &f->lost,
		.names = &f->names,
		.nr_cpus = 2,
		.ns_per_tsc = 2};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	call_graph_destroy(f->graph);
	names_deinit(&f->names);
	event_schema_destroy(f->schema);
	free(f);
	return 0;
}

static void begin(struct fixture *f)
{
	assert_int_equal(call_graph_create(&f->options, &f->graph), 0);
}

/* Two values, packed as the type lays them out. */
static void event(
	struct fixture *f, uint32_t id, uint32_t pid, uint64_t now_ns, uint64_t first, uint64_t second)
{
	const struct event_type *type = id ? f->schema->types[id] : &f->lost;
	uint64_t values[2] = {first, second};
	uint8_t payload[32] = {0};

	for (uint16_t i = 0; i < type->nr_fields; i++)
		memcpy(payload + type->fields[i].byte_offset, &values[i], type->fields[i].bits / 8);
	call_graph_add(f->graph, type, payload, 0, pid, now_ns);
}

static void in(struct fixture *f, uint64_t address, uint64_t now_ns)
{
	event(f, ENTRY, 7, now_ns, address, 0);
}

static void out(struct fixture *f, uint64_t now_ns)
{
	event(f, EXIT, 7, now_ns, 0, 0);
}

static void put_node(const struct call_graph *graph, struct strbuf *text, uint32_t number, unsigned depth)
{
	const struct call_node *node = call_graph_node(graph, number);
	const char *name = graph->functions[node->function].name;
	uint32_t children[64], count = 0;

	strbuf_printf(text, "%*s%s %llu %llu %llu", depth, "",
		name                    ? name
			: node->address ? "0"
					: "?",
		(unsigned long long)node->calls, (unsigned long long)node->total.wall_ns,
		(unsigned long long)node->self.wall_ns);
	strbuf_printf(text, node->unended ? " unended %llu\n" : "\n", (unsigned long long)node->unended);
	for (uint32_t child = node->first_child; child && count < 64;
		child = call_graph_node(graph, child)->next_sibling)
		children[count++] = child;
	while (count)
		put_node(graph, text, children[--count], depth + 1); /* the first that was called first */
}

static void expect_tree(struct fixture *f, const char *expected)
{
	struct strbuf text = STRBUF_EMPTY;
	uint32_t children[64], count = 0;

	call_graph_finish(f->graph);
	for (uint32_t child = call_graph_node(f->graph, CALL_ROOT)->first_child; child && count < 64;
		child = call_graph_node(f->graph, child)->next_sibling)
		children[count++] = child;
	while (count)
		put_node(f->graph, &text, children[--count], 0);
	assert_string_equal(text.data ? text.data : "", expected);
	strbuf_deinit(&text);
}

static const struct call_function *function(const struct fixture *f, const char *name)
{
	for (uint32_t i = 1; i < f->graph->nr_functions; i++)
		if (f->graph->functions[i].name && !strcmp(f->graph->functions[i].name, name))
			return &f->graph->functions[i];
	fail();
	return NULL;
}

static uint32_t number(const struct fixture *f, const char *name)
{
	return (uint32_t)(function(f, name) - f->graph->functions);
}

static void test_merged(void **state)
{
	struct fixture *f = *state;
	struct call_edge *edges;
	size_t count;

	begin(f);
	for (unsigned i = 0; i < 3; i++) {
		in(f, A, 100 * i + 10);
		in(f, B, 100 * i + 20);
		in(f, C, 100 * i + 22);
		out(f, 100 * i + 25);
		out(f, 100 * i + 30);
		in(f, C, 100 * i + 40);
		out(f, 100 * i + 50 + i);
		out(f, 100 * i + 60);
	}
	in(f, C, 400);
	out(f, 401);
	expect_tree(f, "a 3 150 87\n b 3 30 21\n  c 3 9 9\n c 3 33 33\nc 1 1 1\n");
	assert_int_equal(f->graph->calls, 13);
	assert_int_equal(function(f, "c")->calls, 7);
	assert_int_equal(function(f, "c")->total.wall_ns, 43);
	assert_int_equal(function(f, "c")->durations->count, 7);
	assert_int_equal(function(f, "c")->durations->max, 12);
	assert_int_equal(function(f, "c")->durations->min, 1);
	edges = call_graph_callers(f->graph, number(f, "c"), &count);
	assert_int_equal(count, 3);
	assert_int_equal(edges[0].calls, 3);
	assert_int_equal(edges[2].function, CALL_UNKNOWN);
	assert_int_equal(edges[2].calls, 1);
	free(edges);
	edges = call_graph_callees(f->graph, number(f, "a"), &count);
	assert_int_equal(count, 2);
	assert_int_equal(edges[0].total.wall_ns + edges[1].total.wall_ns, 63);
	free(edges);
	assert_null(call_graph_callees(f->graph, number(f, "c"), &count));
	assert_int_equal(count, 0);
}

/* A recursive function's total is that of the outermost. */
static void test_recursion(void **state)
{
	struct fixture *f = *state;

	begin(f);
	in(f, A, 10);
	in(f, B, 20);
	in(f, A, 30);
	out(f, 40);
	out(f, 50);
	out(f, 60);
	expect_tree(f, "a 1 50 20\n b 1 30 20\n  a 1 10 10\n");
	assert_int_equal(function(f, "a")->calls, 2);
	assert_int_equal(function(f, "a")->total.wall_ns, 50);
	assert_int_equal(function(f, "a")->self.wall_ns, 30);
}

/* Off the CPU: in total and self as they pass, and apart. */
static void test_on_cpu(void **state)
{
	struct fixture *f = *state;

	begin(f);
	in(f, A, 10);
	in(f, B, 20);
	event(f, SWITCH, 7, 30, 8, 1);
	event(f, ENTRY, 8, 35, C, 0);
	event(f, EXIT, 8, 37, 0, 0);
	event(f, SWITCH, 8, 130, 7, 1);
	out(f, 140);
	out(f, 150);
	expect_tree(f, "a 1 140 20\n b 1 120 120\nc 1 2 2\n");
	assert_int_equal(function(f, "a")->total.on_ns, 40);
	assert_int_equal(function(f, "b")->self.on_ns, 20);
}

/* Of calls that reach beyond the part asked for: what is within; only those entered in it count. */
static void test_range(void **state)
{
	struct fixture *f = *state;

	f->options.from_ns = 25;
	f->options.to_ns = 60;
	begin(f);
	in(f, C, 5);
	out(f, 6);
	in(f, A, 10);
	in(f, B, 20);
	out(f, 30);
	in(f, B, 40);
	out(f, 50);
	in(f, D, 55);
	out(f, 70);
	out(f, 80);
	expect_tree(f, "a 0 35 15\n b 1 15 15\n d 1 5 5 unended 1\n");
	assert_int_equal(f->graph->calls, 2);
	assert_int_equal(f->graph->unended[CALL_OPEN], 1);
}

static bool only_b(const void *context, const char *name)
{
	(void)context;
	return !strcmp(name, "b");
}

static bool only_7(const void *context, uint32_t pid)
{
	(void)context;
	return pid == 7;
}

static void test_filters(void **state)
{
	static const uint64_t no_cpus[1] = {2};
	struct fixture *f = *state;

	f->options.function_wanted = only_b;
	f->options.task_wanted = only_7;
	begin(f);
	in(f, A, 10);
	in(f, B, 20);
	in(f, C, 22);
	out(f, 24);
	out(f, 30);
	event(f, ENTRY, 8, 31, B, 0);
	event(f, EXIT, 8, 32, 0, 0);
	in(f, C, 40);
	out(f, 50);
	out(f, 60);
	expect_tree(f, "b 1 10 8\n c 1 2 2\n");
	call_graph_destroy(f->graph);
	f->options.cpus = no_cpus;
	begin(f);
	in(f, B, 20);
	out(f, 30);
	expect_tree(f, "b 0 0 0\n");
	assert_int_equal(f->graph->calls, 0);
}

static void test_gap(void **state)
{
	struct fixture *f = *state;

	begin(f);
	in(f, A, 10);
	in(f, B, 20);
	event(f, 0, 7, 100, 5, 0);
	in(f, C, 110);
	out(f, 120);
	out(f, 130);
	in(f, D, 140);
	out(f, 141);
	expect_tree(f, "a 1 10 10 unended 1\n b 1 0 0 unended 1\n? 0 11 0\n c 1 10 10\n d 1 1 1\n");
	assert_int_equal(f->graph->events.lost, 5);
	assert_int_equal(f->graph->unended[CALL_LOST], 2);
	assert_int_equal(f->graph->events.stacks.stray_exits, 1);
	assert_null(function(f, "a")->durations);
}

/* With depths: unknown frames in a row are one node. */
static void test_depths(void **state)
{
	struct fixture *f = *state;

	begin(f);
	event(f, GRAPH_ENTRY, 7, 10, A + 4, 3);
	event(f, GRAPH_ENTRY, 7, 20, B, 4);
	event(f, GRAPH_EXIT, 7, 30, B, 4);
	event(f, GRAPH_EXIT, 7, 40, A + 4, 3);
	event(f, GRAPH_ENTRY, 7, 50, NOWHERE, 3);
	event(f, GRAPH_EXIT, 7, 60, NOWHERE, 3);
	expect_tree(f, "? 0 40 0\n a 1 30 20\n  b 1 10 10\n 0 1 10 10\n");
}

/* Entries alone: callers, where they are told, and no times. */
static void test_entries_only(void **state)
{
	struct fixture *f = *state;
	struct call_edge *edges;
	size_t count;

	f->options.entries_only = true;
	begin(f);
	event(f, FUNCTION, 7, 10, B + 4, A + 0x22);
	event(f, FUNCTION, 7, 11, B + 4, A + 0x55);
	event(f, FUNCTION, 7, 12, A + 4, NOWHERE);
	in(f, C, 20);
	in(f, C, 30);
	expect_tree(f, "a 0 0 0\n b 2 0 0\n0 0 0 0\n a 1 0 0\nc 2 0 0\n");
	assert_false(f->graph->timed);
	assert_int_equal(function(f, "b")->calls, 2);
	assert_int_equal(function(f, "a")->calls, 1);
	edges = call_graph_callers(f->graph, number(f, "b"), &count);
	assert_int_equal(count, 1);
	assert_int_equal(edges[0].function, number(f, "a"));
	free(edges);
}

/* Calls that were recorded because they took long; those that were not recorded at all are no gap. */
static void test_spans(void **state)
{
	struct fixture *f = *state;

	begin(f);
	event(f, SPAN, 7, 1000, B, 100);
	event(f, SPAN, 7, 2000, B, UINT64_MAX);
	in(f, A, 2010);
	event(f, MISSED, 7, 2020, 1, 12);
	out(f, 2030);
	in(f, C, 2040);
	event(f, MISSED, 7, 2050, 0, 0); /* other functions from here on: no exit of c will come */
	in(f, D, 2060);
	out(f, 2070);
	call_graph_finish(f->graph);
	assert_int_equal(function(f, "c")->unended, 1);
	assert_int_equal(f->graph->unended[CALL_LOST], 1);
	assert_int_equal(function(f, "d")->total.wall_ns, 10);
	assert_int_equal(f->graph->events.missed, 12);
	assert_int_equal(function(f, "b")->calls, 2);
	assert_int_equal(function(f, "b")->spans->max, 200);
	assert_int_equal(function(f, "a")->unended, 0);
}

/* A call that is told contains those that were told before and began in it. */
static void test_nested_spans(void **state)
{
	struct fixture *f = *state;

	f->options.ns_per_tsc = 1;
	begin(f);
	event(f, SPAN, 7, 100, C, 10);
	event(f, SPAN, 7, 200, C, 20);
	event(f, SPAN, 8, 205, C, 5);
	event(f, SPAN, 7, 210, B, 50);
	event(f, SPAN, 7, 300, C, 30);
	event(f, SPAN, 7, 310, A, 250);
	expect_tree(f,
		"c 1 5 5\n"
		"a 1 250 160\n"
		" c 2 40 40\n"
		" b 1 50 30\n"
		"  c 1 20 20\n");
	assert_false(f->graph->timed);
	assert_int_equal(function(f, "c")->spans->count, 4);
	assert_int_equal(f->graph->crowded, 0);
}

static bool b_only(const void *context, const char *name)
{
	(void)context;
	return !strcmp(name, "b");
}

/* One function and what is below it, as of calls that were recorded whole. */
static void test_spans_below(void **state)
{
	struct fixture *f = *state;

	f->options.ns_per_tsc = 1;
	f->options.function_wanted = b_only;
	begin(f);
	event(f, SPAN, 7, 100, C, 10);
	event(f, SPAN, 7, 200, C, 20);
	event(f, SPAN, 7, 210, B, 50);
	event(f, SPAN, 7, 310, A, 250);
	expect_tree(f,
		"b 1 50 30\n"
		" c 1 20 20\n");
	assert_int_equal(function(f, "c")->spans->count, 1);
}

/* Nobody waits for ever: too many calls side by side, or within each other, lose their callers, and are counted. */
static void test_many_spans(void **state)
{
	struct fixture *f = *state;
	const uint32_t many = CALL_SPANS_WAITING + 1, deep = CALL_SPANS_DEPTH + 10;
	uint64_t now = 1000000;

	f->options.ns_per_tsc = 1;
	begin(f);
	for (uint32_t i = 0; i < many; i++)
		event(f, SPAN, 7, now += 2, C, 1);
	event(f, SPAN, 7, now += 2, B, 900000);
	for (uint32_t i = 0; i < deep; i++)
		event(f, SPAN, 8, 2000000 + i, A, 100 + 2 * i);
	call_graph_finish(f->graph);
	assert_int_equal(f->graph->calls, many + 1 + deep);
	assert_int_equal(function(f, "c")->calls, many);
	assert_int_equal(function(f, "a")->calls, deep);
	assert_int_equal(f->graph->crowded, CALL_SPANS_WAITING / 2 + 1);
}

static void test_phases(void **state)
{
	struct fixture *f = *state;

	begin(f);
	in(f, A, 10);
	out(f, 15);
	call_graph_set_phase(f->graph, 2);
	in(f, A, 20);
	in(f, B, 21);
	out(f, 25);
	call_graph_set_phase(f->graph, 3);
	out(f, 30);
	call_graph_finish(f->graph);
	assert_int_equal(function(f, "a")->phases[0].calls, 1);
	assert_int_equal(function(f, "a")->phases[2].calls, 1);
	assert_int_equal(function(f, "a")->phases[3].self.wall_ns, 6);
	assert_int_equal(function(f, "b")->phases[2].self.wall_ns, 4);
}

/* More places and functions than there may be: all calls count all the same. */
static void test_crowded(void **state)
{
	struct fixture *f = *state;
	uint64_t now = 10, calls = 0;

	begin(f);
	for (unsigned i = 0; i < 1100; i++) {
		event(f, GRAPH_ENTRY, 7, ++now, BASE + i * 16, 0);
		calls++;
		for (unsigned j = 0; j < 1000; j++) {
			event(f, GRAPH_ENTRY, 7, ++now, NOWHERE + j * 64, 1);
			event(f, GRAPH_EXIT, 7, ++now, NOWHERE + j * 64, 1);
			calls++;
		}
		event(f, GRAPH_EXIT, 7, ++now, BASE + i * 16, 0);
	}
	for (uint32_t i = 0; i < CALL_FUNCTIONS; i++) {
		event(f, GRAPH_ENTRY, 7, ++now, 2 * NOWHERE + i * 64ull, 0);
		event(f, GRAPH_EXIT, 7, ++now, 2 * NOWHERE + i * 64ull, 0);
		calls++;
	}
	call_graph_finish(f->graph);
	assert_int_equal(f->graph->calls, calls);
	assert_int_equal(f->graph->unended[CALL_RETURNED], calls);
	assert_true(f->graph->crowded > 0 && f->graph->nr_nodes <= CALL_NODES);
	for (uint32_t i = 0; i < f->graph->nr_functions; i++)
		calls -= f->graph->functions[i].calls;
	assert_int_equal(calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_merged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_recursion, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_on_cpu, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_range, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_filters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_depths, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_entries_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_spans, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nested_spans, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_spans_below, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_spans, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_phases, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_crowded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
