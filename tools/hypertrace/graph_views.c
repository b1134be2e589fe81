/* SPDX-License-Identifier: MIT */
/* Which of the further views of `hypertrace graph` is asked for, and with what. */
#include "tools/hypertrace/graph_views.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define TREE_SHARE  0.01
#define FLAME_SHARE 0.0005 /* half a pixel */

unsigned graph_views_given(const struct graph_views *views)
{
	return views->tree + views->folded + views->diff + views->boot_level + (views->flame != NULL);
}

static int read_share(struct graph_views *views, struct error *error)
{
	char *end;
	double percent;

	views->min_share = views->flame ? FLAME_SHARE : TREE_SHARE;
	if (!views->least)
		return 0;
	percent = strtod(views->least, &end);
	if (end != views->least && (!*end || (*end == '%' && !end[1])) && percent >= 0 && percent <= 100) {
		views->min_share = percent / 100;
		return 0;
	}
	error_set(error, -EINVAL, "--least %s: no percentage", views->least);
	return error_hint(error, "for example --least 0.1");
}

int graph_views_read(struct graph_views *views, int operands, bool json, struct error *error)
{
	views->measure = views->by ? (enum graph_measure)(views->by - 1) : GRAPH_MEASURE_CPU;
	if (views->diff && operands != 2) {
		error_set(error, -EINVAL, "--diff compares two traces, not %d", operands);
		return error_hint(error, "hypertrace graph --diff BEFORE AFTER");
	}
	if (json && (views->flame || views->folded)) {
		error_set(error, -EINVAL, "%s: no --json", views->flame ? "--flame" : "--folded");
		return error_hint(error, "--tree --json has the call tree");
	}
	if ((views->by || views->least) && !views->tree && !views->flame && !views->folded) {
		error_set(error, -EINVAL, "%s is for --tree, --flame and --folded",
			views->by ? "--by" : "--least");
		return error_hint(error, "leave it out");
	}
	return read_share(views, error);
}

static int show_diff(const struct graph_view *a, const struct graph_part *part, char **paths, bool json,
	struct error *error)
{
	struct graph_view b = {.sort = a->sort, .top = a->top};
	const struct graph_diff diff = {.a = a, .b = &b, .a_path = paths[0], .b_path = paths[1]};
	int result = graph_feed_parse(&b.feed, part, error);

	if (!result)
		result = graph_feed_open(&b.feed, 1, paths + 1, part, error);
	if (!result)
		result = graph_feed_run(&b.feed, error);
	if (!result)
		result = json ? graph_diff_json(&diff, stdout, error)
			      : graph_diff_text(&diff, stdout, isatty(STDOUT_FILENO), error);
	if (!result)
		result = trace_damage_error(&b.feed.damage, error);
	graph_feed_deinit(&b.feed);
	return result;
}

int graph_views_show(struct graph_view *view, const struct graph_views *views, const struct graph_part *part,
	char **paths, bool json, struct error *error)
{
	const bool colour = isatty(STDOUT_FILENO);
	int result;

	if (views->boot_level)
		return graph_levels(view, stdout, json, colour, error);
	result = graph_feed_run(&view->feed, error);
	if (result)
		return result;
	if (views->diff)
		return show_diff(view, part, paths, json, error);
	if (views->flame)
		return graph_flame_svg(view, views, views->flame, error);
	if (views->folded)
		return graph_folded(view, views, stdout, error);
	result = json ? graph_tree_json(view, views, stdout) : graph_tree_text(view, views, stdout, colour);
	return result ? error_set(error, result, "out of memory") : 0;
}
