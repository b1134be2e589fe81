/* SPDX-License-Identifier: MIT */
/*
 * Where in their code guests were when they left for Xen, or Xen stepped in: by domain, what it was, and instruction pointer.
 * Both numbers, of addresses and of rows, are bounded; what is beyond is counted, without its place.
 */
#pragma once
#include "lib/analysis/capped_table.h"

#define XEN_RIPS_MAX        65536u /* addresses */
#define XEN_RIP_ROWS_MAX    65536u
#define XEN_RIP_NUMBER_LAST 8191u /* and all above */

enum xen_rip_kind {
	XEN_RIP_EXIT,      /* number: exit reason; ticks: of the exit */
	XEN_RIP_HYPERCALL, /* number: of the hypercall; of PV vCPUs, which have no ticks */
	XEN_RIP_TRAP,      /* number: vector */
	XEN_RIP_PV,        /* number: enum xen_pv_event */
	XEN_RIP_KINDS,
};

struct xen_rip_row {
	uint64_t key; /* domain, kind, number, number of the address */
	uint64_t count, sum_tsc, max_tsc;
};

struct xen_rips {
	struct capped_table addresses; /* of struct xen_rip_address */
	struct capped_table rows;      /* of struct xen_rip_row */
	uint64_t left_out;
};

/* -ENOMEM; good for xen_rips_deinit() all the same. */
int xen_rips_init(struct xen_rips *rips);
void xen_rips_deinit(struct xen_rips *rips);

void xen_rips_add(struct xen_rips *rips, uint16_t domain, enum xen_rip_kind kind, uint32_t number,
	uint64_t rip, uint64_t ticks);

static inline uint16_t xen_rip_domain(const struct xen_rip_row *row)
{
	return (uint16_t)(row->key >> 48);
}

static inline enum xen_rip_kind xen_rip_kind(const struct xen_rip_row *row)
{
	return (enum xen_rip_kind)(row->key >> 45 & 7);
}

static inline uint32_t xen_rip_number(const struct xen_rip_row *row)
{
	return row->key >> 32 & XEN_RIP_NUMBER_LAST;
}

uint64_t xen_rip_address(const struct xen_rips *rips, const struct xen_rip_row *row);
