// SPDX-License-Identifier: GPL-2.0-only
/* Hard and soft interrupts. */
#include <linux/interrupt.h>
#include "hypertrace.h"

static void irq_entry(void *data, int irq, struct irqaction *action)
{
	if (ht_pass(current))
		ht_ring_write((struct ht_this_cpu){}, HT_ID_irq_handler_entry, (u16)irq, 2);
}

static void irq_exit_(void *data, int irq, struct irqaction *action, int ret)
{
	if (ht_pass(current))
		ht_ring_write((struct ht_this_cpu){}, HT_ID_irq_handler_exit, (u32)(u8)ret << 16 | (u16)irq, 3);
}

static void irq_entry_timed(void *data, int irq, struct irqaction *action)
{
	ht_span_begin(HT_PAIR_IRQ);
}

static void irq_exit_timed(void *data, int irq, struct irqaction *action, int ret)
{
	if (ht_pass(current))
		ht_span_end(HT_PAIR_IRQ, irq, ret);
}

static void softirq_raise(void *data, unsigned int vec)
{
	if (ht_pass(current))
		ht_ring_write((struct ht_this_cpu){}, HT_ID_softirq_raise, vec, 1);
}

static void softirq_entry(void *data, unsigned int vec)
{
	if (ht_pass(current))
		ht_ring_write((struct ht_this_cpu){}, HT_ID_softirq_entry, vec, 1);
}

static void softirq_exit(void *data, unsigned int vec)
{
	if (ht_pass(current))
		ht_ring_write((struct ht_this_cpu){}, HT_ID_softirq_exit, vec, 1);
}

static void softirq_entry_timed(void *data, unsigned int vec)
{
	ht_span_begin(HT_PAIR_SOFTIRQ);
}

static void softirq_exit_timed(void *data, unsigned int vec)
{
	if (ht_pass(current))
		ht_span_end(HT_PAIR_SOFTIRQ, vec, 0);
}

struct ht_probe ht_probes_irq[] = {
	HT_PROBE_PAIR(irq_handler_entry, irq_entry, irq_entry_timed, HT_PAIR_IRQ),
	HT_PROBE_PAIR(irq_handler_exit, irq_exit_, irq_exit_timed, HT_PAIR_IRQ),
	HT_PROBE(softirq_raise, softirq_raise),
	HT_PROBE_PAIR(softirq_entry, softirq_entry, softirq_entry_timed, HT_PAIR_SOFTIRQ),
	HT_PROBE_PAIR(softirq_exit, softirq_exit, softirq_exit_timed, HT_PAIR_SOFTIRQ),
	{ }
};
