// SPDX-License-Identifier: GPL-2.0-only
/* Hard and soft interrupts. */
#include <linux/interrupt.h>
#include "hypertrace.h"

static __always_inline void irq_entry_body(int irq, struct irqaction *action)
{
	ht_record(HT_ID_irq_handler_entry, 2, (u16)irq, 0);
}
HT_VARIANTS_CURRENT(irq_entry, (int irq, struct irqaction *action), (irq, action))

static __always_inline void irq_exit__body(int irq, struct irqaction *action, int ret)
{
	ht_record(HT_ID_irq_handler_exit, 3, (u32)(u8)ret << 16 | (u16)irq, 0);
}
HT_VARIANTS_CURRENT(irq_exit_, (int irq, struct irqaction *action, int ret), (irq, action, ret))

static void irq_entry_timed(void *data, int irq, struct irqaction *action)
{
	ht_span_begin(HT_PAIR_IRQ);
}

static void irq_exit_timed(void *data, int irq, struct irqaction *action, int ret)
{
	if (ht_pass(true, current))
		ht_span_end(HT_PAIR_IRQ, irq, ret);
}

static __always_inline void softirq_raise_body(unsigned int vec)
{
	ht_record(HT_ID_softirq_raise, 1, vec, 0);
}
HT_VARIANTS_CURRENT(softirq_raise, (unsigned int vec), (vec))

static __always_inline void softirq_entry_body(unsigned int vec)
{
	ht_record(HT_ID_softirq_entry, 1, vec, 0);
}
HT_VARIANTS_CURRENT(softirq_entry, (unsigned int vec), (vec))

static __always_inline void softirq_exit_body(unsigned int vec)
{
	ht_record(HT_ID_softirq_exit, 1, vec, 0);
}
HT_VARIANTS_CURRENT(softirq_exit, (unsigned int vec), (vec))

static void softirq_entry_timed(void *data, unsigned int vec)
{
	ht_span_begin(HT_PAIR_SOFTIRQ);
}

static void softirq_exit_timed(void *data, unsigned int vec)
{
	if (ht_pass(true, current))
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
