/* SPDX-License-Identifier: MIT */
/* What `hypertrace exits` found out, for the two that show it: exits_text.c and exits_json.c. */
#pragma once
#include "lib/analysis/joint_exits.h"
#include "tools/hypertrace/joint_feed.h"

enum exits_sort { EXITS_BY_TOTAL, EXITS_BY_COUNT, EXITS_BY_MAX };

struct exits_view {
	struct joint_feed feed;
	struct joint_exits exits;
	enum exits_sort sort;
	size_t top; /* rows of a table; 0: all */
};

/* "npf", "vmmcall of L2", … */
struct joint_name exits_view_reason(uint64_t key);

/* "kick_cpu", "flush (hypertrace)", or the number: of KVM's calls (the kernel's kvm_para.h) and ours (abi/hypercall.h). */
struct joint_name exits_view_hypercall(uint64_t nr);

/* Sorted; heap. NULL: none, or no memory. */
const struct joint_exit_reason **exits_view_reasons(const struct exits_view *view);
const struct joint_exit_row **exits_view_rows(
	const struct exits_view *view, const struct capped_table *table);

struct exits_task {
	uint32_t machine;
	const struct task *task;
};
struct exits_task *exits_view_tasks(const struct exits_view *view, size_t *count);

/* Guests' instructions by the function they are in; of other than guests of the trace, and of user space: by address. */
struct exits_function {
	char name[96]; /* raw */
	uint32_t
		machine; /* nr_machines: of a guest that is not in the trace; nr_machines + 1: of a nested one */
	uint64_t count, total_ns, max_ns, max_at_ns;
};
struct exits_function *exits_view_functions(const struct exits_view *view, size_t *count);

/* Name of the guest of a function, raw. */
const char *exits_view_guest(const struct exits_view *view, uint32_t machine);

/* How many of `count` rows to show. */
size_t exits_view_shown(const struct exits_view *view, size_t count);

void exits_text(const struct exits_view *view, FILE *out, bool colour);

/* One JSON document; times in ns. -ENOMEM. */
int exits_json(const struct exits_view *view, FILE *out);
