/* SPDX-License-Identifier: MIT */
/* The verb graph: which functions the kernel called, in what order, and how long they took. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/graph_view.h"
#include "tools/hypertrace/graph_views.h"

#define TOP_DEFAULT   20
#define TOP_NOT_GIVEN UINT64_MAX

struct graph_options {
	struct graph_part part;
	struct graph_views views;
	const char *callers, *callees;
	uint64_t top, depth;
	unsigned sort; /* enum graph_sort + 1; 0: not given */
	bool report, json;
};

#define AT(member) offsetof(struct graph_options, member)

static const struct option_spec graph_specs[] = {
	GRAPH_PART_SPECS(struct graph_options),
	{'r', "report", NULL, OPTION_FLAG, AT(report),
		"sum up: calls, total and own time, percentiles of each function"},
	{0, "callers", "FUNC", OPTION_STRING, AT(callers), "who calls that function, and how often"},
	{0, "callees", "FUNC", OPTION_STRING, AT(callees), "whom that function calls, and what it takes"},
	GRAPH_VIEWS_SPECS(struct graph_options),
	{'s', "sort", "self|total|calls|mean|max|p99|name", OPTION_CHOICE, AT(sort),
		"what the rows of --report are sorted by; default self"},
	{'n', "top", "N", OPTION_UNSIGNED, AT(top),
		"rows of each table, 0 for all, default 20, with --json all; alone: the N most called functions, and which "
		"share of all calls they make"},
	{'d', "depth", "N", OPTION_UNSIGNED, AT(depth), "leave out calls below so many others; default all"},
	{0, "json", NULL, OPTION_FLAG, AT(json),
		"one JSON document; of calls: lines of JSON, one for each that is over; times in nanoseconds"},
	{0},
};

#undef AT

enum mode { MODE_TRACE, MODE_REPORT, MODE_TOP, MODE_CALLERS, MODE_CALLEES, MODE_VIEWS };

/* -EINVAL: more than one. */
static int choose_mode(const struct graph_options *options, enum mode *mode, struct error *error)
{
	int views = (int)graph_views_given(&options->views);
	int given = options->report + !!options->callers + !!options->callees + views;

	*mode = views                           ? MODE_VIEWS
		: options->report               ? MODE_REPORT
		: options->callers              ? MODE_CALLERS
		: options->callees              ? MODE_CALLEES
		: options->top != TOP_NOT_GIVEN ? MODE_TOP
						: MODE_TRACE;
	if (given <= 1)
		return 0;
	error_set(error, -EINVAL, "only one of --report, --callers, --callees, --tree, ... at a time");
	return error_hint(error, "each is a view of its own: run it twice");
}

static int show_text(const struct graph_view *view, const struct graph_options *options, enum mode mode)
{
	bool colour = isatty(STDOUT_FILENO);

	switch (mode) {
	case MODE_REPORT:
		graph_report_text(view, stdout, colour);
		return 0;
	case MODE_TOP:
		graph_top_text(view, stdout, colour);
		return 0;
	default:
		graph_callers_text(view, mode == MODE_CALLEES ? options->callees : options->callers,
			mode == MODE_CALLEES, stdout, colour);
		return 0;
	}
}

static int show_json(struct graph_view *view, const struct graph_options *options, enum mode mode)
{
	switch (mode) {
	case MODE_TOP:
		view->sort = GRAPH_BY_CALLS;
		return graph_report_json(view, stdout);
	case MODE_REPORT:
		return graph_report_json(view, stdout);
	default:
		return graph_callers_json(view, mode == MODE_CALLEES ? options->callees : options->callers,
			mode == MODE_CALLEES, stdout);
	}
}

/* *shown: the result is out; what is damaged is said after it. */
static int look(struct graph_view *view, const struct graph_options *options, enum mode mode, char **paths,
	bool *shown, struct error *error)
{
	const char *name = mode == MODE_CALLERS ? options->callers
		: mode == MODE_CALLEES          ? options->callees
						: NULL;
	int result;

	if (mode == MODE_TRACE) {
		const struct graph_trace_options trace = {.json = options->json, .depth = options->depth};

		result = graph_trace(&view->feed, &trace, stdout, error);
	} else if (mode == MODE_VIEWS) {
		result = graph_views_show(view, &options->views, &options->part, paths, options->json, error);
	} else {
		result = graph_feed_run(&view->feed, error);
		if (!result && name)
			result = graph_view_find(view, name, error);
		if (!result &&
			(options->json ? show_json(view, options, mode) : show_text(view, options, mode)))
			result = error_set(error, -ENOMEM, "out of memory");
	}
	if (result)
		return result;
	if (fflush(stdout) || ferror(stdout))
		return error_set(error, -EIO, "cannot write: %s", strerror(errno));
	*shown = true;
	return trace_damage_error(&view->feed.damage, error);
}

static int graph_run(const struct command *self, int argc, char **argv)
{
	struct graph_options options = {.top = TOP_NOT_GIVEN};
	struct graph_view view = {0};
	struct error error = {0};
	bool shown = false;
	enum mode mode;
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	options.views.depth = options.depth;
	if (result < 0 || choose_mode(&options, &mode, &error) ||
		graph_views_read(&options.views, argc, options.json, &error) ||
		graph_feed_parse(&view.feed, &options.part, &error))
		return show_error(&error, options.json, 2);
	view.top = options.top != TOP_NOT_GIVEN ? options.top
		: options.views.boot_level      ? GRAPH_LEVELS_TOP
		: options.json                  ? 0
						: TOP_DEFAULT;
	view.sort = options.sort ? (enum graph_sort)(options.sort - 1) : GRAPH_BY_SELF;
	result = graph_feed_open(&view.feed, options.views.diff ? 1 : argc, argv, &options.part, &error);
	if (!result)
		result = look(&view, &options, mode, argv, &shown, &error);
	graph_feed_deinit(&view.feed);
	if (result && shown && options.json)
		return 1; /* the document says what is damaged */
	return result ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_graph = {
	.name = "graph",
	.summary = "Show the kernel's functions: calls, times, callers",
	.synopsis = "[OPTION]... [TRACE]...",
	.description =
		"Reads a trace with events of functions, without TRACE hypertrace.data, and shows every call of the kernel in "
		"its place, indented by depth, with the time that it took and the part of that in which its task was on a CPU. "
		"The other views sum up.\n\n"
		"A stack is a task's: it goes with it from CPU to CPU, and what an interrupt does stands on top of what it "
		"interrupted. Where events were lost, a call whose end may be among them ends as not known, and what "
		"follows stands under [unknown]: no call is made up.\n\n"
		"Total is the time from entry to exit, of a recursive function the outermost; self is without what it called. "
		"Percentiles are those of the calls that returned, within 3.2 % of the true value; calls, total and max are exact. "
		"A trace that has entries only has calls and callers, and no times. One that has only calls that took "
		"long (--min-duration) has them in their places, too, but for the calls themselves: each is shown "
		"when it is over.\n\n"
		"If the trace has the guest's host in it (--host), times are also given without those in which the vCPU had no pCPU.",
	.examples =
		"  # every function of a command\n"
		"  hypertrace run --channel ftrace -e function_graph,sched -- ls && hypertrace graph | less\n"
		"  # where the time went\n"
		"  hypertrace graph t --report\n"
		"  # the page faults of one program\n"
		"  hypertrace graph t -F handle_mm_fault -f comm==postgres --report --sort total\n"
		"  # a stock kernel's whole boot: which functions in which initcall level, and as a drawing\n"
		"  hypertrace run --channel ftrace -F '*' --probe fgraph -o boot -- true\n"
		"  hypertrace graph boot --boot-level\n"
		"  hypertrace graph boot --flame boot.svg\n"
		"  # what made it slower?\n"
		"  hypertrace graph --diff before after\n"
		"  # p99 of a function for a script\n"
		"  hypertrace graph t --report --json | jq '.machines[].functions[] | [.function, .durations.p99_ns]'",
	.options = graph_specs,
	.run = graph_run,
};
