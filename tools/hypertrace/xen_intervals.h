/* SPDX-License-Identifier: MIT */
/* `hypertrace xen summary --interval`: a row for each domain, vCPU or pCPU and interval, as soon as it is over. */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include "tools/hypertrace/xen_summary_view.h"

enum xen_per {
	XEN_PER_DOMAIN,
	XEN_PER_VCPU,
	XEN_PER_PCPU,
};

struct xen_intervals {
	const struct xen_summary_view *view;
	enum xen_per per;
	bool json; /* JSON lines; else tab-separated values under a header */
	FILE *out;
};

/* The header, if there is one. */
void xen_intervals_begin(const struct xen_intervals *intervals);

/* An xen_interval_fn; `context` is a struct xen_intervals. */
void xen_intervals_row(void *context, struct xen_summary *summary, uint64_t begin_tsc, uint64_t end_tsc);
