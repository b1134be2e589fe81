/* SPDX-License-Identifier: MIT */
/*
 * A drawing in SVG 1.1, self-contained: no script, no font and no style from elsewhere; what a shape stands for is its
 * tooltip. Lengths are in pixels, from the left and the top. Looks are CSS classes: every drawing brings its own.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "lib/base/error.h"
#include "lib/base/strbuf.h"

#define SVG_FONT_PX 12.0 /* of text without a class that says otherwise */

struct svg {
	struct strbuf text;
	double width, height;
};

/* `style`: CSS rules, ours. `title` is foreign, as all texts and tooltips below are. */
void svg_init(struct svg *svg, double width, double height, const char *title, const char *style);
void svg_deinit(struct svg *svg);
#define cleanup_svg __attribute__((cleanup(svg_deinit)))

/* `class`: of the style, ours; `tooltip` may be NULL. */
void svg_rect(struct svg *svg, double x, double y, double width, double height, const char *class,
	const char *tooltip);
void svg_circle(struct svg *svg, double x, double y, double radius, const char *class, const char *tooltip);
void svg_line(struct svg *svg, double x1, double y1, double x2, double y2, const char *class);

/* A closed area through `count` points, x and y of each. */
void svg_area(struct svg *svg, const double *points, size_t count, const char *class);

/* Text whose base line begins at x, y; ends or is centred there as the class says. */
void svg_text(struct svg *svg, double x, double y, const char *class, const char *text);

/* The same, cut off at `room` pixels; false: not even some letters fit, and nothing was drawn. */
bool svg_text_fit(struct svg *svg, double x, double y, const char *class, const char *text, double room);

/* Everything until svg_group_end() shares a class, and a tooltip if it is not NULL. */
void svg_group_begin(struct svg *svg, const char *class, const char *tooltip);
void svg_group_end(struct svg *svg);

/* About how wide a text is, in whatever sans-serif font the viewer has. */
double svg_text_width(const char *text, double font_px);

/* The step of an axis: 1, 2 or 5 times a power of ten, so that `range` has at most `ticks` of them. */
double svg_axis_step(double range, unsigned ticks);

/* Ends the drawing and writes it, replacing what is there. -ENOMEM, or the file's error. */
int svg_write(struct svg *svg, const char *path, struct error *error);
