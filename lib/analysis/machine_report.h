/* SPDX-License-Identifier: MIT */
/*
 * All analyses of one machine, fed in one pass with its events in the order of time. The parts are good to
 * read after machine_report_finish().
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/analysis/faults.h"
#include "lib/analysis/interrupts.h"
#include "lib/analysis/kernel_event.h"
#include "lib/analysis/notes.h"
#include "lib/analysis/schedule.h"
#include "lib/analysis/syscalls.h"
#include "lib/analysis/task_table.h"

#define MACHINE_REPORT_CPUS_MAX 4096
#define MACHINE_REPORT_MARKERS  4096
#define MACHINE_REPORT_ENDS     64

/* The pairs of `span` events, and of the user's minimum durations. */
enum machine_report_pair {
	REPORT_PAIR_IRQ,
	REPORT_PAIR_SOFTIRQ,
	REPORT_PAIR_SYSCALL,
	REPORT_PAIR_HRTIMER,
	REPORT_PAIR_TIMER,
	REPORT_PAIRS,
};

struct machine_report_options {
	const struct event_schema *schema;
	const struct event_type *lost_type; /* see kernel_events_init() */
	const struct names *names;          /* or NULL */
	uint32_t nr_cpus;                   /* events of CPUs from there on are left out; at most 4096 */
	const uint64_t *cpus;   /* bit set of nr_cpus bits: what the user wants to see; NULL: all */
	task_wanted_fn *wanted; /* or NULL: all tasks */
	const void *wanted_context;
	double ns_per_tsc; /* for durations in `span` events */
	uint64_t min_duration_ns[REPORT_PAIRS];
	bool syscalls_by_task;
};

struct machine_report_cpu {
	uint64_t events, lost;
	bool wanted, seen;
};

struct format_row {
	uint64_t key; /* number of the generic tracepoint */
	uint64_t count;
};

struct machine_report {
	uint64_t first_ns, last_ns; /* of all events; 0: there were none */
	uint64_t events;            /* of wanted tasks and CPUs, as are all counts */
	uint64_t lost;              /* of all CPUs */
	uint64_t by_type[EVENT_TYPES_MAX];
	struct capped_table by_format; /* of struct format_row */
	struct machine_report_cpu *cpus;
	uint32_t nr_cpus;
	double ns_per_tsc;
	struct kernel_events kernel_events;
	struct task_table tasks;
	struct schedule schedule;
	struct interrupts interrupts;
	struct syscalls syscalls;
	struct faults faults;
	struct notes markers, ends;
};

/* The pointers in `options` must live as long. -EINVAL: too many CPUs; -ENOMEM. Heap; NULL after an error. */
int machine_report_create(const struct machine_report_options *options, struct machine_report **report);
void machine_report_destroy(struct machine_report *report);

/*
 * One event: of what type, its payload (checked by the reader), from which CPU, which task ran there, and
 * when. Times are ns since any epoch, and not 0.
 */
void machine_report_add(struct machine_report *report, const struct event_type *type, const uint8_t *payload,
	uint32_t cpu, uint32_t pid, uint64_t now_ns);

/* An event the user did not ask for: only what it says of tasks' names and lives is taken from it. */
void machine_report_follow(
	struct machine_report *report, const struct event_type *type, const uint8_t *payload);

/* Is it worth handing events of that type to machine_report_follow()? fork, exec, rename, exit */
static inline bool machine_report_follows(const struct machine_report *report, uint32_t id)
{
	uint8_t kind = report->kernel_events.layouts[id].kind;

	return kind >= KERNEL_EVENT_FORK && kind <= KERNEL_EVENT_EXIT;
}

void machine_report_finish(struct machine_report *report);

/* Does the trace say which task runs: were there sched_switch events? */
static inline bool machine_report_knows_tasks(const struct machine_report *report)
{
	return report->schedule.switches != 0;
}

/* "panic", "oops", "reboot", … of the reason in the event `guest_end`. */
const char *machine_report_end_name(uint32_t reason);
