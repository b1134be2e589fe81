/* SPDX-License-Identifier: MIT */
/* What the verbs' texts have in common. */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include "lib/reader/trace.h"

/* A section's title, behind an empty line, and what is said beside it; `format` NULL: nothing. */
void text_put_title(FILE *out, bool colour, const char *title, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* A guest's or a file's word, escaped, cut to 160 bytes. */
void text_put_foreign(FILE *out, const char *text);

/* Foreign text, escaped, of any length. */
void text_put_foreign_bytes(FILE *out, const char *text, size_t bytes);

/* "guest  Linux 6.1.0", which a verb's text of one machine begins with. */
void text_put_machine(FILE *out, bool colour, const struct trace_machine *machine);
