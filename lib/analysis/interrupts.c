/* SPDX-License-Identifier: MIT */
#include "lib/analysis/interrupts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Rows hold histograms of 8 KiB. */
static const size_t limits[INTERRUPT_KINDS] = {
	[INTERRUPT_HARD] = 512,
	[INTERRUPT_SOFT] = INTERRUPT_SOFT_MAX,
	[INTERRUPT_HRTIMER] = 512,
	[INTERRUPT_TIMER] = 512,
};

int interrupts_init(struct interrupts *interrupts, uint32_t nr_cpus)
{
	int result;

	*interrupts = (struct interrupts){0};
	interrupts->cpus = calloc(nr_cpus ? nr_cpus : 1, sizeof(*interrupts->cpus));
	result = interrupts->cpus ? 0 : -ENOMEM;
	for (int kind = 0; kind < INTERRUPT_KINDS; kind++)
		if (capped_table_init(&interrupts->rows[kind], sizeof(struct interrupt_row), limits[kind]) <
			0)
			result = -ENOMEM;
	if (capped_table_init(&interrupts->delays, sizeof(struct interrupt_delay), INTERRUPT_SOFT_MAX) < 0)
		result = -ENOMEM;
	return result;
}

void interrupts_deinit(struct interrupts *interrupts)
{
	for (int kind = 0; kind < INTERRUPT_KINDS; kind++)
		capped_table_deinit(&interrupts->rows[kind]);
	capped_table_deinit(&interrupts->delays);
	free(interrupts->cpus);
	*interrupts = (struct interrupts){0};
}

static void softirq_began(struct interrupts *interrupts, uint32_t cpu, uint64_t vector, uint64_t now_ns)
{
	struct interrupt_delay *row;
	uint64_t *raised_ns, ns;

	if (vector >= INTERRUPT_SOFT_MAX)
		return;
	raised_ns = &interrupts->cpus[cpu].raised_ns[vector];
	if (!*raised_ns)
		return;
	row = capped_table_at(&interrupts->delays, vector);
	if (duration_between(*raised_ns, now_ns, &ns))
		durations_add(&row->delay, ns, now_ns, cpu, 0);
	else
		interrupts->backwards++;
	*raised_ns = 0;
}

void interrupts_enter(
	struct interrupts *interrupts, uint32_t cpu, enum interrupt_kind kind, uint64_t key, uint64_t now_ns)
{
	struct interrupt_cpu *state = &interrupts->cpus[cpu];

	if (kind == INTERRUPT_SOFT)
		softirq_began(interrupts, cpu, key, now_ns);
	if (state->depth == INTERRUPT_DEPTH_MAX) {
		/* No kernel nests so deep: exits were not recorded. Begin anew with this one. */
		interrupts->unmatched += state->depth;
		state->depth = 0;
	}
	state->frames[state->depth++] =
		(struct interrupt_frame){.key = key, .begin_ns = now_ns, .kind = (uint8_t)kind};
}

/* Takes the innermost frame of that kind and key, and those above it, off the stack. */
static bool pop(struct interrupts *interrupts, struct interrupt_cpu *state, enum interrupt_kind kind,
	uint64_t key, struct interrupt_frame *frame)
{
	for (uint32_t at = state->depth; at-- > 0;) {
		*frame = state->frames[at];
		if (frame->kind != kind || (key != INTERRUPT_KEY_ANY && frame->key != key))
			continue;
		interrupts->unmatched += state->depth - 1 - at;
		state->depth = at;
		return true;
	}
	interrupts->unmatched++;
	return false;
}

void interrupts_exit(struct interrupts *interrupts, uint32_t cpu, enum interrupt_kind kind, uint64_t key,
	uint32_t pid, bool wanted, uint64_t now_ns)
{
	struct interrupt_cpu *state = &interrupts->cpus[cpu];
	struct interrupt_frame frame;
	struct interrupt_row *row;
	uint64_t ns, own_ns;

	if (!pop(interrupts, state, kind, key, &frame))
		return;
	if (!duration_between(frame.begin_ns, now_ns, &ns) || frame.stolen_ns > ns) {
		interrupts->backwards++;
		return;
	}
	own_ns = ns - frame.stolen_ns;
	if (state->depth)
		state->frames[state->depth - 1].stolen_ns += kind <= INTERRUPT_SOFT ? ns : frame.stolen_ns;
	if (!wanted || own_ns < interrupts->min_ns[kind])
		return;
	row = capped_table_at(&interrupts->rows[kind], frame.key);
	row->elapsed_ns += ns;
	durations_add(&row->own, own_ns, now_ns, cpu, pid);
}

void interrupts_raise(struct interrupts *interrupts, uint32_t cpu, uint32_t vector, uint64_t now_ns)
{
	/* Raised twice, it runs once: the first raise waits longest. */
	if (vector < INTERRUPT_SOFT_MAX && !interrupts->cpus[cpu].raised_ns[vector])
		interrupts->cpus[cpu].raised_ns[vector] = now_ns;
}

void interrupts_span(struct interrupts *interrupts, uint32_t cpu, enum interrupt_kind kind, uint64_t key,
	uint32_t pid, uint64_t duration_ns, uint64_t now_ns)
{
	struct interrupt_row *row;

	if (duration_ns < interrupts->min_ns[kind])
		return;
	row = capped_table_at(&interrupts->rows[kind], key);
	row->elapsed_ns += duration_ns;
	durations_add(&row->own, duration_ns, now_ns, cpu, pid);
}

void interrupts_lost(struct interrupts *interrupts, uint32_t cpu)
{
	interrupts->cpus[cpu].depth = 0;
	memset(interrupts->cpus[cpu].raised_ns, 0, sizeof(interrupts->cpus[cpu].raised_ns));
}

const char *interrupt_soft_name(uint64_t vector)
{
	/* include/linux/interrupt.h, in the order of its enum */
	static const char *const names[] = {
		"HI",
		"TIMER",
		"NET_TX",
		"NET_RX",
		"BLOCK",
		"IRQ_POLL",
		"TASKLET",
		"SCHED",
		"HRTIMER",
		"RCU",
	};

	return vector < sizeof(names) / sizeof(names[0]) ? names[vector] : NULL;
}
