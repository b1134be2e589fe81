/* SPDX-License-Identifier: MIT */
/* Bars along a time axis, in a terminal: as wide as it is, in the characters it has. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct bars {
	uint64_t from_ns, to_ns; /* what the whole width stands for */
	unsigned width;          /* columns of a bar */
	bool blocks;             /* UTF-8: the blocks of U+2588; else '#' */
};

/* How much of a column's time something was busy, 0..1; < 0: not known. */
typedef double bars_share_fn(void *context, uint64_t from_ns, uint64_t to_ns);

/* For bars of which `other` columns of the line are taken by something else. */
struct bars bars_of_terminal(uint64_t from_ns, uint64_t to_ns, unsigned other, FILE *out);

/* from..to; `share` may be NULL: all of it is. No line end. */
void bars_print(const struct bars *bars, uint64_t from_ns, uint64_t to_ns, bars_share_fn *share,
	void *context, FILE *out);

/* Foreign text, escaped, in exactly so many columns: cut off, or with blanks behind. */
void bars_label(const char *text, unsigned indent, unsigned columns, FILE *out);

/* Columns of the terminal, or 100. */
unsigned bars_columns(FILE *out);
