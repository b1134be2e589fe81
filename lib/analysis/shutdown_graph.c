/* SPDX-License-Identifier: MIT */
#include "lib/analysis/shutdown_graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES_MAX     65536
#define CALLS_AT_FIRST  64u
#define HELPER_MIN_NS   100000 /* locks and the like below that are no calls worth a row */
#define WAIT_MIN_NS     10000  /* a lock that is free is taken faster */
#define ENTRY_BYTES_MAX 16     /* between a symbol and its call of ftrace: endbr64 */
#define TOOK_SLACK_NS   20000 /* between an event and the time that it speaks of: an interrupt, for example */

struct frame {
	uint64_t func; /* 0: its entry was lost */
	uint64_t start_ns;
	uint64_t wait_ns, waiter, waiter_ns; /* of a call */
	uint32_t generation;
	int16_t call; /* the frame of the call it is in, or is; -1: none */
	enum shutdown_class class;
	bool container, waits; /* waits: it is a wait, or inside one */
};

struct shutdown_task {
	uint64_t pid;
	uint32_t depth;
	struct frame frames[SHUTDOWN_DEPTH_MAX];
};

int shutdown_graph_init(struct shutdown_graph *graph, const struct names *names)
{
	*graph = (struct shutdown_graph){.names = names};
	return capped_table_init(&graph->tasks, sizeof(struct shutdown_task), SHUTDOWN_TASKS_MAX);
}

void shutdown_graph_deinit(struct shutdown_graph *graph)
{
	hash_map_deinit(&graph->class_by_func);
	capped_table_deinit(&graph->tasks);
	free(graph->calls);
	*graph = (struct shutdown_graph){0};
}

const char *shutdown_function(const struct names *names, uint64_t func)
{
	uint64_t offset = 0;
	const char *name = names && func ? names_symbol(names, func, &offset) : NULL;

	return offset <= ENTRY_BYTES_MAX ? name : NULL;
}

static enum shutdown_class class_of(struct shutdown_graph *graph, uint64_t func)
{
	uint64_t *place = hash_map_get(&graph->class_by_func, func);
	const char *name;

	if (place)
		return (enum shutdown_class) * place;
	name = shutdown_function(graph->names, func);
	if (graph->class_by_func.count < CLASSES_MAX)
		place = hash_map_put(&graph->class_by_func, func);
	if (place)
		*place = name ? shutdown_class_of(name) : SHUTDOWN_NONE;
	return name ? shutdown_class_of(name) : SHUTDOWN_NONE;
}

static struct shutdown_task *task_at(struct shutdown_graph *graph, uint32_t pid)
{
	struct shutdown_task *task = capped_table_at(&graph->tasks, pid);

	return task == graph->tasks.others ? NULL : task;
}

static bool is_container(enum shutdown_class class, const struct frame *parent)
{
	if (class == SHUTDOWN_NONE || class >= SHUTDOWN_HELPER)
		return false;
	/* a notifier's own chain, or one of some other task, is no part of a shutdown */
	return parent && parent->func ? parent->container : class != SHUTDOWN_CHAIN;
}

static enum shutdown_section section_of(enum shutdown_class class)
{
	switch (class) {
	case SHUTDOWN_CHAIN:
		return SHUTDOWN_SECTION_NOTIFIERS;
	case SHUTDOWN_DEVICES:
		return SHUTDOWN_SECTION_DEVICES;
	case SHUTDOWN_SYSCORE:
		return SHUTDOWN_SECTION_SYSCORE;
	case SHUTDOWN_MACHINE:
		return SHUTDOWN_SECTION_MACHINE;
	default:
		return SHUTDOWN_SECTION_OTHER;
	}
}

static void set_frame(struct shutdown_graph *graph, struct shutdown_task *task, uint32_t depth, uint64_t func,
	uint64_t now_ns)
{
	struct frame *frame = &task->frames[depth];
	const struct frame *parent = depth ? &task->frames[depth - 1] : NULL;

	*frame = (struct frame){
		.func = func,
		.start_ns = now_ns,
		.generation = graph->generation,
		.call = parent ? parent->call : -1,
		.class = func ? class_of(graph, func) : SHUTDOWN_NONE,
	};
	frame->container = is_container(frame->class, parent);
	frame->waits = frame->class == SHUTDOWN_WAIT || (parent && parent->waits);
	if (frame->call < 0 && parent && parent->container && !frame->container && func)
		frame->call = (int16_t)depth;
	if (frame->container && !graph->root_ns) {
		graph->root_ns = now_ns;
		graph->root = func;
		graph->pid = (uint32_t)task->pid;
	}
}

static void add_call(struct shutdown_graph *graph, const struct shutdown_call *call)
{
	if (graph->nr_calls == graph->capacity) {
		size_t capacity = graph->capacity ? 2 * graph->capacity : CALLS_AT_FIRST;
		struct shutdown_call *calls = capacity > SHUTDOWN_CALLS_MAX
			? NULL
			: reallocarray(graph->calls, capacity, sizeof(*calls));

		if (!calls) {
			graph->left_out++;
			return;
		}
		graph->calls = calls;
		graph->capacity = capacity;
	}
	graph->calls[graph->nr_calls++] = *call;
}

static void add_span(
	struct shutdown_graph *graph, const struct shutdown_task *task, uint32_t depth, uint64_t end_ns)
{
	const struct frame *frame = &task->frames[depth];

	/* machine_restart() calls others of its class, a chain's lock a chain: the outermost stands for them */
	if (depth && task->frames[depth - 1].class == frame->class && task->frames[depth - 1].container)
		return;
	if (frame->class == SHUTDOWN_PREPARE || graph->nr_spans == SHUTDOWN_SPANS_MAX)
		return;
	graph->spans[graph->nr_spans++] = (struct shutdown_span){
		.func = frame->func,
		.start_ns = frame->start_ns,
		.end_ns = end_ns,
		.class = frame->class,
		.pid = (uint32_t)task->pid,
	};
}

static void add_wait(
	struct shutdown_graph *graph, struct shutdown_task *task, const struct frame *frame, uint64_t ns)
{
	struct frame *call = frame->call >= 0 ? &task->frames[frame->call] : NULL;
	struct shutdown_wait wait = {frame->func, frame->start_ns, ns, call ? call->func : 0};
	uint32_t at = graph->nr_waits;

	if (call) {
		call->wait_ns += ns;
		if (ns > call->waiter_ns) {
			call->waiter = frame->func;
			call->waiter_ns = ns;
		}
	}
	if (ns < WAIT_MIN_NS)
		return;
	while (at && graph->waits[at - 1].ns < ns)
		at--;
	if (at == SHUTDOWN_WAITS_MAX)
		return;
	if (graph->nr_waits < SHUTDOWN_WAITS_MAX)
		graph->nr_waits++;
	memmove(&graph->waits[at + 1], &graph->waits[at], (graph->nr_waits - 1 - at) * sizeof(wait));
	graph->waits[at] = wait;
}

/* A root that returns was no shutdown: reboot(2) also sets what Ctrl-Alt-Del does. */
static void forget(struct shutdown_graph *graph)
{
	graph->nr_calls = 0;
	graph->nr_waits = graph->nr_spans = graph->pid = 0;
	graph->root_ns = 0;
}

/* The frame at `depth` is over, or still open where the trace ends (end_ns 0). */
static void close_frame(struct shutdown_graph *graph, struct shutdown_task *task, uint32_t depth,
	uint32_t cpu, uint64_t end_ns)
{
	struct frame *frame = &task->frames[depth];
	bool outermost = frame->waits && !(depth && task->frames[depth - 1].waits);
	uint64_t ns = end_ns > frame->start_ns ? end_ns - frame->start_ns : 0;
	struct shutdown_call call;

	/* only what is on the way down: in a call, or in what calls them */
	if (outermost && frame->call >= 0 && ns)
		add_wait(graph, task, frame, ns);
	if (frame->container)
		add_span(graph, task, depth, end_ns);
	if (frame->class == SHUTDOWN_ROOT && frame->container && !depth && end_ns)
		forget(graph);
	if (frame->call != (int16_t)depth)
		return;
	if (end_ns && ns < HELPER_MIN_NS && frame->class >= SHUTDOWN_HELPER)
		return;
	call = (struct shutdown_call){
		.func = frame->func,
		.start_ns = frame->start_ns,
		.end_ns = end_ns,
		.wait_ns = frame->wait_ns,
		.waiter = frame->waiter,
		.waiter_ns = frame->waiter_ns,
		.pid = (uint32_t)task->pid,
		.cpu = cpu,
		.section = section_of(task->frames[depth - 1].class),
		.helper = frame->class >= SHUTDOWN_HELPER,
	};
	if (call.section == SHUTDOWN_SECTION_DEVICES && !call.helper) {
		memcpy(call.device, graph->device, sizeof(call.device));
		graph->device[0] = 0;
	}
	add_call(graph, &call);
}

/* Forgets the frames from `depth` on: what ended them was lost. */
static void drop(struct shutdown_graph *graph, struct shutdown_task *task, uint32_t depth)
{
	while (task->depth > depth)
		graph->unmatched += task->frames[--task->depth].func != 0;
}

/* Makes the stack `depth` deep; frames whose entries were lost have no function. */
static void resize(struct shutdown_graph *graph, struct shutdown_task *task, uint32_t depth, uint64_t now_ns)
{
	drop(graph, task, depth);
	while (task->depth < depth)
		set_frame(graph, task, task->depth++, 0, now_ns);
}

void shutdown_graph_enter(struct shutdown_graph *graph, uint32_t pid, uint32_t cpu, uint64_t func,
	uint64_t depth, uint64_t now_ns)
{
	struct shutdown_task *task = task_at(graph, pid);

	(void)cpu;
	graph->events++;
	if (!task || depth >= SHUTDOWN_DEPTH_MAX) {
		graph->unmatched++;
		return;
	}
	resize(graph, task, (uint32_t)depth, now_ns);
	set_frame(graph, task, task->depth++, func, now_ns);
}

/* Does the exit belong to the entry, and if not, can it stand alone? Then the frame is made from it. */
static bool match(struct shutdown_graph *graph, struct shutdown_task *task, uint32_t depth, uint64_t func,
	uint64_t took_ns, uint64_t now_ns)
{
	struct frame *frame = &task->frames[depth];
	uint64_t ns = now_ns > frame->start_ns ? now_ns - frame->start_ns : 0;
	uint64_t off = ns > took_ns ? ns - took_ns : took_ns - ns;

	if (frame->func == func && frame->generation == graph->generation)
		return true;
	if (frame->func == func && took_ns && off <= TOOK_SLACK_NS + took_ns / 100)
		return true;
	graph->unmatched++;
	if (!took_ns || took_ns > now_ns)
		return false;
	set_frame(graph, task, depth, func, now_ns - took_ns);
	return true;
}

void shutdown_graph_leave(struct shutdown_graph *graph, uint32_t pid, uint32_t cpu, uint64_t func,
	uint64_t depth, uint64_t took_ns, uint64_t now_ns)
{
	struct shutdown_task *task = task_at(graph, pid);

	graph->events++;
	if (!task || depth >= SHUTDOWN_DEPTH_MAX) {
		graph->unmatched++;
		return;
	}
	resize(graph, task, (uint32_t)depth + 1, now_ns);
	if (match(graph, task, (uint32_t)depth, func, took_ns, now_ns))
		close_frame(graph, task, (uint32_t)depth, cpu, now_ns);
	task->depth = (uint32_t)depth;
}

void shutdown_graph_message(struct shutdown_graph *graph, const char *text, uint32_t bytes)
{
	static const char said[] = ": shutdown";
	const uint32_t length = sizeof(said) - 1;

	if (!graph->root_ns || bytes <= length || memcmp(text + bytes - length, said, length))
		return;
	bytes -= length;
	if (bytes >= sizeof(graph->device))
		bytes = sizeof(graph->device) - 1;
	memcpy(graph->device, text, bytes);
	graph->device[bytes] = 0;
}

void shutdown_graph_lost(struct shutdown_graph *graph)
{
	graph->generation++;
}

void shutdown_graph_end(struct shutdown_graph *graph)
{
	for (size_t i = 0; i < graph->tasks.count; i++) {
		struct shutdown_task *task = capped_table_row(&graph->tasks, i);

		if (task->pid == graph->pid && graph->root_ns) {
			graph->nr_open = task->depth;
			for (uint32_t n = 0; n < task->depth; n++)
				graph->open[n] = task->frames[n].func;
		}
		while (task->depth) {
			task->depth--;
			close_frame(graph, task, task->depth, 0, 0);
		}
	}
}
