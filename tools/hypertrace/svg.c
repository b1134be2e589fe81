/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/svg.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/text.h"

#define LETTER_WIDTH 0.6 /* of the font's size: DejaVu Sans, wider than most */

/* Escaped twice: what no terminal may see is no XML either, and XML has signs of its own. */
static void put_text(struct svg *svg, const char *text)
{
	struct strbuf escaped = STRBUF_EMPTY;
	size_t bytes = strlen(text);
	char *place = strbuf_reserve(&escaped, 4 * bytes);
	size_t length = place ? text_escape(place, text, bytes) : 0;

	for (size_t i = 0; i < length; i++) {
		switch (place[i]) {
		case '&':
			strbuf_puts(&svg->text, "&amp;");
			break;
		case '<':
			strbuf_puts(&svg->text, "&lt;");
			break;
		case '>':
			strbuf_puts(&svg->text, "&gt;");
			break;
		case '"':
			strbuf_puts(&svg->text, "&quot;");
			break;
		default:
			strbuf_putc(&svg->text, place[i]);
		}
	}
	svg->text.failed |= !place;
	strbuf_deinit(&escaped);
}

/* A tooltip has lines: what is between line ends is escaped. */
static void put_title(struct svg *svg, const char *title)
{
	strbuf_puts(&svg->text, "<title>");
	while (*title) {
		size_t length = strcspn(title, "\n");
		char *line = strndup(title, length);

		if (line)
			put_text(svg, line);
		svg->text.failed |= !line;
		free(line);
		title += length;
		if (*title) {
			strbuf_putc(&svg->text, '\n');
			title++;
		}
	}
	strbuf_puts(&svg->text, "</title>");
}

/* Not more than hundredths: a drawing of thousands of shapes stays small. */
static void put_number(struct svg *svg, const char *name, double value)
{
	char digits[48];
	size_t length;

	if (!isfinite(value))
		value = 0;
	length = (size_t)snprintf(digits, sizeof(digits), "%.2f", fmin(fmax(value, -1e6), 1e9));
	while (digits[length - 1] == '0')
		length--;
	if (digits[length - 1] == '.')
		length--;
	strbuf_printf(&svg->text, " %s=\"%.*s\"", name, (int)length, digits);
}

static void put_class(struct svg *svg, const char *class)
{
	if (class)
		strbuf_printf(&svg->text, " class=\"%s\"", class);
}

static void end_shape(struct svg *svg, const char *element, const char *tooltip)
{
	if (!tooltip) {
		strbuf_puts(&svg->text, "/>\n");
		return;
	}
	strbuf_putc(&svg->text, '>');
	put_title(svg, tooltip);
	strbuf_printf(&svg->text, "</%s>\n", element);
}

void svg_init(struct svg *svg, double width, double height, const char *title, const char *style)
{
	*svg = (struct svg){.width = width, .height = height};
	strbuf_puts(&svg->text,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"");
	put_number(svg, "width", width);
	put_number(svg, "height", height);
	strbuf_printf(&svg->text, " viewBox=\"0 0 %.0f %.0f\">\n", width, height);
	put_title(svg, title);
	strbuf_printf(&svg->text,
		"\n<style>\ntext{font-family:'DejaVu Sans','Segoe UI',Helvetica,Arial,sans-serif;font-size:%.0fpx;"
		"fill:#222}\n%s</style>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		SVG_FONT_PX, style);
}

void svg_deinit(struct svg *svg)
{
	strbuf_deinit(&svg->text);
}

void svg_rect(struct svg *svg, double x, double y, double width, double height, const char *class,
	const char *tooltip)
{
	strbuf_puts(&svg->text, "<rect");
	put_number(svg, "x", x);
	put_number(svg, "y", y);
	put_number(svg, "width", fmax(width, 0));
	put_number(svg, "height", fmax(height, 0));
	put_class(svg, class);
	end_shape(svg, "rect", tooltip);
}

void svg_circle(struct svg *svg, double x, double y, double radius, const char *class, const char *tooltip)
{
	strbuf_puts(&svg->text, "<circle");
	put_number(svg, "cx", x);
	put_number(svg, "cy", y);
	put_number(svg, "r", fmax(radius, 0));
	put_class(svg, class);
	end_shape(svg, "circle", tooltip);
}

void svg_line(struct svg *svg, double x1, double y1, double x2, double y2, const char *class)
{
	strbuf_puts(&svg->text, "<line");
	put_number(svg, "x1", x1);
	put_number(svg, "y1", y1);
	put_number(svg, "x2", x2);
	put_number(svg, "y2", y2);
	put_class(svg, class);
	end_shape(svg, "line", NULL);
}

void svg_area(struct svg *svg, const double *points, size_t count, const char *class)
{
	strbuf_puts(&svg->text, "<path d=\"");
	for (size_t i = 0; i < count; i++)
		strbuf_printf(&svg->text, "%c%.1f %.1f", i ? 'L' : 'M', points[2 * i], points[2 * i + 1]);
	strbuf_puts(&svg->text, "Z\"");
	put_class(svg, class);
	end_shape(svg, "path", NULL);
}

void svg_text(struct svg *svg, double x, double y, const char *class, const char *text)
{
	strbuf_puts(&svg->text, "<text");
	put_number(svg, "x", x);
	put_number(svg, "y", y);
	put_class(svg, class);
	strbuf_putc(&svg->text, '>');
	put_text(svg, text);
	strbuf_puts(&svg->text, "</text>\n");
}

bool svg_text_fit(struct svg *svg, double x, double y, const char *class, const char *text, double room)
{
	size_t length = 0, bytes = strlen(text), letters = 0;
	const size_t most = room > 0 ? (size_t)(room / (LETTER_WIDTH * SVG_FONT_PX)) : 0;
	char *cut;

	if (svg_text_width(text, SVG_FONT_PX) <= room) {
		svg_text(svg, x, y, class, text);
		return true;
	}
	if (most < 4)
		return false;
	while (length < bytes && letters < most - 2) {
		size_t step = text_utf8_length(text + length, bytes - length);

		length += step ? step : 1;
		letters++;
	}
	cut = malloc(length + sizeof(".."));
	if (cut) {
		memcpy(cut, text, length);
		memcpy(cut + length, "..", sizeof(".."));
		svg_text(svg, x, y, class, cut);
	}
	svg->text.failed |= !cut;
	free(cut);
	return true;
}

void svg_group_begin(struct svg *svg, const char *class, const char *tooltip)
{
	strbuf_puts(&svg->text, "<g");
	put_class(svg, class);
	strbuf_putc(&svg->text, '>');
	if (tooltip)
		put_title(svg, tooltip);
}

void svg_group_end(struct svg *svg)
{
	strbuf_puts(&svg->text, "</g>\n");
}

double svg_text_width(const char *text, double font_px)
{
	size_t letters = 0, bytes = strlen(text);

	for (size_t i = 0; i < bytes; letters++) {
		size_t step = text_utf8_length(text + i, bytes - i);

		letters += step > 2; /* East Asian ones are twice as wide */
		i += step ? step : 1;
	}
	return (double)letters * LETTER_WIDTH * font_px;
}

double svg_axis_step(double range, unsigned ticks)
{
	double least = ticks && range > 0 ? range / ticks : 1, power = pow(10, floor(log10(least)));

	for (int i = 0; i < 3; i++) {
		static const double factors[] = {1, 2, 5};

		if (factors[i] * power >= least)
			return factors[i] * power;
	}
	return 10 * power;
}

int svg_write(struct svg *svg, const char *path, struct error *error)
{
	cleanup_close int fd = -1;
	int result = 0;

	strbuf_puts(&svg->text, "</svg>\n");
	if (svg->text.failed)
		return error_set(error, -ENOMEM, "out of memory");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	result = file_write_all(fd, svg->text.data, svg->text.length, error);
	return result < 0 ? error_add(error, "%s", path) : 0;
}
