/* SPDX-License-Identifier: MIT */
/* The states of vCPUs over time, as a drawing: a row for each vCPU. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/analysis/capped_table.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/time_chart.h"
#include "tools/hypertrace/vcpu_view.h"

#define HEAD       104.0
#define ABOVE      6.0
#define STRIPS_MAX (1u << 22) /* of all vCPUs: 64 MiB */

/* What is drawn of an interval. */
struct strip {
	uint64_t from_ns;
	uint32_t length_ns;  /* saturates: longer ones are cut into several */
	uint16_t state, row; /* row: the vCPU's number */
};

struct vcpu_strips {
	struct strip *strips;
	size_t count, room;
	bool full; /* of intervals, or memory: what came later is missing */
	uint64_t until_ns;
};

static const char style[] =
	".v0{fill:#e3e3e3}.v1{fill:#4f9d5b}.v2{fill:#e8921c}.v3{fill:#c9569e}.v4{fill:#dbe9f6}.v5{fill:#9db8d2}"
	".v6{fill:#cc2a1e}.v7{fill:#f0776c}.v8{fill:#9cc9a4}\n";

struct vcpu_strips *vcpu_strips_create(void)
{
	return calloc(1, sizeof(struct vcpu_strips));
}

void vcpu_strips_destroy(struct vcpu_strips *strips)
{
	if (strips)
		free(strips->strips);
	free(strips);
}

static bool make_room(struct vcpu_strips *strips)
{
	size_t room = strips->room ? 2 * strips->room : 4096;
	struct strip *more;

	if (strips->count < strips->room)
		return true;
	more = room <= STRIPS_MAX ? reallocarray(strips->strips, room, sizeof(*more)) : NULL;
	if (!more)
		return false;
	strips->strips = more;
	strips->room = room;
	return true;
}

void vcpu_strips_add(struct vcpu_strips *strips, const struct vcpu_interval *interval)
{
	uint64_t from_ns = interval->from_ns;

	while (from_ns < interval->to_ns && !strips->full && interval->vcpu <= UINT16_MAX) {
		uint64_t length_ns = interval->to_ns - from_ns;

		if (length_ns > UINT32_MAX)
			length_ns = UINT32_MAX;
		if (!make_room(strips)) {
			strips->full = true;
			strips->until_ns = from_ns;
			return;
		}
		strips->strips[strips->count++] = (struct strip){
			from_ns, (uint32_t)length_ns, (uint16_t)interval->state, (uint16_t)interval->vcpu};
		from_ns += length_ns;
	}
}

struct drawing {
	struct time_chart chart;
	const struct vcpu_view *view;
	size_t *row_of; /* by vCPU; SIZE_MAX: none */
};

/*
 * What is narrower than a pixel would be millions of rectangles: each pixel column of a row gets the time of each
 * state in it, stacked. So short exits show as how much of the time they take.
 */
struct column {
	float ns[VCPU_STATES];
};

static void add_to_columns(struct column *columns, size_t nr_columns, double ns_per_column, double from,
	double length, unsigned state)
{
	double at = from, end = from + length;

	for (size_t i = (size_t)(from / ns_per_column); i < nr_columns && at < end; i++) {
		double edge = (double)(i + 1) * ns_per_column, to = end < edge ? end : edge;

		columns[i].ns[state] += (float)(to - at);
		at = to;
	}
}

static const enum vcpu_state stack[VCPU_STATES] = {VCPU_GUEST, VCPU_RUNNING, VCPU_EXIT, VCPU_USER,
	VCPU_PREEMPTED, VCPU_WAITING, VCPU_BLOCKED, VCPU_HALTED, VCPU_UNKNOWN};

/* Equal neighbours are one rectangle. */
static void draw_row(struct drawing *drawing, size_t row, const struct column *columns, size_t nr_columns)
{
	double y = time_chart_y(&drawing->chart, row);

	for (size_t i = 0; i < nr_columns;) {
		size_t next = i + 1;
		float all = 0, below = 0;

		while (next < nr_columns && !memcmp(&columns[next], &columns[i], sizeof(*columns)))
			next++;
		for (int s = 0; s < VCPU_STATES; s++)
			all += columns[i].ns[s];
		for (int s = 0; s < VCPU_STATES && all > 0; s++) {
			float share = columns[i].ns[stack[s]] / all;
			char class[4] = {'v', (char)('0' + stack[s]), 0};

			if (share <= 0)
				continue;
			svg_rect(&drawing->chart.svg, TIME_CHART_LABELS + (double)i,
				y + TIME_CHART_BAR * (double)(1 - below - share), (double)(next - i),
				TIME_CHART_BAR * (double)share, class, NULL);
			below += share;
		}
		i = next;
	}
}

static void draw_vcpu(
	struct drawing *drawing, uint32_t vcpu, size_t row, struct column *columns, size_t nr_columns)
{
	const struct vcpu_strips *strips = drawing->view->strips;
	double ns_per_column = 1 / drawing->chart.px_per_ns;

	memset(columns, 0, nr_columns * sizeof(*columns));
	for (size_t i = 0; i < strips->count; i++) {
		const struct strip *strip = &strips->strips[i];

		if (strip->row == vcpu && strip->from_ns >= drawing->chart.begin_ns)
			add_to_columns(columns, nr_columns, ns_per_column,
				(double)(strip->from_ns - drawing->chart.begin_ns), strip->length_ns,
				strip->state);
	}
	draw_row(drawing, row, columns, nr_columns);
	time_chart_label(&drawing->chart, row, 0, "b", joint_feed_vcpu(&drawing->view->feed, vcpu).text);
}

static void draw_legend(struct drawing *drawing)
{
	static const char *const texts[VCPU_STATES] = {
		[VCPU_UNKNOWN] = "not known",
		[VCPU_GUEST] = "guest code",
		[VCPU_EXIT] = "exit",
		[VCPU_USER] = "VMM",
		[VCPU_HALTED] = "halted",
		[VCPU_BLOCKED] = "blocked",
		[VCPU_PREEMPTED] = "preempted",
		[VCPU_WAITING] = "waiting",
		[VCPU_RUNNING] = "on a pCPU",
	};
	double x = 16;

	for (int i = 0; i < VCPU_STATES; i++) {
		char class[4] = {'v', (char)('0' + stack[i]), 0};

		time_chart_legend(&drawing->chart, &x, class, texts[stack[i]]);
	}
}

static int draw(struct drawing *drawing, const uint32_t *order, size_t count)
{
	size_t nr_columns = (size_t)(TIME_CHART_WIDTH - TIME_CHART_LABELS - TIME_CHART_RIGHT), row = 0;
	struct column *columns = calloc(nr_columns, sizeof(*columns));

	if (!columns)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (drawing->view->feed.joint->vcpus[order[i]].wanted)
			draw_vcpu(drawing, order[i], row++, columns, nr_columns);
	free(columns);
	return 0;
}

int vcpu_svg(const struct vcpu_view *view, const char *path, struct error *error)
{
	const struct joint *joint = view->feed.joint;
	struct drawing drawing = {.view = view};
	size_t count, rows = 0;
	uint32_t *order = joint_feed_sorted(&view->feed, &count);
	char title[128], below[256];
	int result;

	for (size_t i = 0; i < count; i++)
		rows += joint->vcpus[order[i]].wanted;
	snprintf(title, sizeof(title), "vCPUs: %s",
		human_ns(joint_end_ns(joint) - joint_start_ns(joint)).text);
	snprintf(below, sizeof(below), "%zu vCPU%s, a column is %s, filled by the share of each state%s%s",
		rows, rows == 1 ? "" : "s",
		human_ns((uint64_t)((double)(joint_end_ns(joint) - joint_start_ns(joint)) /
				 (TIME_CHART_WIDTH - TIME_CHART_LABELS - TIME_CHART_RIGHT)))
			.text,
		view->strips->full ? "; too much to draw: nothing from there on: " : "",
		view->strips->full ? joint_feed_when(&view->feed, view->strips->until_ns).text : "");
	time_chart_init(
		&drawing.chart, title, style, joint_start_ns(joint), joint_end_ns(joint), HEAD, ABOVE, rows);
	time_chart_head(&drawing.chart, title, below);
	draw_legend(&drawing);
	time_chart_axis(&drawing.chart);
	result = order ? draw(&drawing, order, count) : -ENOMEM;
	result = result ? error_set(error, result, "out of memory")
			: svg_write(&drawing.chart.svg, path, error);
	time_chart_deinit(&drawing.chart);
	free(order);
	return result;
}
