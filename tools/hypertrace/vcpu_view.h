/* SPDX-License-Identifier: MIT */
/* What `hypertrace vcpu` found out, for those that show it: vcpu_text.c, vcpu_json.c, vcpu_svg.c. */
#pragma once
#include "lib/analysis/joint_states.h"
#include "lib/analysis/joint_tasks.h"
#include "tools/hypertrace/joint_feed.h"

struct vcpu_view {
	struct joint_feed feed;
	struct joint_states states;
	struct joint_tasks tasks;
	struct vcpu_strips *strips; /* vcpu_svg.c; NULL: nothing is to be drawn */
	size_t top;                 /* rows of a table; 0: all */
};

/* All guests' tasks that were scheduled in, by the time that they did not really run; heap. NULL: none, or no memory. */
struct vcpu_view_task {
	uint32_t machine;
	const struct task *task;
};
struct vcpu_view_task *vcpu_view_tasks(const struct vcpu_view *view, size_t *count);

/* Of a task: scheduled in while its vCPU was preempted or waited; together in all states that are known. */
uint64_t vcpu_view_off_ns(const struct task *task);
uint64_t vcpu_view_in_ns(const struct task *task);

/* Sorted, heap: see capped_table_sorted(). */
const struct joint_culprit **vcpu_view_culprits(const struct vcpu_view *view); /* by total time */
const struct joint_way **vcpu_view_ways(const struct vcpu_view *view);         /* by count, then vCPU */

/* "comm/pid" of a task of the host; "-": none. Raw. */
struct joint_name vcpu_view_task_name(const struct vcpu_task *task);

/* Rows of a table that has `count`. */
size_t vcpu_view_rows(const struct vcpu_view *view, size_t count);

void vcpu_text(const struct vcpu_view *view, FILE *out, bool colour);

/* One JSON document; times in ns. -ENOMEM. */
int vcpu_json(const struct vcpu_view *view, FILE *out);

/* The states over time: collects intervals from vcpu_strips_create() on, then draws them. -ENOMEM; the file's error. */
struct vcpu_strips *vcpu_strips_create(void);
void vcpu_strips_destroy(struct vcpu_strips *strips);
void vcpu_strips_add(struct vcpu_strips *strips, const struct vcpu_interval *interval);
int vcpu_svg(const struct vcpu_view *view, const char *path, struct error *error);
