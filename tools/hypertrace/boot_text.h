/* SPDX-License-Identifier: MIT */
/* The parts of a boot's text; boot_text() of boot_view.h puts them together. */
#pragma once
#include "tools/hypertrace/boot_view.h"

struct boot_text {
	const struct boot_view *view;
	FILE *out;
	bool colour;
};

/* An empty line, and the title with what follows it in plain. */
void boot_text_title(const struct boot_text *text, const char *title, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Foreign text, escaped. */
void boot_text_foreign(const struct boot_text *text, const char *foreign, size_t bytes);

void boot_bars(const struct boot_text *text); /* the waterfall */
