/* SPDX-License-Identifier: MIT */
#include "bench/figures.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/text.h"

void figures_init(struct figures *figures, bool json, FILE *out)
{
	*figures = (struct figures){.json = json, .out = out};
	machine_init(&figures->machine);
}

void figures_deinit(struct figures *figures)
{
	free(figures->items);
}

void figures_begin(struct figures *figures, const char *bench, const char *rival_key, const char *ours)
{
	figures->bench = bench;
	figures->rival_key = rival_key;
	figures->ours = ours;
	figures->count = 0;
}

/* Two decimals where they say anything, and no zeros behind. */
static void number_text(char *text, size_t size, double value)
{
	char *end;

	snprintf(text, size, "%.*f", fabs(value) < 1000 ? 2 : 0, value);
	if (!strchr(text, '.'))
		return;
	end = text + strlen(text);
	while (end[-1] == '0')
		*--end = '\0';
	if (end[-1] == '.')
		end[-1] = '\0';
}

static void show_json(const struct figures *figures, const struct figure *figure)
{
	cleanup_strbuf struct strbuf line = STRBUF_EMPTY;
	char number[64];

	strbuf_puts(&line, "{\"bench\": ");
	text_append_json(&line, figures->bench);
	strbuf_puts(&line, ", \"case\": {");
	for (size_t i = 0; i < figure->nr_keys; i++) {
		strbuf_puts(&line, i ? ", " : "");
		text_append_json(&line, figure->keys[i].name);
		strbuf_puts(&line, ": ");
		text_append_json(&line, figure->keys[i].value);
	}
	number_text(number, sizeof(number), figure->value);
	strbuf_printf(&line, "}, \"value\": %s, ", figure->skipped[0] ? "null" : number);
	if (figure->skipped[0]) {
		strbuf_puts(&line, "\"skipped\": ");
		text_append_json(&line, figure->skipped);
	} else {
		strbuf_printf(&line, "\"unit\": \"%s\", \"lost\": %llu", figure->unit,
			(unsigned long long)figure->lost);
	}
	strbuf_puts(&line, ", \"machine\": ");
	machine_append_json(&figures->machine, &line);
	strbuf_puts(&line, "}\n");
	fwrite(line.data, 1, line.length, figures->out);
	fflush(figures->out);
}

static void keep(struct figures *figures, const struct figure *figure)
{
	struct figure *items;

	if (figures->json)
		return show_json(figures, figure);
	items = reallocarray(figures->items, figures->count + 1, sizeof(*items));
	if (!items) {
		figures->failed = true;
		return;
	}
	figures->items = items;
	items[figures->count++] = *figure;
}

static void read_case(struct figure *figure, va_list words)
{
	const char *name;

	while (figure->nr_keys < FIGURE_KEYS_MAX && (name = va_arg(words, const char *))) {
		figure->keys[figure->nr_keys].name = name;
		snprintf(figure->keys[figure->nr_keys++].value, FIGURE_VALUE_BYTES, "%s",
			va_arg(words, const char *));
	}
}

void figures_add(struct figures *figures, double value, const char *unit, uint64_t lost, ...)
{
	struct figure figure = {.value = value, .unit = unit, .lost = lost};
	va_list words;

	va_start(words, lost);
	read_case(&figure, words);
	va_end(words);
	keep(figures, &figure);
}

void figures_skip(struct figures *figures, const char *reason, ...)
{
	struct figure figure = {.unit = ""};
	va_list words;

	snprintf(figure.skipped, sizeof(figure.skipped), "%s", reason);
	va_start(words, reason);
	read_case(&figure, words);
	va_end(words);
	keep(figures, &figure);
}

/* Our own figure in the same case, but for who made it. NULL: there is none. */
static const struct figure *ours(const struct figures *figures, const struct figure *rival)
{
	for (size_t i = 0; i < figures->count; i++) {
		const struct figure *figure = &figures->items[i];
		bool same = figure->nr_keys == rival->nr_keys && !figure->skipped[0] &&
			strcmp(figure->unit, rival->unit) == 0;

		for (size_t k = 0; same && k < figure->nr_keys; k++) {
			bool who = strcmp(figure->keys[k].name, figures->rival_key) == 0;

			same = strcmp(figure->keys[k].name, rival->keys[k].name) == 0 &&
				strcmp(figure->keys[k].value, who ? figures->ours : rival->keys[k].value) ==
					0;
		}
		if (same)
			return figure;
	}
	return NULL;
}

/* "threads=2 event=sched_switch": what tells a row from the others. */
static void case_text(char *text, size_t size, const struct figure *figure)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t k = 0; k < figure->nr_keys && used < size; k++)
		used += (size_t)snprintf(text + used, size - used, "%s%s=%s", k ? " " : "",
			figure->keys[k].name, figure->keys[k].value);
}

void figures_end(struct figures *figures)
{
	char text[FIGURE_KEYS_MAX * 64], number[64], ratio[64];
	int width = 0, length;

	if (figures->json)
		return;
	for (size_t i = 0; i < figures->count; i++) {
		case_text(text, sizeof(text), &figures->items[i]);
		length = (int)strlen(text);
		width = length > width ? length : width;
	}
	fprintf(figures->out, "%-*s  %14s  %-24s %6s  %s %s\n", width, figures->bench, "value", "unit",
		"lost", "against", figures->ours);
	for (size_t i = 0; i < figures->count; i++) {
		const struct figure *figure = &figures->items[i], *base = ours(figures, figure);

		case_text(text, sizeof(text), figure);
		if (figure->skipped[0]) {
			fprintf(figures->out, "%-*s  skipped: %s\n", width, text, figure->skipped);
			continue;
		}
		number_text(number, sizeof(number), figure->value);
		ratio[0] = '\0';
		if (base && base != figure && base->value != 0)
			snprintf(ratio, sizeof(ratio), "%.2fx", figure->value / base->value);
		fprintf(figures->out, "%-*s  %14s  %-24s %6llu  %s\n", width, text, number, figure->unit,
			(unsigned long long)figure->lost, ratio);
	}
	fputc('\n', figures->out);
	fflush(figures->out);
}
