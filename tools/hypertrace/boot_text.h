/* SPDX-License-Identifier: MIT */
/* The parts of a boot's text; boot_text() of boot_view.h puts them together. */
#pragma once
#include "tools/hypertrace/boot_view.h"

struct boot_text {
	const struct boot_view *view;
	FILE *out;
	bool colour;
};

void boot_bars(const struct boot_text *text); /* the waterfall */
