/* SPDX-License-Identifier: MIT */
/*
 * A boot's waterfall as a drawing: how busy the CPUs were, then stage by stage a row, and in it every initcall; below
 * each stage rows of what took long in it. The filled part of a bar is the share of time on a CPU.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hypertrace/boot_view.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/time_chart.h"
#include "tools/hypertrace/waterfall.h"

#define HEAD         104.0 /* where the CPUs' chart begins */
#define CHART        56.0
#define ROWS_DEFAULT 60
#define SLICE_MIN_PX 0.35

static const char style[] =
	".c{fill:#b9d2ea;stroke:#5b8db8;stroke-width:.7}.bg0{fill:#f2f2f2}.bg1{fill:#eef4fa}.bg2{fill:#eef4fa}"
	".bg3{fill:#edf6ee}.sp0{fill:#000;fill-opacity:.05}.sp1,.sp2{fill:#2f6fab;fill-opacity:.08}"
	".sp3{fill:#3a8a4a;fill-opacity:.08}.st0{fill:#b5b5b5}.st1{fill:#86b2d9}.st2{fill:#a9c9e8}.st3{fill:#86c294}"
	".sl{fill:#2460a0}.i0{fill:#fbd9a6}.i1{fill:#e8921c}.m0{fill:#f7c0a8}.m1{fill:#d6531f}"
	".p0{fill:#dccdec}.p1{fill:#7a4fae}.lo{fill:#dccdec;fill-opacity:.6}\n";

struct drawing {
	struct time_chart chart;
	const struct boot_view *view;
	struct waterfall waterfall;
};

static double x_of(const struct drawing *drawing, uint64_t at_ns)
{
	return time_chart_x(&drawing->chart, at_ns);
}

/* --- what stands around the bars --- */

static void draw_head(struct drawing *drawing)
{
	const struct boot_view *view = drawing->view;
	const struct boot *boot = view->boot;
	char title[160], below[512];

	snprintf(title, sizeof(title), "Boot of %s: %s", view->machine->name,
		human_ns(boot_total_ns(boot)).text);
	snprintf(below, sizeof(below),
		"%s%s%s%s initcalls in %s, %s of them of modules; %s programs executed; %s events, %s lost",
		view->machine->info->release[0] ? "Linux " : "", view->machine->info->release,
		view->machine->info->release[0] ? "; " : "", human_count(boot->initcalls.finished).text,
		human_ns(boot->initcalls.total_ns).text,
		human_count(boot->initcalls.finished - boot->initcalls.own).text,
		human_count(boot->processes.execs).text, human_count(boot->events).text,
		human_count(boot->lost).text);
	time_chart_head(&drawing->chart, title, below);
}

static void draw_legend(struct drawing *drawing)
{
	static const struct {
		const char *class, *text;
	} items[] = {{"st1", "kernel"}, {"st2", "level of initcalls"}, {"sl", "an initcall runs"},
		{"st3", "user space"}, {"i1", "initcall, built in"}, {"m1", "initcall of a module"},
		{"p1", "program"}};
	double x = 16;

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
		time_chart_legend(&drawing->chart, &x, items[i].class, items[i].text);
	if (!drawing->view->boot->knows_tasks)
		return;
	svg_rect(&drawing->chart.svg, x, 70, 14, 6, "p1", NULL);
	time_chart_legend(&drawing->chart, &x, "lo", "filled: time on a CPU");
}

/* How many CPUs were busy, over time. */
static void draw_cpus(struct drawing *drawing)
{
	const struct boot *boot = drawing->view->boot;
	const struct activity *busy = &boot->busy;
	double points[2 * (2 * ACTIVITY_STEPS + 2)], bottom = HEAD + CHART, most = 1;
	unsigned first = 0;
	size_t count = 0;
	char text[64];

	if (!boot->knows_tasks)
		return;
	for (unsigned i = 0; i < ACTIVITY_STEPS; i++)
		most = fmax(most, ceil((double)busy->busy_ns[i] / (double)busy->step_ns - 0.02));
	while (first < ACTIVITY_STEPS && !busy->busy_ns[first])
		first++; /* before the first sched_switch nothing is known */
	for (unsigned i = first; i < ACTIVITY_STEPS; i++) {
		uint64_t from = busy->begin_ns + i * busy->step_ns, to = from + busy->step_ns;
		double y = bottom - (double)busy->busy_ns[i] / (double)busy->step_ns / most * (CHART - 6);

		if (from >= boot->last_ns)
			break;
		points[count++] = x_of(drawing, from);
		points[count++] = y;
		points[count++] = x_of(drawing, to < boot->last_ns ? to : boot->last_ns);
		points[count++] = y;
	}
	if (!count)
		return;
	points[count++] = x_of(drawing, boot->last_ns);
	points[count++] = bottom;
	points[count++] = points[0];
	points[count++] = bottom;
	svg_area(&drawing->chart.svg, points, count / 2, "c");
	snprintf(text, sizeof(text), "CPUs busy, up to %.0f of %" PRIu32, most, boot->schedule.nr_cpus);
	svg_text(&drawing->chart.svg, 16, HEAD + CHART / 2 + 4, "b", text);
	svg_line(&drawing->chart.svg, TIME_CHART_LABELS, bottom, TIME_CHART_WIDTH - TIME_CHART_RIGHT, bottom,
		"g0");
}

/* --- rows --- */

static void describe(const struct drawing *drawing, const struct waterfall_row *row, char *text, size_t room)
{
	const struct boot_view *view = drawing->view;
	uint64_t ns = row->to_ns - row->from_ns;
	int length = snprintf(text, room, "%s\nfrom %.6f s, %s", waterfall_label(view, row).text,
		(double)boot_view_since_ns(view, row->from_ns) / 1e9, human_ns(ns).text);

	if (length < 0 || (size_t)length >= room)
		return;
	text += length;
	room -= (size_t)length;
	if (row->stage && row->stage->knows_busy && ns)
		snprintf(text, room, "\n%.2f CPUs busy", (double)row->stage->busy_ns / (double)ns);
	if (row->process)
		snprintf(text, room, "\npid %" PRIu32 ", parent %s/%" PRIu32 "%s%s", row->process->pid,
			row->process->parent_comm, row->process->parent_pid,
			view->boot->knows_tasks ? "\non the CPU " : "",
			view->boot->knows_tasks ? human_ns(row->process->run_ns).text : "");
	if (!row->initcall)
		return;
	length = snprintf(text, room, "\nlevel %s, task %" PRIu32 " on CPU %" PRIu32 ", returned %" PRId32,
		boot_view_level(view, row->initcall->level), row->initcall->pid, row->initcall->cpu,
		row->initcall->ret);
	if (length > 0 && (size_t)length < room && view->boot->knows_tasks &&
		row->initcall->away_ns != INITCALL_AWAY_UNKNOWN)
		snprintf(text + length, room - (size_t)length, "\noff the CPU %s",
			human_ns(row->initcall->away_ns).text);
}

/* In a level's row: where its initcalls run, so that what is between them shows. */
static void draw_slices(struct drawing *drawing, const struct boot_stage *stage, double y)
{
	const struct initcalls *initcalls = &drawing->view->boot->initcalls;
	double drawn = 0;

	for (size_t i = 0; i < initcalls->nr_rows; i++) {
		const struct initcall *row = &initcalls->rows[i];
		double x = x_of(drawing, row->start_ns), width = x_of(drawing, row->end_ns) - x;

		if (row->level != stage->level || !row->end_ns || row->depth || !row->own)
			continue;
		if (width < SLICE_MIN_PX && x < drawn)
			continue; /* thousands of them: one stands for all within a pixel */
		svg_rect(&drawing->chart.svg, x, y + 4, fmax(width, SLICE_MIN_PX), TIME_CHART_BAR - 8, NULL,
			NULL);
		drawn = x + 1;
	}
}

/* What is below the grid: a stage's line, and its time behind the rows that belong to it. */
static void draw_ground(struct drawing *drawing, size_t number)
{
	static const char *const spans[] = {"sp0", "sp1", "sp2", "sp3"};
	static const char *const grounds[] = {"bg0", "bg1", "bg2", "bg3"};
	const struct waterfall *waterfall = &drawing->waterfall;
	const struct waterfall_row *row = &waterfall->rows[number];
	double y = time_chart_y(&drawing->chart, number) - 3;
	size_t behind = 0;

	while (number + 1 + behind < waterfall->nr_rows && !waterfall->rows[number + 1 + behind].stage)
		behind++;
	svg_rect(
		&drawing->chart.svg, 0, y, TIME_CHART_WIDTH, TIME_CHART_ROW, grounds[row->stage->kind], NULL);
	if (behind)
		svg_rect(&drawing->chart.svg, x_of(drawing, row->from_ns), y + TIME_CHART_ROW,
			time_chart_width(&drawing->chart, row->from_ns, row->to_ns),
			TIME_CHART_ROW * (double)behind, spans[row->stage->kind], NULL);
}

static void draw_stage(struct drawing *drawing, size_t number)
{
	static const char *const classes[] = {"st0", "st1", "st2", "st3"};
	const struct waterfall_row *row = &drawing->waterfall.rows[number];
	double y = time_chart_y(&drawing->chart, number);
	char text[512];

	describe(drawing, row, text, sizeof(text));
	svg_rect(&drawing->chart.svg, x_of(drawing, row->from_ns), y,
		time_chart_width(&drawing->chart, row->from_ns, row->to_ns), TIME_CHART_BAR,
		classes[row->stage->kind], text);
	if (row->stage->kind == BOOT_STAGE_LEVEL) {
		svg_group_begin(&drawing->chart.svg, "sl", text);
		draw_slices(drawing, row->stage, y);
		svg_group_end(&drawing->chart.svg);
	}
	time_chart_label(&drawing->chart, number, 0, "b", row->stage->name);
	time_chart_duration(&drawing->chart, number, row->from_ns, row->to_ns);
}

/* The filled part, step by step where it is known when it was. */
static void draw_filled(struct drawing *drawing, const struct waterfall_row *row, double y, const char *class)
{
	const struct boot *boot = drawing->view->boot;
	double x = x_of(drawing, row->from_ns),
	       width = time_chart_width(&drawing->chart, row->from_ns, row->to_ns), share;
	uint64_t step = boot->busy.step_ns, from = row->from_ns;

	if (!row->process || !row->process->activity || width < 3) {
		share = waterfall_activity(drawing->view, row, row->from_ns, row->to_ns);
		share = share < 0 ? 1 : fmin(share, 1);
		svg_rect(&drawing->chart.svg, x, y + TIME_CHART_BAR * (1 - share), width,
			TIME_CHART_BAR * share, class, NULL);
		return;
	}
	while (from < row->to_ns) {
		uint64_t to = boot->busy.begin_ns + ((from - boot->busy.begin_ns) / step + 1) * step;

		if (to > row->to_ns)
			to = row->to_ns;
		share = fmin(waterfall_activity(drawing->view, row, from, to), 1);
		if (share > 0.02)
			svg_rect(&drawing->chart.svg, x_of(drawing, from), y + TIME_CHART_BAR * (1 - share),
				x_of(drawing, to) - x_of(drawing, from), TIME_CHART_BAR * share, class, NULL);
		from = to;
	}
}

static void draw_row(struct drawing *drawing, size_t number)
{
	const struct waterfall_row *row = &drawing->waterfall.rows[number];
	const char *light = row->process ? "p0" : row->initcall->own ? "i0" : "m0";
	const char *filled = row->process ? "p1" : row->initcall->own ? "i1" : "m1";
	double y = time_chart_y(&drawing->chart, number), x = x_of(drawing, row->from_ns);
	double width = time_chart_width(&drawing->chart, row->from_ns, row->to_ns);
	char text[512];

	describe(drawing, row, text, sizeof(text));
	svg_group_begin(&drawing->chart.svg, NULL, text);
	time_chart_label(&drawing->chart, number, 18, NULL, waterfall_label(drawing->view, row).text);
	svg_rect(&drawing->chart.svg, x, y, width, TIME_CHART_BAR, light, NULL);
	draw_filled(drawing, row, y, filled);
	time_chart_duration(&drawing->chart, number, row->from_ns, row->to_ns);
	svg_group_end(&drawing->chart.svg);
}

static void draw_rows(struct drawing *drawing)
{
	const struct waterfall *waterfall = &drawing->waterfall;

	for (size_t i = 0; i < waterfall->nr_rows; i++)
		if (waterfall->rows[i].stage)
			draw_ground(drawing, i);
	time_chart_axis(&drawing->chart);
	draw_cpus(drawing);
	for (size_t i = 0; i < waterfall->nr_rows; i++)
		(waterfall->rows[i].stage ? draw_stage : draw_row)(drawing, i);
}

int boot_svg(const struct boot_view *view, const char *path, struct error *error)
{
	uint64_t total_ns = boot_total_ns(view->boot);
	const struct waterfall_options options = {
		.initcalls = view->top > ROWS_DEFAULT ? view->top : ROWS_DEFAULT,
		.processes = view->top > ROWS_DEFAULT ? view->top : ROWS_DEFAULT,
		.min_ns = total_ns / 1000,
	};
	struct drawing drawing = {.view = view};
	char title[128];
	int result;

	if (waterfall_init(&drawing.waterfall, view, &options) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	snprintf(title, sizeof(title), "Boot of %s", view->machine->name);
	time_chart_init(&drawing.chart, title, style, boot_begin_ns(view->boot), view->boot->last_ns, HEAD,
		CHART + 26, drawing.waterfall.nr_rows);
	draw_head(&drawing);
	draw_legend(&drawing);
	draw_rows(&drawing);
	result = svg_write(&drawing.chart.svg, path, error);
	time_chart_deinit(&drawing.chart);
	waterfall_deinit(&drawing.waterfall);
	return result;
}
