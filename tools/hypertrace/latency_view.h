/* SPDX-License-Identifier: MIT */
/* What `hypertrace latency` found out, for those that show it: latency_text.c, latency_json.c, latency_timeline.c. */
#pragma once
#include "lib/analysis/joint_latency.h"
#include "tools/hypertrace/joint_feed.h"

struct latency_view {
	struct joint_feed feed;
	struct joint_latency latency;
	size_t top;       /* rows of a table; 0: all */
	size_t timelines; /* of the worst wake-ups */
};

/* Guests' tasks that were woken, by their longest wait; heap. NULL: none, or no memory. */
struct latency_task {
	uint32_t machine;
	const struct task *task;
};
struct latency_task *latency_view_tasks(const struct latency_view *view, size_t *count);

/* How many of `count` rows to show. */
size_t latency_view_shown(const struct latency_view *view, size_t count);

/* Does a host say of the wake-ups of any guest what its vCPUs did? */
bool latency_view_is_joint(const struct latency_view *view);

void latency_text(const struct latency_view *view, FILE *out, bool colour);

/* One JSON document; times in ns. -ENOMEM. */
int latency_json(const struct latency_view *view, FILE *out);

/*
 * The events of guest and host around a wake-up, to stdout: those of its CPU, those about its task, and those of its vCPU;
 * times in seconds since the trace's start. Errors of dump_run().
 */
int latency_timeline(const struct latency_view *view, const struct joint_wakeup *wakeup, struct error *error);
