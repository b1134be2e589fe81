/* SPDX-License-Identifier: MIT */
/* Text in columns that are as wide as they need to be. Numbers stand to the right, names to the left. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "lib/base/strbuf.h"

#define TABLE_COLUMNS_MAX 16

struct table {
	struct strbuf cells; /* each with its NUL */
	const char *const *headers;
	size_t nr_columns, nr_cells;
	size_t widths[TABLE_COLUMNS_MAX];
};

/* `headers` ends with NULL and lives as long; one that begins with '<' stands to the left, without the '<'. */
void table_init(struct table *table, const char *const *headers);
void table_deinit(struct table *table);
#define cleanup_table __attribute__((cleanup(table_deinit)))

/* The next cell, row by row from the left. Foreign text is to be escaped before: see table_foreign(). */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A cell of foreign text, escaped, at most `width` columns of it. */
void table_foreign(struct table *table, const char *text, size_t width);

void table_count(struct table *table, uint64_t count); /* "-": 0 */
void table_ns(struct table *table, uint64_t ns);       /* "-": 0 */

/* The headers, and the rows below them, indented by two. */
void table_print(const struct table *table, FILE *out, bool colour);
