/* SPDX-License-Identifier: MIT */
/*
 * Events of functions, the module's and ftrace's own, for lib/model/call_stacks.h:
 *
 *   func_entry, func_exit              entry; exit of the innermost open function
 *   func_span                          a call that took long enough, told when it ends
 *   func_missed                        so many calls have no record, those around them are whole; or functions were switched
 *   funcgraph_entry, funcgraph_exit    of ftrace's function_graph, with their depth
 *   function                           of ftrace's function: entry only, with the caller
 *   sched_switch, sched_process_fork, and lost events
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/analysis/kernel_event.h"
#include "lib/model/call_stacks.h"
#include "lib/model/names.h"

struct call_events_listener {
	void *context; /* of enter and leave, too */
	void (*enter)(void *context, struct call_task *task, struct call_frame *frame);
	void (*leave)(void *context, struct call_task *task, struct call_frame *frame,
		const struct call_times *took, enum call_end end);
	/* an entry of which no exit will come; caller: an address inside it, 0: not known */
	void (*call)(void *context, uint32_t cpu, uint32_t pid, uint64_t function, uint64_t caller,
		uint64_t now_ns);
	/* a call that lasted until now */
	void (*span)(void *context, uint32_t cpu, uint32_t pid, uint64_t function, uint64_t took_ns,
		uint64_t now_ns);
};

struct call_events_options {
	const struct event_schema *schema;
	const struct event_type *lost_type; /* see kernel_events_init() */
	uint32_t nr_cpus;
	double ns_per_tsc;         /* for durations in events */
	bool entries_only;         /* the trace has no func_exit: every func_entry is a call() */
	const struct names *names; /* or NULL */
	struct call_events_listener listener;
};

struct call_events {
	struct call_stacks stacks;
	struct kernel_events *kernel_events;
	struct call_events_listener listener;
	double ns_per_tsc;
	bool entries_only;
	uint64_t switch_tracer;                /* see call_stacks.h: its symbol; 0: not known */
	uint64_t first_ns, last_ns;            /* of all events; 0: there were none */
	uint64_t entries, exits, calls, spans; /* events by what they say */
	uint64_t lost;                         /* events, as the trace says */
	uint64_t missed;                       /* functions, as func_missed says */
};

/* -ENOMEM; good for call_events_deinit() all the same. */
int call_events_init(struct call_events *events, const struct call_events_options *options);
void call_events_deinit(struct call_events *events);

/* One event: its type, its payload (checked by the reader), CPU, running task, time: not 0. */
void call_events_add(struct call_events *events, const struct event_type *type, const uint8_t *payload,
	uint32_t cpu, uint32_t pid, uint64_t now_ns);

/* What is open ends. */
void call_events_finish(struct call_events *events, uint64_t now_ns);
