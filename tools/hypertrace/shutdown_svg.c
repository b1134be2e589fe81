/* SPDX-License-Identifier: MIT */
/*
 * A shutdown as a drawing: its stages, below each the calls that took long in it; the light part of a call's bar is
 * sleeping or waiting. Programs that ended stand below user space.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hypertrace/human.h"
#include "tools/hypertrace/shutdown_view.h"
#include "tools/hypertrace/time_chart.h"

#define HEAD     104.0
#define ROWS_MAX 200 /* below the stages */

static const char style[] =
	".bg{fill:#f1f4f8}.k0{fill:#86c294}.k1{fill:#e8921c}.k2{fill:#2f6fab}.k3{fill:#7a4fae}.k4{fill:#b04a4a}"
	".k5{fill:#b5b5b5}.w{fill:#fff;fill-opacity:.62}.o{stroke:#b04a4a;stroke-width:1.5;stroke-dasharray:3 2}"
	".r{fill:#b04a4a}\n";
static const char *const classes[] = {"k0", "k1", "k2", "k3", "k4", "k5"};

struct row {
	const struct shutdown_stage *stage;
	const struct shutdown_call *call;
	const struct boot_process *process;
	uint64_t from_ns, to_ns;
	enum shutdown_stage_kind kind;
};

struct drawing {
	struct time_chart chart;
	const struct shutdown_view *view;
	struct row *rows;
	size_t nr_rows, room;
};

static void add(struct drawing *drawing, struct row row)
{
	if (drawing->nr_rows < drawing->room)
		drawing->rows[drawing->nr_rows++] = row;
}

/* Of a stage: what is long enough to be seen, in the order of time. */
static void add_calls(struct drawing *drawing, const struct shutdown_stage *stage)
{
	const struct shutdown_graph *graph = &drawing->view->shutdown->graph;
	uint64_t total_ns = shutdown_view_total_ns(drawing->view);

	for (size_t i = 0; i < graph->nr_calls; i++) {
		const struct shutdown_call *call = &graph->calls[i];
		uint64_t end_ns = shutdown_view_end_ns(drawing->view, call->end_ns);

		if (shutdown_stage_has(stage, call) &&
			end_ns - call->start_ns >= total_ns / (call->helper ? 100 : 1000))
			add(drawing,
				(struct row){.call = call,
					.from_ns = call->start_ns,
					.to_ns = end_ns,
					.kind = stage->kind});
	}
}

static void add_programs(struct drawing *drawing)
{
	size_t nr;
	const struct boot_process **ended = shutdown_view_ended(drawing->view, &nr);

	for (size_t i = nr; i > 0; i--) {
		uint64_t begin_ns = boot_process_begin_ns(ended[i - 1]);

		if (begin_ns < drawing->chart.begin_ns)
			begin_ns = shutdown_begin_ns(drawing->view->shutdown);
		add(drawing,
			(struct row){.process = ended[i - 1],
				.from_ns = begin_ns,
				.to_ns = ended[i - 1]->end_ns,
				.kind = SHUTDOWN_STAGE_USER});
	}
	free(ended);
}

static int make_rows(struct drawing *drawing)
{
	const struct shutdown *shutdown = drawing->view->shutdown;

	drawing->room = SHUTDOWN_STAGES_MAX + ROWS_MAX;
	drawing->rows = calloc(drawing->room, sizeof(*drawing->rows));
	for (uint32_t i = 0; drawing->rows && i < shutdown->nr_stages; i++) {
		const struct shutdown_stage *stage = &shutdown->stages[i];

		add(drawing,
			(struct row){.stage = stage,
				.from_ns = stage->from_ns,
				.to_ns = stage->to_ns,
				.kind = stage->kind});
		if (stage->kind == SHUTDOWN_STAGE_USER)
			add_programs(drawing);
		else
			add_calls(drawing, stage);
	}
	return drawing->rows ? 0 : -ENOMEM;
}

static void describe(const struct drawing *drawing, const struct row *row, char *text, size_t room)
{
	const struct shutdown_view *view = drawing->view;
	const char *name = row->stage ? row->stage->name : row->process ? row->process->comm : NULL;
	struct shutdown_name function = shutdown_view_function(view,
		row->call            ? row->call->func
			: row->stage ? row->stage->func
				     : 0);
	int length = snprintf(text, room, "%s\nfrom %.6f s, %s", name ? name : function.text,
		(double)shutdown_view_since_ns(view, row->from_ns) / 1e9,
		human_ns(row->to_ns - row->from_ns).text);

	if (length < 0 || (size_t)length >= room)
		return;
	text += length;
	room -= (size_t)length;
	if (row->stage && row->stage->func)
		snprintf(text, room, "\n%s%s", function.text,
			row->stage->open ? ": the machine stopped inside" : "");
	if (row->process)
		snprintf(text, room, "\npid %" PRIu32 ", parent %s/%" PRIu32, row->process->pid,
			row->process->parent_comm, row->process->parent_pid);
	if (row->call && row->call->waiter)
		snprintf(text, room, "\nwaited %s, mostly in %s", human_ns(row->call->wait_ns).text,
			shutdown_view_function(view, row->call->waiter).text);
	else if (row->call && !row->call->end_ns)
		snprintf(text, room, "\nthe machine stopped inside");
}

static void draw_row(struct drawing *drawing, size_t number)
{
	const struct row *row = &drawing->rows[number];
	double x = time_chart_x(&drawing->chart, row->from_ns), y = time_chart_y(&drawing->chart, number);
	double width = time_chart_width(&drawing->chart, row->from_ns, row->to_ns);
	bool open = row->stage ? row->stage->open : row->call && !row->call->end_ns;
	char text[512];

	describe(drawing, row, text, sizeof(text));
	svg_group_begin(&drawing->chart.svg, NULL, text);
	svg_rect(&drawing->chart.svg, x, y, width, TIME_CHART_BAR, classes[row->kind], NULL);
	if (row->call && row->call->wait_ns)
		svg_rect(&drawing->chart.svg, x, y,
			width * (double)row->call->wait_ns / (double)(row->to_ns - row->from_ns + 1),
			TIME_CHART_BAR - 4, "w", NULL);
	if (open)
		svg_line(&drawing->chart.svg, x + width, y - 2, x + width, y + TIME_CHART_BAR + 2, "o");
	time_chart_label(&drawing->chart, number, row->stage ? 0 : 18, row->stage ? "b" : NULL,
		row->stage             ? row->stage->name
			: row->process ? row->process->comm
				       : shutdown_view_call(drawing->view, row->call).text);
	time_chart_duration(&drawing->chart, number, row->from_ns, row->to_ns);
	svg_group_end(&drawing->chart.svg);
}

static void draw_legend(struct drawing *drawing)
{
	static const char *const texts[] = {"user space", "reboot notifiers", "device callbacks",
		"system core", "machine", "kernel, other"};
	double x = 16;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		time_chart_legend(&drawing->chart, &x, classes[i], texts[i]);
	svg_rect(&drawing->chart.svg, x, 64, 14, 12, "k1", NULL);
	time_chart_legend(&drawing->chart, &x, "w", "light: share of sleeps and waits");
}

static void draw(struct drawing *drawing)
{
	const struct shutdown_view *view = drawing->view;
	struct shutdown_name open = shutdown_view_open(view);
	char title[160], below[512];

	snprintf(title, sizeof(title), "Shutdown of %s: %s", view->machine->name,
		human_ns(shutdown_view_total_ns(view)).text);
	snprintf(below, sizeof(below), "%s%s%s%s events, %s lost%s%s",
		view->machine->info->release[0] ? "Linux " : "", view->machine->info->release,
		view->machine->info->release[0] ? "; " : "", human_count(view->shutdown->events).text,
		human_count(view->shutdown->lost).text, open.text[0] ? "; the machine stopped inside " : "",
		open.text);
	time_chart_head(&drawing->chart, title, below);
	draw_legend(drawing);
	for (size_t i = 0; i < drawing->nr_rows; i++)
		if (drawing->rows[i].stage)
			svg_rect(&drawing->chart.svg, 0, time_chart_y(&drawing->chart, i) - 3,
				TIME_CHART_WIDTH, TIME_CHART_ROW, "bg", NULL);
	time_chart_axis(&drawing->chart);
	for (size_t i = 0; i < drawing->nr_rows; i++)
		draw_row(drawing, i);
}

int shutdown_svg(const struct shutdown_view *view, const char *path, struct error *error)
{
	struct drawing drawing = {.view = view};
	char title[128];
	int result;

	if (make_rows(&drawing) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	snprintf(title, sizeof(title), "Shutdown of %s", view->machine->name);
	time_chart_init(&drawing.chart, title, style, shutdown_begin_ns(view->shutdown),
		view->shutdown->last_ns, HEAD, 12, drawing.nr_rows);
	draw(&drawing);
	result = svg_write(&drawing.chart.svg, path, error);
	time_chart_deinit(&drawing.chart);
	free(drawing.rows);
	return result;
}
