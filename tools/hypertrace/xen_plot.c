/* SPDX-License-Identifier: MIT */
/* What goes into the drawing of `xen scatter`; the drawing itself: xen_plot_draw.c. */
#include "tools/hypertrace/xen_plot.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define DOT_COLUMNS (XEN_PLOT_COLUMNS / XEN_PLOT_CELL)

void xen_plot_init(struct xen_plot *plot, enum xen_scatter_kind kind, double hz)
{
	*plot = (struct xen_plot){.kind = kind, .hz = hz};
}

void xen_plot_deinit(struct xen_plot *plot)
{
	for (uint32_t i = 0; i < plot->nr_rows; i++)
		free(plot->rows[i].cells);
	free(plot->dots);
	*plot = (struct xen_plot){0};
}

static enum xen_axis axis_of(const struct xen_plot *plot)
{
	return xen_scatter_looks[plot->kind].axis;
}

enum xen_scatter_kind xen_plot_feed_kind(enum xen_scatter_kind kind)
{
	return kind == XEN_SCATTER_PCPU ? XEN_SCATTER_RUNSTATE : kind;
}

static double height_of(const struct xen_plot *plot, const struct xen_point *point)
{
	switch (axis_of(plot)) {
	case XEN_AXIS_TICKS:
		return log10(fmax((double)point->ticks * 1e9 / plot->hz, 1));
	case XEN_AXIS_NUMBER:
		return point->number;
	default:
		return (double)point->value;
	}
}

static uint32_t id_of(const struct xen_point *point)
{
	return point->vcpu ? (uint32_t)point->vcpu->dom << 16 | point->vcpu->vcpu : UINT32_MAX;
}

/* In the order of domain and vCPU; NULL: no room. */
static struct xen_plot_row *row_of(struct xen_plot *plot, uint32_t id, bool make)
{
	uint32_t low = 0, high = plot->nr_rows;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (plot->rows[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < plot->nr_rows && plot->rows[low].id == id)
		return &plot->rows[low];
	if (!make || plot->nr_rows == XEN_PLOT_ROWS_MAX)
		return NULL;
	for (uint32_t i = plot->nr_rows++; i > low; i--)
		plot->rows[i] = plot->rows[i - 1];
	plot->rows[low] = (struct xen_plot_row){.id = id};
	return &plot->rows[low];
}

void xen_plot_measure(struct xen_plot *plot, const struct xen_point *point)
{
	double height = height_of(plot, point);

	if (!row_of(plot, id_of(point), true) && axis_of(plot) == XEN_AXIS_STRIPS) {
		plot->left_out++;
		return;
	}
	if (point->pcpu != XEN_NO_PCPU && point->pcpu > plot->max_pcpu)
		plot->max_pcpu = point->pcpu;
	if (!plot->points || height < plot->least)
		plot->least = height;
	if (!plot->points || height > plot->most)
		plot->most = height;
	plot->points++;
}

int xen_plot_begin(struct xen_plot *plot, uint64_t begin_tsc, uint64_t end_tsc)
{
	plot->begin_tsc = begin_tsc;
	plot->end_tsc = end_tsc > begin_tsc ? end_tsc : begin_tsc + 1;
	if (axis_of(plot) == XEN_AXIS_TICKS) {
		plot->least = floor(plot->least);
		plot->most = fmax(ceil(plot->most), plot->least + 1);
	} else if (plot->most <= plot->least) {
		plot->most = plot->least + 1;
	}
	if (axis_of(plot) != XEN_AXIS_STRIPS) {
		plot->dots = calloc(XEN_PLOT_LINES, DOT_COLUMNS);
		return plot->dots ? 0 : -ENOMEM;
	}
	for (uint32_t i = 0; i < plot->nr_rows; i++) {
		plot->rows[i].cells = calloc(XEN_PLOT_COLUMNS, sizeof(*plot->rows[i].cells));
		if (!plot->rows[i].cells)
			return -ENOMEM;
	}
	return 0;
}

/* --- strips --- */

static double column_of(const struct xen_plot *plot, uint64_t tsc)
{
	uint64_t since_tsc = tsc > plot->begin_tsc ? tsc - plot->begin_tsc : 0;

	return fmin((double)since_tsc / (double)(plot->end_tsc - plot->begin_tsc), 1) * XEN_PLOT_COLUMNS;
}

static void vote(struct xen_plot_cell *cell, uint32_t value, float weight)
{
	if (cell->value == value) {
		cell->weight += weight;
	} else if (cell->weight >= weight) {
		cell->weight -= weight;
	} else {
		cell->value = value;
		cell->weight = weight - cell->weight;
	}
}

static void end_strip(const struct xen_plot *plot, struct xen_plot_row *row, uint64_t tsc)
{
	double from = column_of(plot, row->since_tsc), to = column_of(plot, tsc);

	if (!row->since_tsc || !row->value)
		return;
	for (unsigned i = (unsigned)from; i < XEN_PLOT_COLUMNS && (double)i < to; i++)
		vote(&row->cells[i], row->value, (float)(fmin(to, i + 1) - fmax(from, i)));
}

/* What is drawn of a state: its class + 1; 0: nothing. */
static uint32_t strip_value(const struct xen_plot *plot, const struct xen_point *point)
{
	if (plot->kind == XEN_SCATTER_PCPU)
		return point->value == XEN_RUNNING && point->pcpu != XEN_NO_PCPU ? point->pcpu + 1 : 0;
	return (uint32_t)point->value + 1;
}

static void add_strip(struct xen_plot *plot, const struct xen_point *point)
{
	struct xen_plot_row *row = row_of(plot, id_of(point), false);

	if (!row)
		return;
	end_strip(plot, row, point->tsc);
	row->since_tsc = point->tsc;
	row->value = strip_value(plot, point);
}

/* --- dots --- */

static void add_dot(struct xen_plot *plot, const struct xen_point *point)
{
	const struct xen_plot_row *row = row_of(plot, id_of(point), false);
	uint32_t series = row ? (uint32_t)(row - plot->rows) : XEN_PLOT_SERIES;
	double up = (height_of(plot, point) - plot->least) / (plot->most - plot->least);
	unsigned column = (unsigned)(column_of(plot, point->tsc) / XEN_PLOT_CELL);
	unsigned line = (unsigned)((1 - fmin(fmax(up, 0), 1)) * (XEN_PLOT_LINES - 1));

	if (column >= DOT_COLUMNS)
		column = DOT_COLUMNS - 1;
	if (series > XEN_PLOT_SERIES)
		series = XEN_PLOT_SERIES;
	plot->dots[line * DOT_COLUMNS + column] = (uint8_t)(series + 1);
}

void xen_plot_add(struct xen_plot *plot, const struct xen_point *point)
{
	if (axis_of(plot) == XEN_AXIS_STRIPS)
		add_strip(plot, point);
	else
		add_dot(plot, point);
}

void xen_plot_end(struct xen_plot *plot)
{
	for (uint32_t i = 0; i < plot->nr_rows && axis_of(plot) == XEN_AXIS_STRIPS; i++)
		end_strip(plot, &plot->rows[i], plot->end_tsc);
}
