/* SPDX-License-Identifier: MIT */
/* A drawing with time from left to right and rows from top to bottom: what `boot` and `shutdown` draw into. */
#pragma once
#include <stdint.h>
#include "tools/hypertrace/svg.h"

#define TIME_CHART_WIDTH  1480.0
#define TIME_CHART_LABELS 290.0 /* where the time axis begins */
#define TIME_CHART_RIGHT  90.0  /* behind it, for durations */
#define TIME_CHART_ROW    19.0  /* from row to row */
#define TIME_CHART_BAR    13.0
#define TIME_CHART_NARROW 0.8 /* of a bar, the least */

struct time_chart {
	struct svg svg;
	uint64_t begin_ns, end_ns;
	double px_per_ns;
	double top, first_row; /* where the axis' lines and the rows begin */
	size_t nr_rows;
};

/* `head`: pixels above the axis, `above`: from there to the first row. `style` is added to the chart's own. */
void time_chart_init(struct time_chart *chart, const char *title, const char *style, uint64_t begin_ns,
	uint64_t end_ns, double head, double above, size_t nr_rows);
void time_chart_deinit(struct time_chart *chart);

double time_chart_x(const struct time_chart *chart, uint64_t at_ns);
double time_chart_y(const struct time_chart *chart, size_t row);
double time_chart_width(
	const struct time_chart *chart, uint64_t from_ns, uint64_t to_ns); /* at least NARROW */

/* Title and what stands below it. */
void time_chart_head(struct time_chart *chart, const char *title, const char *below);

/* The next sample of the legend at *x, which moves on. */
void time_chart_legend(struct time_chart *chart, double *x, const char *class, const char *text);

/* Seconds, with lines through all rows. */
void time_chart_axis(struct time_chart *chart);

/* A label and a duration to a row's bar. */
void time_chart_label(
	struct time_chart *chart, size_t row, double indent, const char *class, const char *text);
void time_chart_duration(struct time_chart *chart, size_t row, uint64_t from_ns, uint64_t to_ns);
