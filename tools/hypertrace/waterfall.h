/* SPDX-License-Identifier: MIT */
/* The stages of a boot, and below each what took long in it, in the order of time: for the terminal and for SVG. */
#pragma once
#include <stddef.h>
#include "tools/hypertrace/boot_view.h"

struct waterfall_row {
	/* one of the three */
	const struct boot_stage *stage;
	const struct initcall *initcall;
	const struct boot_process *process;
	uint64_t from_ns, to_ns;
};

struct waterfall {
	struct waterfall_row *rows;
	size_t nr_rows;
};

struct waterfall_options {
	size_t initcalls, processes; /* how many of the longest */
	uint64_t min_ns;             /* and not shorter than that */
};

/* -ENOMEM. */
int waterfall_init(
	struct waterfall *waterfall, const struct boot_view *view, const struct waterfall_options *options);
void waterfall_deinit(struct waterfall *waterfall);

/* "ext4_init_fs", "ext4_init_fs [ext4]", "sh"; raw. */
struct initcall_name waterfall_label(const struct boot_view *view, const struct waterfall_row *row);

/* How much of from..to the row's task was on a CPU, 0..1; < 0: not known. */
double waterfall_activity(
	const struct boot_view *view, const struct waterfall_row *row, uint64_t from_ns, uint64_t to_ns);
