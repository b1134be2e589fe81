/* SPDX-License-Identifier: MIT */
/*
 * The functions of one machine: the merged call tree of all its tasks, and what each function took. Fed event by event
 * (lib/analysis/call_events.h says of which), read after call_graph_finish().
 *
 *	for (uint32_t child = call_graph_node(graph, CALL_ROOT)->first_child; child;
 *	     child = call_graph_node(graph, child)->next_sibling)
 *		…
 *
 * Time is that of the part of the trace that is asked for: of a call that reaches beyond it, what is within. A call
 * counts where it was entered. Calls without an end (the trace's end, a gap, their task's end) count, and their time
 * until then is in total and self; durations have only those that returned.
 *
 * Where the trace holds entries only, there are calls and callers, and no times: graph->timed is false, and the tree has
 * two levels, callers and what they called.
 *
 * Calls that were recorded only because they took long stand below those of them that called them; of their time on a CPU
 * nothing is known: on_ns is wall_ns.
 *
 * Hostile input: at most CALL_NODES nodes. From there on a call stands as a child of the node CALL_MORE, its callers being
 * given up; and CALL_FUNCTIONS functions, what is more is all one, with address 0.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/analysis/call_events.h"
#include "lib/analysis/call_spans.h"
#include "lib/base/hash_map.h"
#include "lib/base/histogram.h"
#include "lib/model/names.h"

#define CALL_NODES     (1u << 20)
#define CALL_FUNCTIONS 32768u
#define CALL_PHASES    32u
#define CALL_ROOT      0u /* the node above all; no function's */
#define CALL_MORE      1u /* see above; a child of the root if it has children */
#define CALL_UNKNOWN   0u /* the function of frames that are not known, and of what found no room */

/* A function as called by that caller, called by that caller, … */
struct call_node {
	uint64_t address;                           /* as events say it; 0: not known */
	uint32_t function;                          /* into graph->functions */
	uint32_t parent, first_child, next_sibling; /* 0: none */
	bool recursive;                             /* it is below a node of the same function */
	uint32_t last_child;                        /* that was called … */
	uint32_t follower; /* … and the sibling that was called after it, once: a good guess of the next */
	uint64_t calls;    /* also those without an end */
	uint64_t unended;
	struct call_times total; /* with what it called; of function 0: only that */
	struct call_times self;  /* without */
};

struct call_phase {
	uint64_t calls;
	struct call_times self; /* of calls that were over in that phase */
};

struct call_function {
	uint64_t address; /* its symbol's, where there is one */
	const char *name; /* raw, of options.names; NULL: not known */
	bool wanted;
	struct histogram *durations; /* ns, of calls that returned; NULL: none did */
	struct histogram *spans;     /* of calls recorded only because they took long; NULL: none */
	struct call_phase *phases;   /* CALL_PHASES of them; NULL: none but phase 0 */
	/* the rest is filled by call_graph_finish() */
	uint64_t calls, unended;
	struct call_times total; /* a recursive call's only in the outermost */
	struct call_times self;
};

struct call_graph_options {
	const struct event_schema *schema;
	const struct event_type *lost_type; /* see kernel_events_init() */
	const struct names *names;          /* or NULL */
	uint32_t nr_cpus;
	const uint64_t *cpus;    /* bit set: calls entered on other CPUs do not count; NULL: all */
	uint64_t from_ns, to_ns; /* the part asked for; 0 and UINT64_MAX: all */
	double ns_per_tsc;       /* for durations in events */
	bool entries_only;       /* see call_events.h */
	bool (*task_wanted)(const void *context, uint32_t pid); /* or NULL: all */
	bool (*function_wanted)(
		const void *context, const char *name); /* its calls, and what is below; NULL: all */
	const void *context;
};

struct call_graph {
	struct call_node *nodes; /* untouched ones take no memory */
	uint32_t nr_nodes;
	struct call_function *functions; /* [CALL_UNKNOWN] is none */
	uint32_t nr_functions;
	struct call_events events;
	uint64_t from_ns, to_ns;
	uint64_t calls;              /* counted */
	uint64_t unended[CALL_ENDS]; /* of them, by how they ended; [CALL_RETURNED]: returned */
	uint64_t crowded;            /* calls whose callers were given up */
	bool timed;                  /* there are calls with times */
	bool has_real; /* the caller said how long vCPUs were kept from running, and says so here */
	uint32_t phase;
	const struct names *names;
	/* private */
	bool begun, over; /* the part asked for */
	bool plain;       /* no filter */
	const uint64_t *cpus;
	bool (*task_wanted)(const void *context, uint32_t pid);
	bool (*function_wanted)(const void *context, const char *name);
	const void *context;
	uint32_t *index;            /* hash of (parent, address) -> node */
	unsigned index_bits;        /* log2 of its size */
	struct hash_map by_address; /* -> function */
	struct call_spans spans;
};

/* The pointers in `options` must live as long. -ENOMEM. Heap; NULL after an error. */
int call_graph_create(const struct call_graph_options *options, struct call_graph **graph);
void call_graph_destroy(struct call_graph *graph);

/* The part that is asked for begins: for call_graph_add(). */
void call_graph_begin(struct call_graph *graph);

/* One event, as in machine_report_add(). Times are not 0. Events outside the part that is asked for are needed, too. */
static inline void call_graph_add(struct call_graph *graph, const struct event_type *type,
	const uint8_t *payload, uint32_t cpu, uint32_t pid, uint64_t now_ns)
{
	if (__builtin_expect(!graph->begun, 0) && now_ns >= graph->from_ns)
		call_graph_begin(graph);
	graph->over |= now_ns >= graph->to_ns;
	if (__builtin_expect(graph->over, 0))
		return;
	call_events_add(&graph->events, type, payload, cpu, pid, now_ns);
}

/* Calls that are entered from now on count for that phase, too: below CALL_PHASES. Phase 0 at first. */
void call_graph_set_phase(struct call_graph *graph, uint32_t phase);

/* Ends what is open, and sums functions up. */
void call_graph_finish(struct call_graph *graph);

static inline const struct call_node *call_graph_node(const struct call_graph *graph, uint32_t node)
{
	return &graph->nodes[node];
}

/* Durations of a function's calls: how many have one, … as in histogram.h; never NULL. */
const struct histogram *call_function_durations(const struct call_function *function);

/* Who calls a function, or whom it calls: by function, each once. */
struct call_edge {
	uint32_t function; /* the other one; CALL_UNKNOWN: not known, or (caller) none */
	uint64_t calls;
	struct call_times total; /* of the callee's calls, as in call_function */
};

/* Heap, *count of them, most calls first, then most time. NULL: none, or no memory. */
struct call_edge *call_graph_callers(const struct call_graph *graph, uint32_t function, size_t *count);
struct call_edge *call_graph_callees(const struct call_graph *graph, uint32_t function, size_t *count);
