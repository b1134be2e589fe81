/* SPDX-License-Identifier: MIT */
/*
 * Work that interrupts others on a CPU, and so nests: handlers of hard interrupts, soft interrupts, and the
 * functions of hrtimers and timers, which run inside them. Own time leaves out what interrupted the work; a
 * timer's function does not interrupt the soft interrupt that calls it, so its time is also the soft
 * interrupt's own.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/analysis/capped_table.h"
#include "lib/analysis/durations.h"

enum interrupt_kind {
	INTERRUPT_HARD,    /* key: irq */
	INTERRUPT_SOFT,    /* key: vector */
	INTERRUPT_HRTIMER, /* key: function */
	INTERRUPT_TIMER,   /* key: function */
	INTERRUPT_KINDS,
};

#define INTERRUPT_KEY_ANY   UINT64_MAX /* of an exit: whatever is innermost of that kind */
#define INTERRUPT_DEPTH_MAX 16
#define INTERRUPT_SOFT_MAX  32 /* vectors whose raise is followed; the kernel has 10 */

struct interrupt_row {
	uint64_t key;
	uint64_t elapsed_ns;  /* from entry to exit, with what interrupted it */
	struct durations own; /* of `span` events: from entry to exit */
};

struct interrupt_delay {
	uint64_t key;
	struct durations delay; /* from the first raise to the entry */
};

struct interrupt_frame {
	uint64_t key, begin_ns, stolen_ns;
	uint8_t kind;
};

struct interrupt_cpu {
	uint32_t depth;
	struct interrupt_frame frames[INTERRUPT_DEPTH_MAX];
	uint64_t raised_ns[INTERRUPT_SOFT_MAX]; /* 0: not raised */
};

struct interrupts {
	struct capped_table rows[INTERRUPT_KINDS]; /* of struct interrupt_row */
	struct capped_table delays;                /* of struct interrupt_delay, by vector */
	struct interrupt_cpu *cpus;
	uint64_t min_ns[INTERRUPT_KINDS]; /* shorter ones are left out; the caller may set it */
	uint64_t unmatched;               /* exits without an entry, or the other way round */
	uint64_t backwards;
};

/* -ENOMEM; good for interrupts_deinit() all the same. */
int interrupts_init(struct interrupts *interrupts, uint32_t nr_cpus);
void interrupts_deinit(struct interrupts *interrupts);

void interrupts_enter(
	struct interrupts *interrupts, uint32_t cpu, enum interrupt_kind kind, uint64_t key, uint64_t now_ns);

/* `pid`: the interrupted task; `wanted`: the user wants to see it. */
void interrupts_exit(struct interrupts *interrupts, uint32_t cpu, enum interrupt_kind kind, uint64_t key,
	uint32_t pid, bool wanted, uint64_t now_ns);

/* softirq_raise */
void interrupts_raise(struct interrupts *interrupts, uint32_t cpu, uint32_t vector, uint64_t now_ns);

/* A `span` event: entry and exit in one. */
void interrupts_span(struct interrupts *interrupts, uint32_t cpu, enum interrupt_kind kind, uint64_t key,
	uint32_t pid, uint64_t duration_ns, uint64_t now_ns);

/* Events of this CPU were lost. */
void interrupts_lost(struct interrupts *interrupts, uint32_t cpu);

/* "TIMER", …; NULL: the kernel has no such vector. */
const char *interrupt_soft_name(uint64_t vector);
