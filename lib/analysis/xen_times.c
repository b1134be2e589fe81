/* SPDX-License-Identifier: MIT */
#include "lib/analysis/xen_times.h"

#include <stdlib.h>

void xen_times_deinit(struct xen_times *times)
{
	free(times->spread);
	*times = (struct xen_times){0};
}

void xen_times_begin(struct xen_times *times, struct xen_times_budget *budget)
{
	if (times->count == 1) {
		times->min_tsc = UINT64_MAX;
		return;
	}
	if (budget->used < XEN_TIMES_BUDGET)
		times->spread = calloc(1, sizeof(*times->spread));
	if (!times->spread) {
		budget->refused++;
		return;
	}
	budget->used++;
	histogram_add(times->spread, times->sum_tsc); /* the first one */
}

uint64_t xen_times_mean_tsc(const struct xen_times *times)
{
	return times->count ? times->sum_tsc / times->count : 0;
}

uint64_t xen_times_percentile_tsc(const struct xen_times *times, double percent)
{
	if (times->count == 1)
		return times->sum_tsc;
	return times->spread ? histogram_percentile(times->spread, percent) : 0;
}
