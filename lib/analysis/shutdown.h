/* SPDX-License-Identifier: MIT */
/*
 * How one machine ended: what user space did from the command to shut down on, then the kernel from the reboot system
 * call on. The function graph says which notifiers and device callbacks took how long; without it there are the
 * scheduler's events (when the task that shuts down slept), the kernel's messages, and guest_end.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/analysis/boot_processes.h"
#include "lib/analysis/event_decoder.h"
#include "lib/analysis/schedule.h"
#include "lib/analysis/shutdown_graph.h"

#define SHUTDOWN_MESSAGES_MAX      256 /* the last ones */
#define SHUTDOWN_MESSAGE_BYTES     160
#define SHUTDOWN_SLEEPS_MAX        64
#define SHUTDOWN_STAGES_MAX        (2 * SHUTDOWN_SPANS_MAX + 4)
#define SHUTDOWN_CPUS_MAX          4096
#define SHUTDOWN_SYSCALL_NR        169 /* reboot(2), x86-64 */
#define SHUTDOWN_SYSCALL_COMPAT_NR (0x8000 | 88)

struct shutdown_message {
	uint64_t at_ns;
	uint32_t bytes;
	char text[SHUTDOWN_MESSAGE_BYTES]; /* raw, cut off if need be, no NUL */
};

/* The task that shuts down was off the CPU. */
struct shutdown_sleep {
	uint64_t start_ns, ns;
	bool preempted; /* it would have gone on */
};

/* What says where the kernel's part begins. */
enum shutdown_source {
	SHUTDOWN_UNKNOWN,
	SHUTDOWN_BY_GRAPH,    /* a root function's entry */
	SHUTDOWN_BY_SYSCALL,  /* reboot(2), which did not return */
	SHUTDOWN_BY_NOTIFIER, /* guest_end: the channel's own reboot notifier */
	SHUTDOWN_BY_MESSAGE,  /* "reboot: …", which comes late */
};

enum shutdown_stage_kind {
	SHUTDOWN_STAGE_USER,
	SHUTDOWN_STAGE_NOTIFIERS, /* as enum shutdown_section, plus 1 */
	SHUTDOWN_STAGE_DEVICES,
	SHUTDOWN_STAGE_SYSCORE,
	SHUTDOWN_STAGE_MACHINE,
	SHUTDOWN_STAGE_OTHER, /* of the kernel: before, between and after these */
};

struct shutdown_stage {
	enum shutdown_stage_kind kind;
	const char *name;
	uint64_t from_ns, to_ns;
	uint64_t func;  /* that is the stage; 0: none */
	uint64_t calls; /* rows of the stage */
	bool open;      /* the machine stopped in it */
};

struct shutdown_options {
	const struct event_schema *schema;
	const struct event_type *lost_type; /* see kernel_events_init() */
	const struct names *names;          /* or NULL */
	uint32_t nr_cpus;                   /* at most SHUTDOWN_CPUS_MAX */
};

struct shutdown {
	uint64_t first_ns, last_ns; /* of the events; 0: there were none */
	uint64_t events, lost;
	enum shutdown_source source;
	uint64_t command_ns;            /* when `command` began; 0: none was seen */
	char command[NAMES_COMM_BYTES]; /* "poweroff", …; raw */
	uint64_t kernel_ns;             /* when the kernel's part began; 0: not seen */
	uint32_t pid;                   /* the task that shuts down, as far as known: see knows_pid */
	bool knows_pid;
	uint64_t end_ns; /* guest_end of a reboot, halt or power-off; 0: none */
	uint32_t end_reason;
	struct shutdown_stage stages[SHUTDOWN_STAGES_MAX];
	uint32_t nr_stages;
	struct shutdown_graph graph;
	struct boot_processes processes;
	struct shutdown_message *messages;                 /* a ring: shutdown_message_at() */
	uint64_t nr_messages;                              /* all */
	struct shutdown_sleep sleeps[SHUTDOWN_SLEEPS_MAX]; /* the longest first */
	uint32_t nr_sleeps;
	uint64_t slept_ns;
	bool knows_tasks; /* there were sched_switch events */

	struct event_decoder decoder;
	struct task_table tasks;
	struct schedule schedule;
	bool *cpu_seen;
	uint64_t syscall_ns, message_ns;
	uint32_t syscall_pid;
	uint64_t left_ns; /* when the task that shuts down left its CPU; 0: it runs */
	bool left_preempted;
};

/* The pointers in `options` must live as long. -EINVAL: too many CPUs; -ENOMEM. Heap; NULL after an error. */
int shutdown_create(const struct shutdown_options *options, struct shutdown **shutdown);
void shutdown_destroy(struct shutdown *shutdown);

/* As machine_report_add(). */
void shutdown_add(struct shutdown *shutdown, const struct event_type *type, const uint8_t *payload,
	uint32_t cpu, uint32_t pid, uint64_t now_ns);
void shutdown_finish(struct shutdown *shutdown);

/* Did the trace see the kernel's part of a shutdown? */
static inline bool shutdown_is_there(const struct shutdown *shutdown)
{
	return shutdown->source != SHUTDOWN_UNKNOWN;
}

/* Where the shutdown begins: the command, else the kernel's part. */
static inline uint64_t shutdown_begin_ns(const struct shutdown *shutdown)
{
	return shutdown->command_ns ? shutdown->command_ns : shutdown->kernel_ns;
}

/* Was it called in that stage? Every call of the task that shuts down was in one. */
static inline bool shutdown_stage_has(const struct shutdown_stage *stage, const struct shutdown_call *call)
{
	return stage->kind != SHUTDOWN_STAGE_USER && call->start_ns >= stage->from_ns &&
		(call->start_ns < stage->to_ns || (stage->open && call->start_ns == stage->to_ns));
}

/* The kept messages, 0 the oldest. NULL: no more. */
const struct shutdown_message *shutdown_message_at(const struct shutdown *shutdown, uint64_t number);
