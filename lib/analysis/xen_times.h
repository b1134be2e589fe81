/* SPDX-License-Identifier: MIT */
/*
 * Durations of one sort in a Xen trace, in TSC ticks, with how they are spread. A file may name any number of vCPUs and
 * exit reasons, and a histogram is 8 KB: all of an analysis share a budget. What comes after it is spent keeps count, sum
 * and extremes, and has no percentiles. Starts as { 0 }.
 */
#pragma once
#include <stdint.h>
#include "lib/base/histogram.h"

#define XEN_TIMES_BUDGET 1280u /* histograms of one analysis: 10 MiB */

struct xen_times_budget {
	uint32_t used;
	uint32_t refused; /* times without a histogram */
};

struct xen_times {
	uint64_t count, sum_tsc, min_tsc, max_tsc;
	struct histogram *spread; /* NULL: none yet, or none left */
};

void xen_times_deinit(struct xen_times *times);

/* The first two: most of what a file names happens once, and needs no histogram. */
void xen_times_begin(struct xen_times *times, struct xen_times_budget *budget);

static inline void xen_times_add(struct xen_times *times, struct xen_times_budget *budget, uint64_t ticks)
{
	if (times->count++ < 2)
		xen_times_begin(times, budget);
	times->sum_tsc += ticks;
	if (ticks < times->min_tsc)
		times->min_tsc = ticks;
	if (ticks > times->max_tsc)
		times->max_tsc = ticks;
	if (times->spread)
		histogram_add(times->spread, ticks);
}

/* 0: nothing was added. */
uint64_t xen_times_mean_tsc(const struct xen_times *times);

/* The duration that `percent` of all do not exceed, within 3.2 %; 0: not known. */
uint64_t xen_times_percentile_tsc(const struct xen_times *times, double percent);
