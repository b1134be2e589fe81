/* SPDX-License-Identifier: MIT */
/* What `hypertrace report` found out, for the two that show it: report_text.c and report_json.c. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "lib/analysis/machine_report.h"
#include "lib/reader/trace.h"
#include "tools/hypertrace/trace_damage.h"

struct report_machine {
	const struct trace_machine *machine;
	struct machine_report *analysis; /* NULL: not asked for */
	uint64_t bytes;                  /* of its stream files */
	uint64_t clock_error_ns;         /* the largest */
};

struct report {
	const struct trace *trace;
	struct report_machine *machines;
	uint32_t nr_machines;
	size_t top;      /* rows of a table; 0: all */
	bool restricted; /* by -e, -f, --time: not the whole trace */
	bool by_task;    /* also a table of system calls by task */
	struct trace_damage damage;
};

/* Rows of a table sorted by what matters most; at most `top` of them are to be shown. */
int report_compare_tasks(const void *a, const void *b);      /* by run time, then events */
int report_compare_waits(const void *a, const void *b);      /* tasks by the longest run-queue latency */
int report_compare_interrupts(const void *a, const void *b); /* by total time */
int report_compare_syscalls(const void *a, const void *b);   /* by total time, then count */
int report_compare_task_calls(const void *a, const void *b); /* rows by task and number, likewise */
int report_compare_counts(const void *a, const void *b);     /* format_row, fault_row: by count */

/* Name of a syscall, "syscall 999" if it has none. */
struct report_name {
	char text[72];
};
struct report_name report_syscall(uint64_t nr);
struct report_name report_function(
	const struct trace_machine *machine, uint64_t address); /* symbol, or 0x… */
struct report_name report_interrupt(const struct trace_machine *machine, enum interrupt_kind kind,
	uint64_t key); /* raw, from the guest */
struct report_name report_tracepoint(const struct trace_machine *machine, uint64_t format);
struct report_name report_errno(uint32_t number);

struct report_function_count {
	struct report_name name;
	uint64_t count;
};

/* The kernel's functions that page faults came from, by count; heap, *nr of them. NULL: none, or no memory. */
struct report_function_count *report_fault_functions(const struct report_machine *machine, size_t *nr);

/* How many events of the type's name there were, all layouts together; 0 unless this is the first of them. */
uint64_t report_events_of(const struct report_machine *machine, uint32_t id);

void report_text(const struct report *report, FILE *out, bool colour);

/* One JSON document; times and durations in ns. -ENOMEM. */
int report_json(const struct report *report, FILE *out);
