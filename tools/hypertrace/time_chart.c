/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/time_chart.h"

#include <math.h>
#include <stdio.h>

#include "tools/hypertrace/human.h"

#define BOTTOM 44.0
#define TICKS  14

static const char base_style[] =
	".h{font-size:19px;font-weight:bold}.s{fill:#555}.d{fill:#555;font-size:11px}"
	".m{text-anchor:middle;fill:#555;font-size:11px}.b{font-weight:bold}.g{stroke:#e4e4e4}.g0{stroke:#999}\n";

void time_chart_init(struct time_chart *chart, const char *title, const char *style, uint64_t begin_ns,
	uint64_t end_ns, double head, double above, size_t nr_rows)
{
	struct strbuf styles = STRBUF_EMPTY;

	*chart = (struct time_chart){
		.begin_ns = begin_ns,
		.end_ns = end_ns > begin_ns ? end_ns : begin_ns + 1,
		.top = head,
		.first_row = head + above,
		.nr_rows = nr_rows,
	};
	chart->px_per_ns = (TIME_CHART_WIDTH - TIME_CHART_LABELS - TIME_CHART_RIGHT) /
		(double)(chart->end_ns - chart->begin_ns);
	strbuf_puts(&styles, base_style);
	strbuf_puts(&styles, style);
	svg_init(&chart->svg, TIME_CHART_WIDTH, time_chart_y(chart, nr_rows) + BOTTOM, title,
		styles.data ? styles.data : "");
	chart->svg.text.failed |= styles.failed;
	strbuf_deinit(&styles);
}

void time_chart_deinit(struct time_chart *chart)
{
	svg_deinit(&chart->svg);
}

double time_chart_x(const struct time_chart *chart, uint64_t at_ns)
{
	uint64_t since_ns = at_ns > chart->begin_ns ? at_ns - chart->begin_ns : 0;

	return TIME_CHART_LABELS + (double)since_ns * chart->px_per_ns;
}

double time_chart_y(const struct time_chart *chart, size_t row)
{
	return chart->first_row + TIME_CHART_ROW * (double)row;
}

double time_chart_width(const struct time_chart *chart, uint64_t from_ns, uint64_t to_ns)
{
	return fmax(time_chart_x(chart, to_ns) - time_chart_x(chart, from_ns), TIME_CHART_NARROW);
}

void time_chart_head(struct time_chart *chart, const char *title, const char *below)
{
	svg_text(&chart->svg, 16, 30, "h", title);
	svg_text(&chart->svg, 16, 50, "s", below);
}

void time_chart_legend(struct time_chart *chart, double *x, const char *class, const char *text)
{
	svg_rect(&chart->svg, *x, 64, 14, 12, class, NULL);
	svg_text(&chart->svg, *x + 20, 74, "s", text);
	*x += 40 + svg_text_width(text, SVG_FONT_PX);
}

/* In seconds, or what is below a second in milliseconds. */
void time_chart_axis(struct time_chart *chart)
{
	double range_ns = (double)(chart->end_ns - chart->begin_ns), unit_ns = range_ns < 1e9 ? 1e6 : 1e9;
	double range = range_ns / unit_ns, step = svg_axis_step(range, TICKS);
	double bottom = time_chart_y(chart, chart->nr_rows) + 4;
	int digits = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);

	for (int i = 0; i * step <= range * (1 + 1e-9) && i <= 2 * TICKS; i++) {
		double x = TIME_CHART_LABELS + i * step * unit_ns * chart->px_per_ns;
		char text[32];

		snprintf(text, sizeof(text), "%.*f %s", digits, i * step, unit_ns < 1e9 ? "ms" : "s");
		svg_line(&chart->svg, x, chart->top, x, bottom, i ? "g" : "g0");
		svg_text(&chart->svg, x, chart->top - 6, "m", text);
		svg_text(&chart->svg, x, bottom + 14, "m", text);
	}
}

void time_chart_label(
	struct time_chart *chart, size_t row, double indent, const char *class, const char *text)
{
	svg_text_fit(&chart->svg, 16 + indent, time_chart_y(chart, row) + 11, class, text,
		TIME_CHART_LABELS - 28 - indent);
}

void time_chart_duration(struct time_chart *chart, size_t row, uint64_t from_ns, uint64_t to_ns)
{
	svg_text(&chart->svg, time_chart_x(chart, from_ns) + time_chart_width(chart, from_ns, to_ns) + 5,
		time_chart_y(chart, row) + 10.5, "d", human_ns(to_ns > from_ns ? to_ns - from_ns : 0).text);
}
