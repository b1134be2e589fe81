/* SPDX-License-Identifier: MIT */
#include "lib/analysis/call_graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_BITS_AT_FIRST 12u
#define ADDRESSES_MAX       (1u << 19)
#define ENTRY_BYTES_MAX     16 /* between a symbol and its call of ftrace: endbr64 */

/* frame->flags */
#define FRAME_PLACED  1u /* it has a node */
#define FRAME_TIMED   2u /* its time counts */
#define FRAME_COUNTED 4u /* it counts as a call */

static void call_times_add(struct call_times *sum, const struct call_times *more)
{
	sum->wall_ns += more->wall_ns;
	sum->on_ns += more->on_ns;
	sum->real_ns += more->real_ns;
}

/* --- functions --- */

static uint32_t new_function(struct call_graph *graph, uint64_t address, const char *name)
{
	struct call_function *function;

	if (graph->nr_functions == CALL_FUNCTIONS)
		return CALL_UNKNOWN;
	function = &graph->functions[graph->nr_functions];
	function->address = address;
	function->name = name;
	function->wanted = !graph->function_wanted || (name && graph->function_wanted(graph->context, name));
	return graph->nr_functions++;
}

/* The function of an address: an entry (is_entry), or anywhere in it. */
static uint32_t function_of(struct call_graph *graph, uint64_t address, bool is_entry)
{
	uint64_t *place = address ? hash_map_get(&graph->by_address, address) : NULL, offset = 0;
	const char *name;
	uint32_t function;

	if (place)
		return (uint32_t)*place;
	if (!address || graph->by_address.count >= ADDRESSES_MAX)
		return CALL_UNKNOWN;
	name = graph->names ? names_symbol(graph->names, address, &offset) : NULL;
	if (name && is_entry && offset > ENTRY_BYTES_MAX)
		name = NULL;
	if (name && offset)
		function = function_of(graph, address - offset, true);
	else
		function = new_function(graph, address, name);
	place = hash_map_put(&graph->by_address, address);
	if (place)
		*place = function;
	return function;
}

/* --- nodes --- */

static inline size_t slot_of(const struct call_graph *graph, uint32_t parent, uint64_t address)
{
	uint64_t hash = (address + parent * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	return (size_t)(hash >> (64 - graph->index_bits));
}

static void put_in_index(struct call_graph *graph, uint32_t node)
{
	size_t mask = ((size_t)1 << graph->index_bits) - 1;
	size_t at = slot_of(graph, graph->nodes[node].parent, graph->nodes[node].address);

	while (graph->index[at])
		at = (at + 1) & mask;
	graph->index[at] = node;
}

/* At most half full, so that a search ends soon. */
static bool grow_index(struct call_graph *graph)
{
	uint32_t *old = graph->index;

	if (graph->nr_nodes < (UINT32_C(1) << graph->index_bits) / 2)
		return true;
	graph->index = calloc((size_t)1 << (graph->index_bits + 1), sizeof(*graph->index));
	if (!graph->index) {
		graph->index = old;
		return false;
	}
	free(old);
	graph->index_bits++;
	for (uint32_t node = CALL_MORE + 1; node < graph->nr_nodes; node++)
		put_in_index(graph, node);
	return true;
}

static bool is_recursive(const struct call_graph *graph, uint32_t parent, uint32_t function)
{
	for (uint32_t node = parent; node != CALL_ROOT; node = graph->nodes[node].parent)
		if (graph->nodes[node].function == function && function != CALL_UNKNOWN)
			return true;
	return false;
}

static uint32_t add_node(struct call_graph *graph, uint32_t parent, uint64_t address, uint32_t function)
{
	struct call_node *above = &graph->nodes[parent], *node = &graph->nodes[graph->nr_nodes];

	if (!grow_index(graph))
		return CALL_MORE;
	node->address = address;
	node->function = function;
	node->parent = parent;
	node->next_sibling = above->first_child;
	node->recursive = is_recursive(graph, parent, function);
	above->first_child = graph->nr_nodes;
	put_in_index(graph, graph->nr_nodes);
	return graph->nr_nodes++;
}

static uint32_t find_node(const struct call_graph *graph, uint32_t parent, uint64_t address)
{
	size_t mask = ((size_t)1 << graph->index_bits) - 1;

	for (size_t at = slot_of(graph, parent, address);; at = (at + 1) & mask) {
		uint32_t node = graph->index[at];

		if (!node || (graph->nodes[node].parent == parent && graph->nodes[node].address == address))
			return node;
	}
}

/* The tree is full: a node of its own for each function, without its callers. */
static uint32_t crowded_child(struct call_graph *graph, uint32_t function)
{
	uint64_t address = graph->functions[function].address;
	uint32_t node = find_node(graph, CALL_MORE, address);

	graph->crowded++;
	if (!node)
		node = add_node(graph, CALL_MORE, address, function);
	return node;
}

static uint32_t child_slow(struct call_graph *graph, uint32_t parent, uint64_t address)
{
	uint32_t node = find_node(graph, parent, address), function;

	if (node)
		return node;
	function = function_of(graph, address, true);
	if (graph->nr_nodes >= CALL_NODES - CALL_FUNCTIONS - 2)
		return crowded_child(graph, function);
	return add_node(graph, parent, address, function);
}

/* Kernels repeat themselves: what was called after the last call, or that again, saves most look-ups. */
static inline uint32_t child_of(struct call_graph *graph, uint32_t parent, uint64_t address)
{
	uint32_t last = graph->nodes[parent].last_child, guess = graph->nodes[last].follower, node;

	if (__builtin_expect(guess && graph->nodes[guess].address == address, 1)) {
		graph->nodes[parent].last_child = guess;
		return guess;
	}
	if (last && graph->nodes[last].address == address)
		return last;
	node = child_slow(graph, parent, address);
	if (graph->nodes[node].parent == parent) {
		graph->nodes[parent].last_child = node;
		if (last)
			graph->nodes[last].follower = node;
	}
	return node;
}

/* --- calls --- */

static struct call_phase *phase_of(struct call_graph *graph, uint32_t function)
{
	struct call_function *place = &graph->functions[function];

	if (!place->phases)
		place->phases = calloc(CALL_PHASES, sizeof(*place->phases));
	return place->phases ? &place->phases[graph->phase] : NULL;
}

static inline void count_call(struct call_graph *graph, uint32_t node, uint64_t calls)
{
	struct call_phase *phase;

	graph->nodes[node].calls += calls;
	graph->calls += calls;
	if (__builtin_expect(graph->phase != 0, 0)) {
		phase = phase_of(graph, graph->nodes[node].function);
		if (phase)
			phase->calls += calls;
	}
}

static bool cpu_wanted(const struct call_graph *graph, uint32_t cpu)
{
	return !graph->cpus || graph->cpus[cpu / 64] >> cpu % 64 & 1;
}

static bool task_wanted(const struct call_graph *graph, uint32_t pid)
{
	return !graph->task_wanted || graph->task_wanted(graph->context, pid);
}

/* With a filter: does the frame have a place in the tree? */
static bool has_place(struct call_graph *graph, const struct call_task *task, struct call_frame *frame)
{
	const struct call_frame *caller = call_frame_caller(task, frame);

	if (caller && caller->flags & FRAME_PLACED)
		return true;
	if (graph->function_wanted && !graph->functions[function_of(graph, frame->function, true)].wanted)
		return false;
	return task_wanted(graph, task->pid);
}

static void place(
	struct call_graph *graph, const struct call_task *task, struct call_frame *frame, uint32_t flags)
{
	const struct call_frame *caller = call_frame_caller(task, frame);
	uint32_t parent = caller && caller->flags & FRAME_PLACED ? caller->node : CALL_ROOT;

	frame->flags = flags;
	/* unknown frames in a row are one */
	if (!frame->function && parent != CALL_ROOT && !graph->nodes[parent].address)
		frame->node = parent;
	else
		frame->node = child_of(graph, parent, frame->function);
}

static void enter(void *context, struct call_task *task, struct call_frame *frame)
{
	struct call_graph *graph = context;
	uint32_t flags = FRAME_PLACED;

	graph->timed = true;
	if (__builtin_expect(!graph->plain, 0)) {
		if (!graph->begun || !has_place(graph, task, frame))
			return;
		if (cpu_wanted(graph, task->cpu))
			flags |= FRAME_TIMED;
	} else {
		flags |= FRAME_TIMED;
	}
	if (flags & FRAME_TIMED && frame->function)
		flags |= FRAME_COUNTED;
	place(graph, task, frame, flags);
	if (flags & FRAME_COUNTED)
		count_call(graph, frame->node, 1);
}

/* Open where the part that is asked for begins. */
static void enter_before(void *context, struct call_task *task, struct call_frame *frame)
{
	struct call_graph *graph = context;

	if (has_place(graph, task, frame))
		place(graph, task, frame, FRAME_PLACED | (cpu_wanted(graph, task->cpu) ? FRAME_TIMED : 0));
}

static inline uint64_t less(uint64_t from, uint64_t what)
{
	return from > what ? from - what : 0;
}

static void add_duration(struct histogram **durations, uint64_t ns)
{
	if (__builtin_expect(!*durations, 0))
		*durations = calloc(1, sizeof(**durations));
	if (*durations)
		histogram_add(*durations, ns);
}

static void leave(void *context, struct call_task *task, struct call_frame *frame,
	const struct call_times *took, enum call_end end)
{
	struct call_graph *graph = context;
	struct call_node *node = &graph->nodes[frame->node];
	struct call_times self;

	(void)task;
	if (!(frame->flags & FRAME_TIMED))
		return;
	if (__builtin_expect(!frame->function, 0))
		return; /* sum_up_unknown() */
	self = (struct call_times){less(took->wall_ns, frame->children.wall_ns),
		less(took->on_ns, frame->children.on_ns), less(took->real_ns, frame->children.real_ns)};
	call_times_add(&node->total, took);
	call_times_add(&node->self, &self);
	if (__builtin_expect(graph->phase != 0, 0)) {
		struct call_phase *phase = phase_of(graph, node->function);

		if (phase)
			call_times_add(&phase->self, &self);
	}
	if (!(frame->flags & FRAME_COUNTED))
		return;
	graph->unended[end]++;
	if (end == CALL_RETURNED)
		add_duration(&graph->functions[node->function].durations, took->wall_ns);
	else
		node->unended++;
}

/* Is what a task did there and then asked for? */
static bool is_wanted(const struct call_graph *graph, uint32_t cpu, uint32_t pid, uint32_t function)
{
	return graph->plain ||
		(graph->begun && cpu_wanted(graph, cpu) && graph->functions[function].wanted &&
			task_wanted(graph, pid));
}

static void call(
	void *context, uint32_t cpu, uint32_t pid, uint64_t address, uint64_t caller, uint64_t now_ns)
{
	struct call_graph *graph = context;
	uint32_t parent = CALL_ROOT, above;

	(void)now_ns;
	if (!is_wanted(graph, cpu, pid, function_of(graph, address, true)))
		return;
	above = caller ? function_of(graph, caller, false) : CALL_UNKNOWN;
	if (above)
		parent = child_of(graph, CALL_ROOT, graph->functions[above].address);
	count_call(graph, child_of(graph, parent, address), 1);
}

/* A call that was recorded alone, at its end: once it is known who made it. */
static uint32_t place_span(void *context, uint32_t caller, const struct call_span *span)
{
	struct call_graph *graph = context;
	const uint64_t self_ns = less(span->took_ns, span->within_ns);
	const struct call_times took = {span->took_ns, span->took_ns, span->took_ns};
	const struct call_times self = {self_ns, self_ns, self_ns};
	struct call_node *node;
	uint32_t number;

	if (caller == CALL_ROOT && !graph->functions[function_of(graph, span->address, true)].wanted)
		return caller;
	number = child_of(graph, caller, span->address);
	node = &graph->nodes[number];
	node->calls++;
	graph->calls++;
	call_times_add(&node->total, &took);
	call_times_add(&node->self, &self);
	add_duration(&graph->functions[node->function].spans, span->took_ns);
	return number;
}

static void span(
	void *context, uint32_t cpu, uint32_t pid, uint64_t address, uint64_t took_ns, uint64_t now_ns)
{
	struct call_graph *graph = context;
	const struct call_span told = {.address = address,
		.begin_ns = now_ns - took_ns,
		.took_ns = took_ns,
		.counts = graph->begun && cpu_wanted(graph, cpu) && task_wanted(graph, pid)};
	const uint64_t within_ns = call_spans_add(&graph->spans, pid ? pid : UINT64_C(1) << 32 | cpu, &told);
	const uint64_t self_ns = less(took_ns, within_ns);
	struct call_phase *phase =
		graph->phase && told.counts ? phase_of(graph, function_of(graph, address, true)) : NULL;

	if (!phase)
		return;
	phase->calls++;
	call_times_add(&phase->self, &(struct call_times){self_ns, self_ns, self_ns});
}

void call_graph_begin(struct call_graph *graph)
{
	graph->begun = true;
	call_stacks_restart(&graph->events.stacks, graph->from_ns, enter_before);
}

void call_graph_set_phase(struct call_graph *graph, uint32_t phase)
{
	graph->phase = phase < CALL_PHASES ? phase : CALL_PHASES - 1;
}

/* --- from begin to end --- */

int call_graph_create(const struct call_graph_options *options, struct call_graph **graph)
{
	struct call_events_options events = {
		.schema = options->schema,
		.lost_type = options->lost_type,
		.nr_cpus = options->nr_cpus,
		.ns_per_tsc = options->ns_per_tsc,
		.entries_only = options->entries_only,
		.names = options->names,
		.listener = {NULL, enter, leave, call, span},
	};
	struct call_graph *made = calloc(1, sizeof(*made));

	*graph = NULL;
	if (!made)
		return -ENOMEM;
	made->names = options->names;
	made->cpus = options->cpus;
	made->from_ns = options->from_ns;
	made->to_ns = options->to_ns ? options->to_ns : UINT64_MAX;
	made->task_wanted = options->task_wanted;
	made->function_wanted = options->function_wanted;
	made->context = options->context;
	made->spans = (struct call_spans){.place = place_span, .context = made};
	made->begun = !options->from_ns;
	made->plain = made->begun && !options->cpus && !options->task_wanted && !options->function_wanted;
	made->index_bits = INDEX_BITS_AT_FIRST;
	made->index = calloc((size_t)1 << made->index_bits, sizeof(*made->index));
	made->nodes = calloc(CALL_NODES, sizeof(*made->nodes));
	made->functions = calloc(CALL_FUNCTIONS, sizeof(*made->functions));
	events.listener.context = made;
	if (call_events_init(&made->events, &events) < 0 || !made->index || !made->nodes ||
		!made->functions) {
		call_graph_destroy(made);
		return -ENOMEM;
	}
	made->nr_nodes = CALL_MORE + 1;
	made->nr_functions = 1;
	*graph = made;
	return 0;
}

void call_graph_destroy(struct call_graph *graph)
{
	if (!graph)
		return;
	for (uint32_t i = 0; i < graph->nr_functions; i++) {
		free(graph->functions[i].durations);
		free(graph->functions[i].spans);
		free(graph->functions[i].phases);
	}
	call_spans_deinit(&graph->spans);
	call_events_deinit(&graph->events);
	hash_map_deinit(&graph->by_address);
	free(graph->functions);
	free(graph->nodes);
	free(graph->index);
	free(graph);
}

/* Where phases are counted, phase 0 has what no other has. */
static void finish_phases(struct call_function *function)
{
	struct call_phase sum = {0};

	if (!function->phases)
		return;
	for (uint32_t i = 1; i < CALL_PHASES; i++) {
		sum.calls += function->phases[i].calls;
		call_times_add(&sum.self, &function->phases[i].self);
	}
	function->phases[0] = (struct call_phase){less(function->calls, sum.calls),
		{less(function->self.wall_ns, sum.self.wall_ns), less(function->self.on_ns, sum.self.on_ns),
			less(function->self.real_ns, sum.self.real_ns)}};
}

/* What is not known itself took at least what it called did. Children have higher numbers. */
static void sum_up_unknown(struct call_graph *graph)
{
	for (uint32_t i = graph->nr_nodes - 1; i > CALL_MORE; i--) {
		struct call_node *node = &graph->nodes[i];

		for (uint32_t child = node->address ? 0 : node->first_child; child;
			child = graph->nodes[child].next_sibling)
			call_times_add(&node->total, &graph->nodes[child].total);
	}
}

static void sum_up(struct call_graph *graph, struct call_node *node)
{
	struct call_function *function = &graph->functions[node->function];

	function->calls += node->calls;
	function->unended += node->unended;
	call_times_add(&function->self, &node->self);
	if (!node->recursive)
		call_times_add(&function->total, &node->total);
}

void call_graph_finish(struct call_graph *graph)
{
	struct call_node *root = &graph->nodes[CALL_ROOT], *more = &graph->nodes[CALL_MORE];
	uint64_t end_ns = graph->over ? graph->to_ns : graph->events.last_ns;

	if (!graph->begun)
		call_graph_begin(graph);
	call_events_finish(&graph->events, end_ns);
	call_spans_finish(&graph->spans);
	graph->crowded += graph->spans.given_up;
	sum_up_unknown(graph);
	for (uint32_t child = more->first_child; child; child = graph->nodes[child].next_sibling)
		call_times_add(&more->total, &graph->nodes[child].total);
	if (more->first_child) {
		more->next_sibling = root->first_child;
		root->first_child = CALL_MORE;
	}
	for (uint32_t child = root->first_child; child; child = graph->nodes[child].next_sibling)
		call_times_add(&root->total, &graph->nodes[child].total);
	for (uint32_t node = CALL_MORE + 1; node < graph->nr_nodes; node++)
		sum_up(graph, &graph->nodes[node]);
	for (uint32_t i = 0; i < graph->nr_functions; i++)
		finish_phases(&graph->functions[i]);
}

const struct histogram *call_function_durations(const struct call_function *function)
{
	static const struct histogram none = {0};

	return function->durations ? function->durations : &none;
}

/* --- edges --- */

static int compare_edges(const void *a, const void *b)
{
	const struct call_edge *one = a, *other = b;

	if (one->calls != other->calls)
		return one->calls > other->calls ? -1 : 1;
	if (one->total.wall_ns != other->total.wall_ns)
		return one->total.wall_ns > other->total.wall_ns ? -1 : 1;
	return one->function < other->function ? -1 : one->function > other->function;
}

/* Of all nodes of `function` (callers), or all called by one (callees). */
static struct call_edge *edges(const struct call_graph *graph, uint32_t function, bool callees, size_t *count)
{
	struct call_edge *all = calloc(graph->nr_functions, sizeof(*all));
	size_t used = 0;

	*count = 0;
	for (uint32_t i = CALL_MORE + 1; all && i < graph->nr_nodes; i++) {
		const struct call_node *node = &graph->nodes[i], *caller = &graph->nodes[node->parent];
		struct call_edge *edge = &all[callees ? node->function : caller->function];

		if ((callees ? caller->function : node->function) != function)
			continue;
		edge->calls += node->calls;
		call_times_add(&edge->total, &node->total);
	}
	for (uint32_t i = 0; all && i < graph->nr_functions; i++)
		if (all[i].calls || all[i].total.wall_ns) {
			all[used] = all[i];
			all[used++].function = i;
		}
	if (!used) {
		free(all);
		return NULL;
	}
	*count = used;
	qsort(all, used, sizeof(*all), compare_edges);
	return all;
}

struct call_edge *call_graph_callers(const struct call_graph *graph, uint32_t function, size_t *count)
{
	return edges(graph, function, false, count);
}

struct call_edge *call_graph_callees(const struct call_graph *graph, uint32_t function, size_t *count)
{
	return edges(graph, function, true, count);
}
