/* SPDX-License-Identifier: MIT */
/* Things that vCPUs did, by kind and number (exit reason, vector, port …): how often, and what each took. */
#pragma once
#include "lib/analysis/capped_table.h"
#include "lib/analysis/xen_times.h"

#define XEN_TALLY_ROWS_MAX 16384u
#define XEN_TALLY_ANY      UINT32_MAX /* the vCPU of what is no vCPU's */

enum xen_tally_kind {
	XEN_TALLY_EXIT, /* number: exit reason; cost: until the next entry, or until it could not run */
	XEN_TALLY_HANDLER, /* what Xen did in an exit: number: of the event 0x82xxx, low byte; cost: of the exit */
	XEN_TALLY_SHADOW,   /* shadow paging: number: of the event, low byte; cost: of the exit */
	XEN_TALLY_VMCALL,   /* hypercalls by exit */
	XEN_TALLY_CR_WRITE, /* number: of the control register */
	XEN_TALLY_MSR_READ,
	XEN_TALLY_MSR_WRITE,
	XEN_TALLY_PORT_READ,
	XEN_TALLY_PORT_WRITE,
	XEN_TALLY_MMIO_READ, /* number: page */
	XEN_TALLY_MMIO_WRITE,
	XEN_TALLY_EXTINT,    /* external interrupts that caused an exit, by vector */
	XEN_TALLY_INJECTED,  /* interrupts, by vector; no cost */
	XEN_TALLY_EXCEPTION, /* injected; no cost */
	XEN_TALLY_WAKE_TO_HALT, /* by vector of the interrupt that woke: from the entry to the next time it blocks */
	XEN_TALLY_INTERRUPT_TO_HALT, /* the same of interrupts that did not wake it */
	XEN_TALLY_CR3,               /* number: page of the page table; cost: how long it was the one */
	XEN_TALLY_IRQ,               /* of the host, by IRQ; cost: of Xen's handling; no vCPU */
	XEN_TALLY_KINDS,
};

struct xen_tally_row {
	uint64_t key;
	uint64_t count;
	struct xen_times times;
};

struct xen_tally {
	struct capped_table rows; /* of struct xen_tally_row */
};

/* -ENOMEM; good for xen_tally_deinit() all the same. */
int xen_tally_init(struct xen_tally *tally);
void xen_tally_deinit(struct xen_tally *tally);

/* The row; `others` of the table if there are too many. Numbers above 46 bits share their low ones. */
struct xen_tally_row *xen_tally_at(
	struct xen_tally *tally, uint32_t vcpu, enum xen_tally_kind kind, uint64_t number);

static inline uint32_t xen_tally_vcpu(const struct xen_tally_row *row)
{
	uint32_t vcpu = (uint32_t)(row->key >> 51);

	return vcpu == 0x1fff ? XEN_TALLY_ANY : vcpu;
}

static inline enum xen_tally_kind xen_tally_kind(const struct xen_tally_row *row)
{
	return row->key >> 46 & 0x1f;
}

static inline uint64_t xen_tally_number(const struct xen_tally_row *row)
{
	return row->key & ((1ull << 46) - 1);
}

/*
 * Rows of a vCPU and a kind, the most time first, then the most often, then by number; heap. *count: how many.
 * NULL: none, or no memory.
 */
const struct xen_tally_row **xen_tally_rows(
	const struct xen_tally *tally, uint32_t vcpu, enum xen_tally_kind kind, size_t *count);
