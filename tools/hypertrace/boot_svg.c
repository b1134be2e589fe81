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
#include "tools/hypertrace/svg.h"
#include "tools/hypertrace/waterfall.h"

#define WIDTH        1480.0
#define LABELS       290.0 /* where the time axis begins */
#define RIGHT        90.0  /* behind it, for durations */
#define ROW          19.0
#define BAR          13.0
#define TOP          104.0 /* where the CPUs' chart begins */
#define CHART        56.0
#define BOTTOM       44.0
#define ROWS_DEFAULT 60
#define TICKS        14
#define NARROWEST_PX 0.8 /* of a bar */
#define SLICE_MIN_PX 0.35

static const char style[] =
	".h{font-size:19px;font-weight:bold}.s{fill:#555}.d{fill:#555;font-size:11px}.e{text-anchor:end}"
	".m{text-anchor:middle;fill:#555;font-size:11px}.b{font-weight:bold}.g{stroke:#e4e4e4}.g0{stroke:#999}"
	".c{fill:#b9d2ea;stroke:#5b8db8;stroke-width:.7}.bg0{fill:#f2f2f2}.bg1{fill:#eef4fa}.bg2{fill:#eef4fa}"
	".bg3{fill:#edf6ee}.sp0{fill:#000;fill-opacity:.05}.sp1,.sp2{fill:#2f6fab;fill-opacity:.08}"
	".sp3{fill:#3a8a4a;fill-opacity:.08}.st0{fill:#b5b5b5}.st1{fill:#86b2d9}.st2{fill:#a9c9e8}.st3{fill:#86c294}"
	".sl{fill:#2460a0}.i0{fill:#fbd9a6}.i1{fill:#e8921c}.m0{fill:#f7c0a8}.m1{fill:#d6531f}"
	".p0{fill:#dccdec}.p1{fill:#7a4fae}\n";

struct drawing {
	struct svg svg;
	const struct boot_view *view;
	struct waterfall waterfall;
	double px_per_ns, height;
};

static double x_of(const struct drawing *drawing, uint64_t at_ns)
{
	return LABELS + (double)boot_view_since_ns(drawing->view, at_ns) * drawing->px_per_ns;
}

static double row_y(size_t number)
{
	return TOP + CHART + 26 + ROW * (double)number;
}

/* --- what stands around the bars --- */

static void draw_head(struct drawing *drawing)
{
	const struct boot_view *view = drawing->view;
	const struct boot *boot = view->boot;
	char text[512];

	snprintf(text, sizeof(text), "Boot of %s: %s", view->machine->name,
		human_ns(boot_total_ns(boot)).text);
	svg_text(&drawing->svg, 16, 30, "h", text);
	snprintf(text, sizeof(text),
		"%s%s%s%s initcalls in %s, %s of them of modules; %s programs executed; %s events, %s lost",
		view->machine->info->release[0] ? "Linux " : "", view->machine->info->release,
		view->machine->info->release[0] ? "; " : "", human_count(boot->initcalls.finished).text,
		human_ns(boot->initcalls.total_ns).text,
		human_count(boot->initcalls.finished - boot->initcalls.own).text,
		human_count(boot->processes.execs).text, human_count(boot->events).text,
		human_count(boot->lost).text);
	svg_text(&drawing->svg, 16, 50, "s", text);
}

static void draw_legend(struct drawing *drawing)
{
	static const struct {
		const char *class, *text;
	} items[] = {{"st1", "kernel"}, {"st2", "level of initcalls"}, {"sl", "an initcall runs"},
		{"st3", "user space"}, {"i1", "initcall, built in"}, {"m1", "initcall of a module"},
		{"p1", "program"}};
	double x = 16;

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		svg_rect(&drawing->svg, x, 64, 14, 12, items[i].class, NULL);
		svg_text(&drawing->svg, x + 20, 74, "s", items[i].text);
		x += 36 + svg_text_width(items[i].text, SVG_FONT_PX);
	}
	if (!drawing->view->boot->knows_tasks)
		return;
	svg_rect(&drawing->svg, x, 64, 14, 12, "p0", NULL);
	svg_rect(&drawing->svg, x, 70, 14, 6, "p1", NULL);
	svg_text(&drawing->svg, x + 20, 74, "s", "filled: time on a CPU");
}

static void draw_axis(struct drawing *drawing)
{
	double seconds = (double)boot_total_ns(drawing->view->boot) / 1e9,
	       step = svg_axis_step(seconds, TICKS);
	double bottom = row_y(drawing->waterfall.nr_rows) + 4;
	int digits = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);

	for (int i = 0; i * step <= seconds * (1 + 1e-9) && i <= 2 * TICKS; i++) {
		double x = LABELS + i * step * 1e9 * drawing->px_per_ns;
		char text[32];

		snprintf(text, sizeof(text), "%.*f s", digits, i * step);
		svg_line(&drawing->svg, x, TOP, x, bottom, i ? "g" : "g0");
		svg_text(&drawing->svg, x, TOP - 6, "m", text);
		svg_text(&drawing->svg, x, bottom + 14, "m", text);
	}
}

/* How many CPUs were busy, over time. */
static void draw_cpus(struct drawing *drawing)
{
	const struct boot *boot = drawing->view->boot;
	const struct activity *busy = &boot->busy;
	double points[2 * (2 * ACTIVITY_STEPS + 2)], bottom = TOP + CHART, most = 1;
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
	svg_area(&drawing->svg, points, count / 2, "c");
	snprintf(text, sizeof(text), "CPUs busy, up to %.0f of %" PRIu32, most, boot->schedule.nr_cpus);
	svg_text(&drawing->svg, 16, TOP + CHART / 2 + 4, "b", text);
	svg_line(&drawing->svg, LABELS, bottom, WIDTH - RIGHT, bottom, "g0");
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

static double bar_width(const struct drawing *drawing, uint64_t from_ns, uint64_t to_ns)
{
	return fmax(x_of(drawing, to_ns) - x_of(drawing, from_ns), NARROWEST_PX);
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
		svg_rect(&drawing->svg, x, y + 4, fmax(width, SLICE_MIN_PX), BAR - 8, NULL, NULL);
		drawn = x + 1;
	}
}

static void draw_stage(struct drawing *drawing, size_t number, size_t behind)
{
	static const char *const classes[] = {"st0", "st1", "st2", "st3"};
	static const char *const spans[] = {"sp0", "sp1", "sp2", "sp3"};
	static const char *const grounds[] = {"bg0", "bg1", "bg2", "bg3"};
	const struct waterfall_row *row = &drawing->waterfall.rows[number];
	double y = row_y(number), x = x_of(drawing, row->from_ns);
	double width = bar_width(drawing, row->from_ns, row->to_ns);
	char text[512];

	describe(drawing, row, text, sizeof(text));
	svg_rect(&drawing->svg, 0, y - 3, WIDTH, ROW, grounds[row->stage->kind], NULL);
	if (behind)
		svg_rect(&drawing->svg, x, y - 3 + ROW, width, ROW * (double)behind, spans[row->stage->kind],
			NULL);
	svg_rect(&drawing->svg, x, y, width, BAR, classes[row->stage->kind], text);
	if (row->stage->kind == BOOT_STAGE_LEVEL) {
		svg_group_begin(&drawing->svg, "sl", text);
		draw_slices(drawing, row->stage, y);
		svg_group_end(&drawing->svg);
	}
	svg_text_fit(&drawing->svg, 16, y + 11, "b", row->stage->name, LABELS - 30);
	svg_text(&drawing->svg, x + width + 5, y + 10.5, "d", human_ns(row->to_ns - row->from_ns).text);
}

/* The filled part, step by step where it is known when it was. */
static void draw_filled(struct drawing *drawing, const struct waterfall_row *row, double y, const char *class)
{
	const struct boot *boot = drawing->view->boot;
	double x = x_of(drawing, row->from_ns), width = bar_width(drawing, row->from_ns, row->to_ns), share;
	uint64_t step = boot->busy.step_ns, from = row->from_ns;

	if (!row->process || !row->process->activity || width < 3) {
		share = waterfall_activity(drawing->view, row, row->from_ns, row->to_ns);
		share = share < 0 ? 1 : fmin(share, 1);
		svg_rect(&drawing->svg, x, y + BAR * (1 - share), width, BAR * share, class, NULL);
		return;
	}
	while (from < row->to_ns) {
		uint64_t to = boot->busy.begin_ns + ((from - boot->busy.begin_ns) / step + 1) * step;

		if (to > row->to_ns)
			to = row->to_ns;
		share = fmin(waterfall_activity(drawing->view, row, from, to), 1);
		if (share > 0.02)
			svg_rect(&drawing->svg, x_of(drawing, from), y + BAR * (1 - share),
				x_of(drawing, to) - x_of(drawing, from), BAR * share, class, NULL);
		from = to;
	}
}

static void draw_row(struct drawing *drawing, size_t number)
{
	const struct waterfall_row *row = &drawing->waterfall.rows[number];
	const char *light = row->process ? "p0" : row->initcall->own ? "i0" : "m0";
	const char *filled = row->process ? "p1" : row->initcall->own ? "i1" : "m1";
	double y = row_y(number), x = x_of(drawing, row->from_ns);
	double width = bar_width(drawing, row->from_ns, row->to_ns);
	char text[512];

	describe(drawing, row, text, sizeof(text));
	svg_group_begin(&drawing->svg, NULL, text);
	svg_text_fit(&drawing->svg, 34, y + 11, NULL, waterfall_label(drawing->view, row).text, LABELS - 44);
	svg_rect(&drawing->svg, x, y, width, BAR, light, NULL);
	draw_filled(drawing, row, y, filled);
	svg_text(&drawing->svg, x + width + 5, y + 10.5, "d", human_ns(row->to_ns - row->from_ns).text);
	svg_group_end(&drawing->svg);
}

static void draw_rows(struct drawing *drawing)
{
	const struct waterfall *waterfall = &drawing->waterfall;

	for (size_t i = 0; i < waterfall->nr_rows; i++) {
		size_t behind = 0;

		while (waterfall->rows[i].stage && i + 1 + behind < waterfall->nr_rows &&
			!waterfall->rows[i + 1 + behind].stage)
			behind++;
		if (waterfall->rows[i].stage)
			draw_stage(drawing, i, behind);
	}
	draw_axis(drawing);
	draw_cpus(drawing);
	for (size_t i = 0; i < waterfall->nr_rows; i++)
		if (!waterfall->rows[i].stage)
			draw_row(drawing, i);
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
	drawing.px_per_ns = (WIDTH - LABELS - RIGHT) / (double)(total_ns ? total_ns : 1);
	snprintf(title, sizeof(title), "Boot of %s", view->machine->name);
	svg_init(&drawing.svg, WIDTH, row_y(drawing.waterfall.nr_rows) + BOTTOM, title, style);
	draw_head(&drawing);
	draw_legend(&drawing);
	draw_rows(&drawing);
	result = svg_write(&drawing.svg, path, error);
	svg_deinit(&drawing.svg);
	waterfall_deinit(&drawing.waterfall);
	return result;
}
