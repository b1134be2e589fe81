/* SPDX-License-Identifier: MIT */
#include "lib/analysis/call_events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STATE_ENDS      (16u | 32u) /* of prev_state: X, Z */
#define MISSED_SWITCHED 0           /* of `cause`: HT_MISSED_SWITCHED of the module's region */
#define ENTRY_BYTES_MAX 16          /* between a symbol and its call of ftrace */

static uint64_t address_of(const struct names *names, const char *name)
{
	for (size_t i = 0; names && i < names->nr_symbols; i++)
		if (!strcmp(names->symbol_text + names->symbols[i].name, name))
			return names->symbols[i].address;
	return 0;
}

int call_events_init(struct call_events *events, const struct call_events_options *options)
{
	const struct call_listener listener = {
		options->listener.context, options->listener.enter, options->listener.leave};

	*events = (struct call_events){
		.listener = options->listener,
		.ns_per_tsc = options->ns_per_tsc,
		.entries_only = options->entries_only,
		/* of tracepoint.h: it calls the probes of a tracepoint that has several */
		.switch_tracer = address_of(options->names, "__traceiter_sched_switch"),
	};
	events->kernel_events = malloc(sizeof(*events->kernel_events));
	if (call_stacks_init(&events->stacks, options->nr_cpus, &listener) < 0 || !events->kernel_events)
		return -ENOMEM;
	kernel_events_init(events->kernel_events, options->schema, options->lost_type);
	return 0;
}

void call_events_deinit(struct call_events *events)
{
	call_stacks_deinit(&events->stacks);
	free(events->kernel_events);
	*events = (struct call_events){0};
}

/* Depths are counted from 0; what a trace makes of -1 is as deep as can be. */
static inline uint32_t depth_of(uint64_t depth)
{
	return depth < CALL_STACKS_DEPTH ? (uint32_t)depth : CALL_STACKS_DEPTH;
}

static void add_span(struct call_events *events, const struct kernel_event_layout *layout,
	const uint8_t *payload, uint32_t cpu, uint32_t pid, uint64_t now_ns)
{
	uint64_t function = kernel_event_value(layout, 0, payload);
	double took_ns = (double)kernel_event_value(layout, 1, payload) * events->ns_per_tsc;

	events->spans++;
	/* one that is longer than time is no time */
	events->listener.span(events->listener.context, cpu, pid, function,
		took_ns < (double)now_ns ? (uint64_t)took_ns : 0, now_ns);
}

/* What is not about functions, or rare. */
static void add_other(struct call_events *events, const struct kernel_event_layout *layout,
	const uint8_t *payload, uint32_t cpu, uint32_t pid, uint64_t now_ns)
{
	struct call_stacks *stacks = &events->stacks;

	switch (layout->kind) {
	case KERNEL_EVENT_LOST:
		events->lost += kernel_event_value(layout, 0, payload);
		call_stacks_lost(stacks, cpu, now_ns);
		return;
	case KERNEL_EVENT_FORK:
		call_stacks_fork(stacks, (uint32_t)kernel_event_value(layout, 0, payload));
		return;
	case KERNEL_EVENT_FUNCTION:
		events->calls++;
		events->listener.call(events->listener.context, cpu, pid,
			kernel_event_value(layout, 0, payload),
			kernel_event_has(layout, 1) ? kernel_event_value(layout, 1, payload) : 0, now_ns);
		return;
	case KERNEL_EVENT_FUNC_SPAN:
		add_span(events, layout, payload, cpu, pid, now_ns);
		return;
	case KERNEL_EVENT_FUNC_MISSED:
		/* no gap: the calls around one that has no record are whole */
		events->missed += kernel_event_value(layout, 1, payload);
		if (kernel_event_value(layout, 0, payload) == MISSED_SWITCHED)
			call_stacks_cut(stacks);
		return;
	default:
		return;
	}
}

void call_events_add(struct call_events *events, const struct event_type *type, const uint8_t *payload,
	uint32_t cpu, uint32_t pid, uint64_t now_ns)
{
	const struct kernel_event_layout *layout = &events->kernel_events->layouts[type->id];
	struct call_stacks *stacks = &events->stacks;
	uint64_t function;

	if (!events->first_ns)
		events->first_ns = now_ns;
	if (now_ns > events->last_ns)
		events->last_ns = now_ns;
	switch (layout->kind) {
	case KERNEL_EVENT_FUNC_ENTRY:
		if (events->entries_only) {
			events->calls++;
			events->listener.call(events->listener.context, cpu, pid,
				kernel_event_value(layout, 0, payload), 0, now_ns);
			return;
		}
		events->entries++;
		function = kernel_event_value(layout, 0, payload);
		if (__builtin_expect(function - events->switch_tracer <= ENTRY_BYTES_MAX, 0))
			stacks->switch_tracer = function;
		call_stacks_enter(stacks, cpu, pid, function, CALL_DEPTH_UNKNOWN, now_ns);
		return;
	case KERNEL_EVENT_FUNC_EXIT:
		events->exits++;
		call_stacks_leave(stacks, cpu, pid, 0, CALL_DEPTH_UNKNOWN, now_ns);
		return;
	case KERNEL_EVENT_FUNCGRAPH_ENTRY:
		events->entries++;
		call_stacks_enter(stacks, cpu, pid, kernel_event_value(layout, 0, payload),
			depth_of(kernel_event_value(layout, 1, payload)), now_ns);
		return;
	case KERNEL_EVENT_FUNCGRAPH_EXIT:
		events->exits++;
		call_stacks_leave(stacks, cpu, pid, kernel_event_value(layout, 0, payload),
			depth_of(kernel_event_value(layout, 1, payload)), now_ns);
		return;
	case KERNEL_EVENT_SWITCH:
		call_stacks_switch(stacks, cpu, pid, (uint32_t)kernel_event_value(layout, 0, payload),
			kernel_event_value(layout, 1, payload) & STATE_ENDS, now_ns);
		return;
	default:
		add_other(events, layout, payload, cpu, pid, now_ns);
	}
}

void call_events_finish(struct call_events *events, uint64_t now_ns)
{
	call_stacks_finish(&events->stacks, now_ns);
}
