/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_cpu.h"

#include "host/collect/ftrace_ring_steps.h"

static void add(struct ftrace_counts *sum, const struct ftrace_counts *counts)
{
	sum->entries += counts->entries;
	sum->before += counts->before;
	sum->recorded += counts->recorded;
	sum->overwritten += counts->overwritten;
	sum->damaged += counts->damaged;
	sum->dropped += counts->dropped;
	sum->nested += counts->nested;
}

/* Puts a ring into a place, whose former one is only remembered by its counts. */
static void put(struct ftrace_cpu *cpu, unsigned place, const struct ftrace_ring *ring)
{
	if (cpu->was_live[place])
		add(&cpu->past, &cpu->rings[place].counts);
	cpu->rings[place] = *ring;
	cpu->is_started[place] = cpu->was_live[place] = false;
}

void ftrace_cpu_set_spare(struct ftrace_cpu *cpu, const struct ftrace_ring *ring)
{
	const unsigned place = !cpu->live;

	put(cpu, place, ring);
	cpu->is_started[place] = !ftrace_ring_start(&cpu->rings[place], false);
}

int ftrace_cpu_set_live(struct ftrace_cpu *cpu, const struct ftrace_ring *ring, bool whole, bool *exchanged)
{
	struct ftrace_ring *before = ftrace_cpu_live(cpu);
	bool was_reset = false;
	uint32_t filled;
	int code = 0;

	if (before && before->address != ring->address) {
		*exchanged = true;
		if (cpu->is_started[cpu->live])
			code = ftrace_ring_poll(before, &filled, &was_reset);
		if (code && (before->stop || !ftrace_is_passing(code)))
			return code;
		cpu->live = !cpu->live;
	}
	if (cpu->rings[cpu->live].address != ring->address)
		put(cpu, cpu->live, ring);
	cpu->was_live[cpu->live] = true;
	if (cpu->is_started[cpu->live])
		return 0;
	code = ftrace_ring_start(&cpu->rings[cpu->live], whole);
	cpu->is_started[cpu->live] = !code;
	return ftrace_is_passing(code) ? 0 : code;
}

int ftrace_cpu_poll(struct ftrace_cpu *cpu, uint32_t *filled, bool *was_reset)
{
	struct ftrace_ring *ring = ftrace_cpu_live(cpu);

	*filled = 0;
	return ring && cpu->is_started[cpu->live] ? ftrace_ring_poll(ring, filled, was_reset) : 0;
}

void ftrace_cpu_counts(const struct ftrace_cpu *cpu, struct ftrace_counts *counts)
{
	*counts = cpu->past;
	for (unsigned place = 0; place < 2; place++)
		if (cpu->was_live[place])
			add(counts, &cpu->rings[place].counts);
}
