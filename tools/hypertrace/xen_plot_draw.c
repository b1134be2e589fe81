/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/xen_plot.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "tools/hypertrace/time_chart.h"
#include "tools/hypertrace/xen_summary_view.h"

#define HEAD        104.0
#define ABOVE       6.0
#define DOT_COLUMNS (XEN_PLOT_COLUMNS / XEN_PLOT_CELL)
#define COLOURS     12u

/* c0 to c11: pCPUs and series; c12: all others; r0 to r5: runstates, in the colours of `vcpu`. */
static const char style[] =
	".c0{fill:#3b76b5}.c1{fill:#e8921c}.c2{fill:#4f9d5b}.c3{fill:#c9569e}.c4{fill:#7a5cc0}.c5{fill:#b8a01e}"
	".c6{fill:#2aa5a0}.c7{fill:#cc2a1e}.c8{fill:#8c6a4f}.c9{fill:#86b93c}.c10{fill:#5a6fd8}.c11{fill:#d98aa8}"
	".c12{fill:#9a9a9a}.r0{fill:#4f9d5b}.r1{fill:#cc2a1e}.r2{fill:#dbe9f6}.r3{fill:#9db8d2}.r4{fill:#bdbdbd}"
	".r5{fill:#e3e3e3}.y{text-anchor:end;fill:#555;font-size:11px}\n";

struct class
{
	char text[8];
};

static struct class class_of(const struct xen_plot *plot, uint32_t value)
{
	struct class class;

	if (plot->kind == XEN_SCATTER_RUNSTATE)
		snprintf(class.text, sizeof(class.text), "r%u", value <= XEN_UNKNOWN ? value : XEN_UNKNOWN);
	else if (plot->kind == XEN_SCATTER_PCPU)
		snprintf(class.text, sizeof(class.text), "c%u", value % COLOURS);
	else
		snprintf(class.text, sizeof(class.text), "c%u", value < COLOURS ? value : COLOURS);
	return class;
}

static struct human row_name(const struct xen_plot_row *row)
{
	const struct xen_vcpu_place place = {.dom = (uint16_t)(row->id >> 16), .vcpu = (uint16_t)row->id};

	return xen_point_vcpu(row->id == UINT32_MAX ? NULL : &place);
}

static void draw_strips(const struct xen_plot *plot, struct time_chart *chart)
{
	double px = (TIME_CHART_WIDTH - TIME_CHART_LABELS - TIME_CHART_RIGHT) / XEN_PLOT_COLUMNS;

	for (uint32_t i = 0; i < plot->nr_rows; i++) {
		const struct xen_plot_cell *cells = plot->rows[i].cells;

		time_chart_label(chart, i, 0, NULL, row_name(&plot->rows[i]).text);
		for (unsigned from = 0, to; from < XEN_PLOT_COLUMNS; from = to) {
			for (to = from + 1; to < XEN_PLOT_COLUMNS && cells[to].value == cells[from].value;
				to++)
				;
			if (cells[from].value)
				svg_rect(&chart->svg, TIME_CHART_LABELS + from * px, time_chart_y(chart, i),
					(to - from) * px, TIME_CHART_BAR,
					class_of(plot, cells[from].value - 1).text, NULL);
		}
	}
}

static void strips_legend(const struct xen_plot *plot, struct time_chart *chart)
{
	double x = 16;
	char text[32];

	if (plot->kind == XEN_SCATTER_RUNSTATE) {
		for (uint32_t i = 0; i <= XEN_LOST; i++)
			time_chart_legend(chart, &x, class_of(plot, i).text, xen_view_states[i]);
		return;
	}
	for (uint32_t i = 0; i <= plot->max_pcpu && i < COLOURS; i++) {
		snprintf(text, sizeof(text), "pCPU %u%s", i, plot->max_pcpu >= COLOURS ? ", …" : "");
		time_chart_legend(chart, &x, class_of(plot, i).text, text);
	}
}

/* --- dots --- */

static void draw_dots(const struct xen_plot *plot, struct time_chart *chart)
{
	double px = (TIME_CHART_WIDTH - TIME_CHART_LABELS - TIME_CHART_RIGHT) / DOT_COLUMNS;

	for (unsigned line = 0; line < XEN_PLOT_LINES; line++) {
		const uint8_t *dots = plot->dots + (size_t)line * DOT_COLUMNS;

		for (unsigned from = 0, to; from < DOT_COLUMNS; from = to) {
			for (to = from + 1; to < DOT_COLUMNS && dots[to] == dots[from]; to++)
				;
			if (dots[from])
				svg_rect(&chart->svg, TIME_CHART_LABELS + from * px,
					chart->first_row + line * XEN_PLOT_CELL, (to - from) * px,
					XEN_PLOT_CELL, class_of(plot, dots[from] - 1u).text, NULL);
		}
	}
}

static void y_label(const struct xen_plot *plot, struct time_chart *chart, double value, const char *text)
{
	double up = (value - plot->least) / (plot->most - plot->least);
	double y = chart->first_row + (1 - up) * (XEN_PLOT_LINES - 1) * XEN_PLOT_CELL;

	svg_line(&chart->svg, TIME_CHART_LABELS, y, TIME_CHART_WIDTH - TIME_CHART_RIGHT, y, "g");
	svg_text(&chart->svg, TIME_CHART_LABELS - 8, y + 4, "y", text);
}

static void y_axis(const struct xen_plot *plot, struct time_chart *chart)
{
	const struct xen_scatter_look *look = &xen_scatter_looks[plot->kind];
	double step = look->axis == XEN_AXIS_TICKS ? 1 : svg_axis_step(plot->most - plot->least, 8);
	double first = ceil(plot->least / step) * step;

	for (unsigned i = 0; i < 64 && first + i * step <= plot->most; i++) {
		double value = first + i * step;
		char text[32];

		if (look->axis == XEN_AXIS_TICKS)
			snprintf(text, sizeof(text), "%s", human_ns((uint64_t)pow(10, value)).text);
		else if (look->hexadecimal && look->axis == XEN_AXIS_VALUE)
			snprintf(text, sizeof(text), "0x%" PRIx64, (uint64_t)value);
		else
			snprintf(text, sizeof(text), "%.*f", step < 1 ? 1 : 0, value);
		y_label(plot, chart, value, text);
	}
}

static void dots_legend(const struct xen_plot *plot, struct time_chart *chart)
{
	double x = 16;

	for (uint32_t i = 0; i < plot->nr_rows && i < COLOURS; i++)
		time_chart_legend(chart, &x, class_of(plot, i).text, row_name(&plot->rows[i]).text);
	if (plot->nr_rows > COLOURS)
		time_chart_legend(chart, &x, "c12", "others");
}

int xen_plot_write(struct xen_plot *plot, const char *path, struct error *error)
{
	const struct xen_scatter_look *look = &xen_scatter_looks[plot->kind];
	bool strips = look->axis == XEN_AXIS_STRIPS;
	uint64_t length_ns = (uint64_t)((double)(plot->end_tsc - plot->begin_tsc) * 1e9 / plot->hz);
	struct time_chart chart;
	char below[160];
	int result;

	xen_plot_end(plot);
	snprintf(below, sizeof(below), "%s, %s points%s", human_ns(length_ns).text,
		human_count(plot->points).text, plot->left_out ? "; there are more vCPUs than fit" : "");
	time_chart_init(&chart, look->title, style, 0, length_ns, HEAD, ABOVE,
		strips ? plot->nr_rows : XEN_PLOT_DOT_ROWS);
	time_chart_head(&chart, look->title, below);
	time_chart_axis(&chart);
	if (strips) {
		strips_legend(plot, &chart);
		draw_strips(plot, &chart);
	} else {
		dots_legend(plot, &chart);
		y_axis(plot, &chart);
		draw_dots(plot, &chart);
	}
	result = svg_write(&chart.svg, path, error);
	time_chart_deinit(&chart);
	return result;
}
