/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/table.h"

#include <stdarg.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/hypertrace/human.h"

#define CELL_BYTES 512

static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80; /* UTF-8: all but a character's later bytes */
	return width;
}

static const char *header_text(const char *header)
{
	return header + (*header == '<');
}

void table_init(struct table *table, const char *const *headers)
{
	*table = (struct table){.headers = headers};
	while (headers[table->nr_columns] && table->nr_columns < TABLE_COLUMNS_MAX) {
		table->widths[table->nr_columns] = width_of(header_text(headers[table->nr_columns]));
		table->nr_columns++;
	}
}

void table_deinit(struct table *table)
{
	strbuf_deinit(&table->cells);
}

static void put(struct table *table, const char *text)
{
	size_t column = table->nr_cells++ % table->nr_columns, width = width_of(text);

	strbuf_append(&table->cells, text, strlen(text) + 1);
	if (width > table->widths[column])
		table->widths[column] = width;
}

void table_cell(struct table *table, const char *format, ...)
{
	char text[CELL_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put(table, text);
}

void table_foreign(struct table *table, const char *text, size_t width)
{
	char escaped[CELL_BYTES];
	size_t bytes = strlen(text), length;

	if (bytes > (sizeof(escaped) - 1) / 4)
		bytes = (sizeof(escaped) - 1) / 4;
	length = text_escape(escaped, text, bytes);
	escaped[length] = 0;
	if (width_of(escaped) > width && width > 2 && width < length) {
		while (((unsigned char)escaped[width - 2] & 0xc0) == 0x80)
			width--;
		memcpy(escaped + width - 2, "..", 3);
	}
	put(table, escaped);
}

void table_count(struct table *table, uint64_t count)
{
	put(table, count ? human_count(count).text : "-");
}

void table_ns(struct table *table, uint64_t ns)
{
	put(table, ns ? human_ns(ns).text : "-");
}

static void print_cell(const struct table *table, size_t column, const char *text, FILE *out)
{
	size_t blanks = table->widths[column] - width_of(text);
	bool left = *table->headers[column] == '<', last = column + 1 == table->nr_columns;

	fprintf(out, "  %*s%s%*s", left ? 0 : (int)blanks, "", text, left && !last ? (int)blanks : 0, "");
}

void table_print(const struct table *table, FILE *out, bool colour)
{
	const char *cell = table->cells.data;

	if (table->cells.failed)
		return;
	if (colour)
		fputs("\033[2m", out);
	for (size_t column = 0; column < table->nr_columns; column++)
		print_cell(table, column, header_text(table->headers[column]), out);
	fputs(colour ? "\033[0m\n" : "\n", out);
	for (size_t i = 0; i < table->nr_cells; i++) {
		size_t column = i % table->nr_columns;

		print_cell(table, column, cell, out);
		cell += strlen(cell) + 1;
		if (column + 1 == table->nr_columns)
			fputc('\n', out);
	}
}
