/* SPDX-License-Identifier: MIT */
/*
 * The function graph of a shutdown (kernel/trace/trace_functions_graph.c, with ftrace_graph_filter): which notifiers
 * and callbacks were called, how long each took, and what of that was sleeping or waiting.
 *
 * Every task has its stack of open functions. The depth in the events says where an event belongs, so that a lost one
 * costs only the functions around it: what was opened before a gap and closed behind it counts only if the exit itself
 * says how long it took (calltime, rettime) and that agrees. A function whose exit never comes is open: the machine
 * stopped inside it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/analysis/capped_table.h"
#include "lib/analysis/shutdown_functions.h"
#include "lib/model/names.h"

#define SHUTDOWN_DEPTH_MAX    64 /* FTRACE_RETFUNC_DEPTH is 50 */
#define SHUTDOWN_TASKS_MAX    512
#define SHUTDOWN_CALLS_MAX    8192
#define SHUTDOWN_WAITS_MAX    64
#define SHUTDOWN_SPANS_MAX    32
#define SHUTDOWN_DEVICE_BYTES 48

/* What calls it. */
enum shutdown_section {
	SHUTDOWN_SECTION_NOTIFIERS,
	SHUTDOWN_SECTION_DEVICES,
	SHUTDOWN_SECTION_SYSCORE,
	SHUTDOWN_SECTION_MACHINE,
	SHUTDOWN_SECTION_OTHER,
	SHUTDOWN_SECTIONS,
};

/* A notifier, a callback, a step. */
struct shutdown_call {
	uint64_t func;
	uint64_t start_ns, end_ns; /* end 0: the machine stopped inside it */
	uint64_t wait_ns;          /* of its time: in functions that sleep, delay or wait */
	uint64_t waiter;           /* the longest of these; 0: none */
	uint64_t waiter_ns;
	uint32_t pid, cpu;
	enum shutdown_section section;
	bool helper; /* no notifier or callback, but a lock, a message, … of who calls them */
	char device
		[SHUTDOWN_DEVICE_BYTES]; /* of a device's callback: "driver device", if the kernel said so; raw */
};

/* A sleep, delay or wait, the outermost function of it. */
struct shutdown_wait {
	uint64_t func, start_ns, ns;
	uint64_t caller; /* the call it happened in; 0: none */
};

/* A function that calls the notifiers or callbacks of a section, or a root. */
struct shutdown_span {
	uint64_t func;
	uint64_t start_ns, end_ns; /* end 0: the machine stopped inside it */
	enum shutdown_class class;
	uint32_t pid;
};

struct shutdown_graph {
	const struct names *names;
	struct hash_map class_by_func;
	struct capped_table tasks;   /* of struct shutdown_task, by pid */
	struct shutdown_call *calls; /* by end */
	size_t nr_calls, capacity;
	struct shutdown_wait waits[SHUTDOWN_WAITS_MAX]; /* the longest first */
	uint32_t nr_waits;
	struct shutdown_span spans[SHUTDOWN_SPANS_MAX]; /* by end */
	uint32_t nr_spans;
	uint64_t open[SHUTDOWN_DEPTH_MAX]; /* where the machine stopped: functions, the outermost first */
	uint32_t nr_open;
	uint32_t pid;                       /* of the first root's task; 0: none */
	uint64_t root_ns;                   /* when the first root was entered; 0: none */
	uint64_t root;                      /* that function */
	char device[SHUTDOWN_DEVICE_BYTES]; /* whose callback comes next */
	uint64_t events;
	uint64_t unmatched; /* entries without an exit, or the other way round, before the end */
	uint64_t left_out;  /* calls without a row: there were too many */
	uint32_t generation;
};

/* `names` may be NULL (then no function is known), else it must live as long. -ENOMEM; good for _deinit(). */
int shutdown_graph_init(struct shutdown_graph *graph, const struct names *names);
void shutdown_graph_deinit(struct shutdown_graph *graph);

void shutdown_graph_enter(struct shutdown_graph *graph, uint32_t pid, uint32_t cpu, uint64_t func,
	uint64_t depth, uint64_t now_ns);

/* `took_ns`: rettime - calltime; 0: the event does not say. */
void shutdown_graph_leave(struct shutdown_graph *graph, uint32_t pid, uint32_t cpu, uint64_t func,
	uint64_t depth, uint64_t took_ns, uint64_t now_ns);

/*
 * A kernel message. With initcall_debug device_shutdown() says "DRIVER DEVICE: shutdown" before it calls back
 * (drivers/base/core.c).
 */
void shutdown_graph_message(struct shutdown_graph *graph, const char *text, uint32_t bytes);

/* Events were lost on some CPU. */
void shutdown_graph_lost(struct shutdown_graph *graph);

/* The trace ends: what is open stays open. */
void shutdown_graph_end(struct shutdown_graph *graph);

/* "md_notify_reboot", or NULL. */
const char *shutdown_function(const struct names *names, uint64_t func);
