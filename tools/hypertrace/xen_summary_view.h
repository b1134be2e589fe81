/* SPDX-License-Identifier: MIT */
/*
 * What `hypertrace xen summary` found out, for those that show it: xen_summary_text.c, xen_summary_work.c,
 * xen_summary_rips.c, xen_summary_json.c, xen_intervals.c.
 */
#pragma once
#include <jansson.h>
#include <stdio.h>
#include "lib/analysis/xen_summary.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/xen_input.h"
#include "tools/hypertrace/xen_symbols.h"

struct xen_summary_view {
	struct xen_summary summary;
	struct xen_input input;
	size_t top;                        /* rows of each table; 0: all */
	uint32_t *order;                   /* of vCPUs; summary.nr_vcpus of them, or NULL */
	const struct xen_symbols *symbols; /* NULL: none */
};

static inline uint64_t xen_view_ns(const struct xen_summary_view *view, uint64_t ticks)
{
	return xen_clock_length_ns(&view->input.clock, ticks);
}

/* ns since the first event. */
static inline uint64_t xen_view_since_ns(const struct xen_summary_view *view, uint64_t tsc)
{
	return tsc > view->summary.first_tsc ? xen_view_ns(view, tsc - view->summary.first_tsc) : 0;
}

/* "d1v0", "idle2"; "-": no such vCPU. */
struct human xen_view_vcpu(const struct xen_summary_view *view, uint32_t number);

/* What a row of the tally is about: "EPT_VIOLATION", "mmu_update", "port 0x60"; hexadecimal where there is no name. */
struct xen_view_name {
	char text[64];
};
struct xen_view_name xen_view_tally(const struct xen_summary_view *view, const struct xen_tally_row *row);
struct xen_view_name xen_view_exit(const struct xen_summary_view *view, uint64_t reason);
struct xen_view_name xen_view_hypercall(uint64_t number);
struct xen_view_name xen_view_trap(uint64_t number);

/* What a kind of the tally is called: "exit", "port_read"; as the titles of tables and keys of JSON. */
extern const char *const xen_view_kinds[XEN_TALLY_KINDS];
extern const char *const xen_view_states[XEN_STATES];     /* "running" */
extern const char *const xen_view_waits[XEN_RUNNABLES];   /* "woken" */
extern const char *const xen_view_reclaims[XEN_RECLAIMS]; /* "fault" */
extern const char *const xen_view_orders[XEN_ORDERS];     /* "4K" */

static inline size_t xen_view_rows(const struct xen_summary_view *view, size_t count)
{
	return view->top && view->top < count ? view->top : count;
}

void xen_summary_text(const struct xen_summary_view *view, FILE *out, bool colour);

/* The second half of it: what vCPUs did. */
void xen_summary_text_work(const struct xen_summary_view *view, FILE *out, bool colour);

/* Of summary.rips, which is there: an array. */
json_t *xen_summary_json_rips(const struct xen_summary_view *view);

/* One JSON document; times in ns, and the totals also in ticks. -ENOMEM. */
int xen_summary_json(const struct xen_summary_view *view, FILE *out);
