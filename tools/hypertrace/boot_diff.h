/* SPDX-License-Identifier: MIT */
/* Two boots compared, shown. */
#pragma once
#include "tools/hypertrace/boot_view.h"

struct boot_diff {
	const struct boot_view *a, *b;
	const char *a_path, *b_path;
	uint64_t threshold_ns;
};

/* -ENOMEM. */
int boot_diff_text(const struct boot_diff *diff, FILE *out, bool colour);
int boot_diff_json(const struct boot_diff *diff, FILE *out);
