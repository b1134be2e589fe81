/* SPDX-License-Identifier: MIT */
/* Further views of `hypertrace graph`: the tree, drawn or as text, two traces compared, and a boot's levels. */
#pragma once
#include "tools/hypertrace/graph_view.h"
#include "tools/hypertrace/graph_weight.h"

/* What the user gives for them. */
struct graph_views {
	bool tree, folded, diff, boot_level;
	const char *flame, *least;
	unsigned by; /* enum graph_measure + 1; 0: not given */
	/* read from these by graph_views_read() */
	enum graph_measure measure;
	double min_share; /* of the whole: what has less is left out, 0..1 */
	uint64_t depth;   /* so many calls below one another are shown; 0: all */
};

/* clang-format off */
#define GRAPH_VIEWS_SPECS(type) \
	{0, "tree", NULL, OPTION_FLAG, offsetof(type, views.tree), \
		"the merged call tree: what was called by what, the heaviest first"}, \
	{0, "flame", "FILE", OPTION_STRING, offsetof(type, views.flame), \
		"draw the call tree as a flame graph (SVG), of one machine, to look at in a browser"}, \
	{0, "folded", NULL, OPTION_FLAG, offsetof(type, views.folded), \
		"the call tree as lines 'outer;inner WEIGHT', which other flame graph tools take"}, \
	{0, "by", "cpu|wall|calls", OPTION_CHOICE, offsetof(type, views.by), \
		"what --tree, --flame and --folded weigh: time on a CPU (default; idling has none), time as it passes, calls"}, \
	{0, "least", "PERCENT", OPTION_STRING, offsetof(type, views.least), \
		"leave out of --tree and --flame what has less of the whole; default 1 and 0.05"}, \
	{0, "boot-level", NULL, OPTION_FLAG, offsetof(type, views.boot_level), \
		"a boot's functions by its stages: initcall levels, and what lies before, between and after"}, \
	{0, "diff", NULL, OPTION_FLAG, offsetof(type, views.diff), \
		"compare two traces, A and B: which functions are called more or less, take longer or shorter"}
/* clang-format on */

/* How many of the views are asked for. */
unsigned graph_views_given(const struct graph_views *views);

/* Before any file is touched. -EINVAL: what is wrong, with a hint. */
int graph_views_read(struct graph_views *views, int operands, bool json, struct error *error);

/* Shows the one that is asked for; view->feed is open, of the first operand only with --diff. Errors of those below. */
int graph_views_show(struct graph_view *view, const struct graph_views *views, const struct graph_part *part,
	char **paths, bool json, struct error *error);

/* --- graph_tree.c. -ENOMEM --- */

int graph_tree_text(const struct graph_view *view, const struct graph_views *views, FILE *out, bool colour);
int graph_tree_json(const struct graph_view *view, const struct graph_views *views, FILE *out);

/* --- graph_flame.c: of one machine. -EINVAL: there are several; -ENOMEM; errors of the file --- */

int graph_flame_svg(const struct graph_view *view, const struct graph_views *views, const char *path,
	struct error *error);

/* Lines "outermost;…;innermost WEIGHT", as flame graph tools take them: ns or calls. -EINVAL, -ENOMEM. */
int graph_folded(
	const struct graph_view *view, const struct graph_views *views, FILE *out, struct error *error);

/* The only machine with functions. NULL: there are several, and `option` takes one: -EINVAL. */
const struct graph_machine *graph_only_machine(
	const struct graph_view *view, const char *option, struct error *error);

/* --- graph_diff.c: functions of two traces, by their names --- */

struct graph_diff {
	const struct graph_view *a, *b; /* with one machine each */
	const char *a_path, *b_path;
};

/* -EINVAL: several machines in one; -ENOMEM. */
int graph_diff_text(const struct graph_diff *diff, FILE *out, bool colour, struct error *error);
int graph_diff_json(const struct graph_diff *diff, FILE *out, struct error *error);

/* --- graph_levels.c: in place of graph_feed_run() --- */

#define GRAPH_LEVELS_TOP SIZE_MAX /* view->top: some of each level; of the JSON document all */

/* Makes the call graph, and shows it by levels. -ENOENT: the trace holds no boot; others of graph_feed_run(). */
int graph_levels(struct graph_view *view, FILE *out, bool json, bool colour, struct error *error);
