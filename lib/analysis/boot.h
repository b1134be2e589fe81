/* SPDX-License-Identifier: MIT */
/*
 * How one machine started: stages, initcalls, programs, kernel messages. Fed with its events in the order of time; good
 * to read after boot_finish(). What the trace does not hold is left out: without sched_switch nothing is known of time
 * on CPUs, without fork and exec nothing of programs, without initcall events nothing of the kernel's part.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/analysis/activity.h"
#include "lib/analysis/boot_processes.h"
#include "lib/analysis/event_decoder.h"
#include "lib/analysis/initcalls.h"
#include "lib/analysis/message_gaps.h"
#include "lib/analysis/schedule.h"

#define BOOT_STAGES_MAX 64
#define BOOT_INITS_MAX \
	8 /* programs that pid 1 executes one after the other: an initramfs' init, the system's */
#define BOOT_STAGE_BYTES 48
#define BOOT_CPUS_MAX    4096

enum boot_stage_kind {
	BOOT_STAGE_FIRMWARE, /* power-on to the first event */
	BOOT_STAGE_KERNEL,   /* of the kernel, outside its initcalls */
	BOOT_STAGE_LEVEL,    /* a level of initcalls */
	BOOT_STAGE_USER,     /* pid 1 is a program */
};

struct boot_stage {
	enum boot_stage_kind kind;
	char name[BOOT_STAGE_BYTES]; /* of levels and of user space: with names from the guest, raw */
	uint64_t from_ns, to_ns;
	uint64_t busy_ns; /* on all CPUs together */
	bool knows_busy;
	uint16_t level; /* of BOOT_STAGE_LEVEL */
};

struct boot_options {
	const struct event_schema *schema;
	const struct event_type *lost_type; /* see kernel_events_init() */
	const struct names *names;          /* or NULL */
	uint32_t nr_cpus;                   /* at most BOOT_CPUS_MAX */
	/* when the VMM started, on the events' clock; 0: not known. Long before: the guest has rebooted since, unknown */
	uint64_t power_on_ns;
	const char *until; /* the boot ends where that program is executed; NULL: with the trace */
};

/* A moment, and how busy the CPUs had been up to it. */
struct boot_mark {
	uint64_t at_ns, busy_ns;
	bool knows_busy;
};

struct boot {
	uint64_t power_on_ns;
	uint64_t first_ns, last_ns; /* of the events; 0: there were none */
	uint64_t events, lost;
	struct boot_stage stages[BOOT_STAGES_MAX];
	uint32_t nr_stages;
	struct initcalls initcalls;
	struct boot_processes processes;
	struct message_gaps messages;
	struct activity busy; /* of all CPUs together */
	bool knows_tasks;     /* there were sched_switch events */
	bool until_found;
	uint64_t again_ns; /* when the machine started once more: what follows is left out; 0: it did not */
	uint64_t end_reason_ns; /* of the event guest_end; 0: none */
	uint32_t end_reason;

	struct event_decoder decoder;
	struct task_table tasks;
	struct schedule schedule;
	bool *cpu_seen;
	char until[NAMES_COMM_BYTES];
	struct boot_mark levels[INITCALL_LEVELS_MAX], last_own, first;
	struct boot_mark level_ends[INITCALL_LEVELS_MAX];
	struct boot_mark inits[BOOT_INITS_MAX];
	char init_comms[BOOT_INITS_MAX][NAMES_COMM_BYTES];
	uint32_t nr_inits;
};

/* The pointers in `options` must live as long. -EINVAL: too many CPUs; -ENOMEM. Heap; NULL after an error. */
int boot_create(const struct boot_options *options, struct boot **boot);
void boot_destroy(struct boot *boot);

/* As machine_report_add(). */
void boot_add(struct boot *boot, const struct event_type *type, const uint8_t *payload, uint32_t cpu,
	uint32_t pid, uint64_t now_ns);
void boot_finish(struct boot *boot);

/* Did the trace see the kernel start, or init? Else only what user space executed is of use, if anything. */
bool boot_has_kernel(const struct boot *boot); /* initcalls of the kernel's own */
bool boot_has_init(const struct boot *boot);   /* pid 1's first exec */

/* From power-on, where it is known, to where the boot ends. */
static inline uint64_t boot_begin_ns(const struct boot *boot)
{
	return boot->nr_stages ? boot->stages[0].from_ns : boot->first_ns;
}

static inline uint64_t boot_total_ns(const struct boot *boot)
{
	uint64_t begin_ns = boot_begin_ns(boot);

	return boot->last_ns > begin_ns ? boot->last_ns - begin_ns : 0;
}
