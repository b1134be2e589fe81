/* SPDX-License-Identifier: MIT */
/* What `hypertrace clocks` found out, for the two that show it: clocks_text.c and clocks_json.c. */
#pragma once
#include "lib/analysis/clock_order.h"
#include "tools/hypertrace/joint_feed.h"
#include "tools/hypertrace/options.h"

/* Hypercalls of that number carry the guest's TSC. */
struct clock_pair_rule {
	uint64_t nr;
	unsigned argument; /* 0 to 3 */
	bool kernel_only;  /* those of the guest's user space are anybody's, and say nothing */
};

struct clocks_view {
	struct joint_feed feed;
	struct clock_order order;
	struct clock_pair_rule rules[STRING_LIST_MAX + 8];
	size_t nr_rules;
	uint64_t strangers; /* hypercalls with a TSC of guests that are not in the trace */
};

/* Of one machine. */
struct clock_facts {
	const char *source;            /* ours */
	uint64_t span_ns;              /* between the first and the last point */
	uint64_t least_ns, largest_ns; /* error bounds of its epochs */
	double hz, drift_ppm;          /* mean; the largest difference between rates of two epochs */
};
struct clock_facts clocks_view_facts(const struct clocks_view *view, uint32_t machine);

/* Of all vCPUs of a guest, or with JOINT_NONE of all. `gaps` is filled. */
struct clock_order_sum {
	uint64_t pairs, late_pairs, events, early_events, unchecked, deepest_ns;
	struct histogram gaps;
};
void clocks_view_sum(const struct clocks_view *view, uint32_t machine, struct clock_order_sum *sum);

void clocks_text(const struct clocks_view *view, FILE *out, bool colour);

/* One JSON document; times in ns. -ENOMEM. */
int clocks_json(const struct clocks_view *view, FILE *out);
