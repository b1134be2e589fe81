/* SPDX-License-Identifier: MIT */
/* What the verbs' texts have in common. */
#pragma once
#include <stdbool.h>
#include <stdio.h>

/* A section's title, behind an empty line, and what is said beside it; `format` NULL: nothing. */
void text_put_title(FILE *out, bool colour, const char *title, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* A guest's or a file's word, escaped, cut to 160 bytes. */
void text_put_foreign(FILE *out, const char *text);
