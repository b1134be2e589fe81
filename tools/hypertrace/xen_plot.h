/* SPDX-License-Identifier: MIT */
/*
 * The drawing of `hypertrace xen scatter`. A trace may have millions of points: it is read twice, first for the axes'
 * ranges, then for a raster of the drawing's size. So neither the memory nor the drawing grows with the trace.
 *
 *	xen_plot_init(&plot, kind, hz);
 *	feed all: xen_plot_measure(&plot, point); then xen_plot_begin(&plot)
 *	feed all again: xen_plot_add(&plot, point); then xen_plot_write(&plot, …)
 */
#pragma once
#include "lib/base/error.h"
#include "tools/hypertrace/xen_scatter_kinds.h"

#define XEN_PLOT_ROWS_MAX 128u /* vCPUs in strips; more are left out */
#define XEN_PLOT_SERIES   12u  /* colours of them in dots; the others share one */
#define XEN_PLOT_COLUMNS  1100u
#define XEN_PLOT_CELL     2u /* pixels of a dot */
#define XEN_PLOT_DOT_ROWS 24u
#define XEN_PLOT_LINES    (XEN_PLOT_DOT_ROWS * 19u / XEN_PLOT_CELL)

/* What was there the longest, by the weighted majority vote of Boyer and Moore. */
struct xen_plot_cell {
	uint32_t value; /* class + 1; 0: nothing */
	float weight;
};

struct xen_plot_row {
	uint32_t id; /* dom << 16 | vcpu */
	uint32_t value;
	uint64_t since_tsc; /* of the strip that has begun; 0: none */
	struct xen_plot_cell *cells;
};

struct xen_plot {
	enum xen_scatter_kind kind;
	double hz;
	uint64_t begin_tsc, end_tsc;
	uint64_t points, left_out;
	double least, most; /* of the y axis */
	struct xen_plot_row rows[XEN_PLOT_ROWS_MAX];
	uint32_t nr_rows, max_pcpu;
	uint8_t *dots; /* XEN_PLOT_LINES lines of XEN_PLOT_COLUMNS / XEN_PLOT_CELL: series + 1 */
};

void xen_plot_init(struct xen_plot *plot, enum xen_scatter_kind kind, double hz);
void xen_plot_deinit(struct xen_plot *plot);

/* The kind whose points it is to be given: for strips, those of runstates. */
enum xen_scatter_kind xen_plot_feed_kind(enum xen_scatter_kind kind);

void xen_plot_measure(struct xen_plot *plot, const struct xen_point *point);

/* All of them have been measured; the trace is from begin_tsc to end_tsc. -ENOMEM. */
int xen_plot_begin(struct xen_plot *plot, uint64_t begin_tsc, uint64_t end_tsc);

void xen_plot_add(struct xen_plot *plot, const struct xen_point *point);

/* Strips that have begun last to the end. */
void xen_plot_end(struct xen_plot *plot);

/* Draws into a file. -ENOMEM, or the file's error. */
int xen_plot_write(struct xen_plot *plot, const char *path, struct error *error);
