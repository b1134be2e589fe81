/* SPDX-License-Identifier: MIT */
/*
 * The call tree as a flame graph: a box is a function as called by the boxes below it, as wide as its share of the whole;
 * order from left to right means nothing. What a box stands for is its tooltip: no script is needed.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/hypertrace/graph_views.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/svg.h"

#define WIDTH     1200.0
#define MARGIN    10.0
#define HEAD      54.0
#define ROW       16.0
#define ROWS_MAX  96u
#define LABEL_MIN 30.0 /* pixels of a box with a label */
#define COLOURS   6u

static const char style[] =
	"rect{stroke:#fff;stroke-width:.5}g:hover>rect{stroke:#222;stroke-width:1.2}text{font-size:11px;pointer-events:none}"
	".t{font-size:16px}.s{fill:#666}.c0{fill:#f6b26b}.c1{fill:#f4c27f}.c2{fill:#efa15b}.c3{fill:#f2d091}"
	".c4{fill:#e8935a}.c5{fill:#f7dba7}.u{fill:#ddd}.r{fill:#cfdfee}\n";

struct flame {
	const struct graph_weights *weights;
	const struct graph_views *views;
	struct svg svg;
	double pixels; /* for one of the weight */
	uint64_t least;
	unsigned rows;
};

const struct graph_machine *graph_only_machine(
	const struct graph_view *view, const char *option, struct error *error)
{
	const struct graph_machine *found = NULL;
	unsigned count = 0;

	for (uint32_t i = 0; i < view->feed.nr_machines; i++)
		if (view->feed.machines[i].graph) {
			found = found ? found : &view->feed.machines[i];
			count++;
		}
	if (count == 1)
		return found;
	error_set(error, -EINVAL, "%s: %u machines have functions", option, count);
	error_hint(error, "choose one with --machine, such as --machine %s",
		found ? found->machine->name : "vm1");
	return NULL;
}

static uint64_t least_of(const struct graph_views *views, const struct graph_weights *weights)
{
	return (uint64_t)(views->min_share * (double)weights->sums[CALL_ROOT]);
}

/* How many rows what is drawn below a node takes. */
static unsigned measure_rows(const struct flame *flame, uint32_t node, unsigned depth)
{
	const struct call_graph *graph = flame->weights->graph;
	unsigned rows = depth;

	if (depth >= ROWS_MAX || (flame->views->depth && depth >= flame->views->depth))
		return depth;
	for (uint32_t child = graph->nodes[node].first_child; child; child = graph->nodes[child].next_sibling)
		if (flame->weights->sums[child] && flame->weights->sums[child] >= flame->least) {
			const unsigned below = measure_rows(flame, child, depth + 1);

			rows = below > rows ? below : rows;
		}
	return rows;
}

/* The same function has the same colour everywhere. */
static const char *colour_of(const char *name)
{
	static const char *const classes[COLOURS] = {"c0", "c1", "c2", "c3", "c4", "c5"};
	uint32_t hash = 2166136261u;

	if (name[0] == '[')
		return "u";
	while (*name)
		hash = (hash ^ (uint8_t)*name++) * 16777619u;
	return classes[(hash >> 16) % COLOURS];
}

static struct human weight_text(enum graph_measure measure, uint64_t weight)
{
	struct human human = measure == GRAPH_MEASURE_CALLS ? human_count(weight) : human_ns(weight);

	if (measure == GRAPH_MEASURE_CALLS && strlen(human.text) + 7 < sizeof(human.text))
		strcat(human.text, " calls");
	return human;
}

static void draw_box(struct flame *flame, uint32_t node, unsigned depth, double x)
{
	const struct graph_weights *weights = flame->weights;
	const struct call_node *place = call_graph_node(weights->graph, node);
	const struct graph_name name = graph_function_name(weights->graph, place->function);
	const uint64_t weight = weights->sums[node], own = graph_weights_own(weights, node);
	const double width = (double)weight * flame->pixels;
	const double y = HEAD + ROW * (flame->rows - 1 - depth);
	char tooltip[256];
	int length = snprintf(tooltip, sizeof(tooltip), "%s\n%s, %s", name.text,
		weight_text(weights->measure, weight).text,
		human_share(weight, weights->sums[CALL_ROOT]).text);

	if (weights->measure != GRAPH_MEASURE_CALLS && length > 0 && length < (int)sizeof(tooltip))
		snprintf(tooltip + length, sizeof(tooltip) - (size_t)length, "\n%s itself, %s calls",
			human_ns(own).text, human_count(place->calls).text);
	svg_group_begin(&flame->svg, NULL, tooltip);
	svg_rect(&flame->svg, x, y, width, ROW - 1, colour_of(name.text), NULL);
	if (width >= LABEL_MIN)
		svg_text_fit(&flame->svg, x + 3, y + ROW - 5, NULL, name.text, width - 4);
	svg_group_end(&flame->svg);
}

static void draw_below(struct flame *flame, uint32_t node, unsigned depth, double x)
{
	size_t count;
	uint32_t *children;

	if (depth >= flame->rows)
		return;
	children = graph_weights_children(flame->weights, node, flame->least, &count);
	for (size_t i = 0; i < count; i++) {
		draw_box(flame, children[i], depth, x);
		draw_below(flame, children[i], depth + 1, x);
		x += (double)flame->weights->sums[children[i]] * flame->pixels;
	}
	free(children);
}

static void draw_head(struct flame *flame, const struct graph_machine *machine)
{
	const struct graph_weights *weights = flame->weights;
	char line[256];

	snprintf(line, sizeof(line), "Functions of %.60s, by %s", machine->machine->name,
		graph_weights_name(weights));
	svg_text(&flame->svg, MARGIN, 22, "t", line);
	snprintf(line, sizeof(line),
		"%.80s%s%s in %s calls of %" PRIu32 " functions; what has less than %.4g %% is left out",
		machine->machine->info->release, machine->machine->info->release[0] ? ": " : "",
		weights->measure == GRAPH_MEASURE_CALLS ? "" : human_ns(weights->sums[CALL_ROOT]).text,
		human_count(machine->graph->calls).text, machine->graph->nr_functions - 1,
		flame->views->min_share * 100);
	svg_text(&flame->svg, MARGIN, 40, "s", line);
}

int graph_flame_svg(
	const struct graph_view *view, const struct graph_views *views, const char *path, struct error *error)
{
	const struct graph_machine *machine = graph_only_machine(view, "--flame", error);
	cleanup_graph_weights struct graph_weights weights = {0};
	struct flame flame = {.weights = &weights, .views = views};
	char title[128];
	int result;

	if (!machine)
		return error->code;
	if (graph_weights_init(&weights, machine->graph, views->measure))
		return error_set(error, -ENOMEM, "out of memory");
	flame.least = least_of(views, &weights);
	flame.pixels = weights.sums[CALL_ROOT] ? (WIDTH - 2 * MARGIN) / (double)weights.sums[CALL_ROOT] : 0;
	flame.rows = measure_rows(&flame, CALL_ROOT, 0);
	snprintf(title, sizeof(title), "Flame graph of %.100s", machine->machine->name);
	svg_init(&flame.svg, WIDTH, HEAD + ROW * flame.rows + MARGIN, title, style);
	draw_head(&flame, machine);
	draw_below(&flame, CALL_ROOT, 0, MARGIN);
	result = svg_write(&flame.svg, path, error);
	svg_deinit(&flame.svg);
	return result;
}

/* --- folded --- */

/* What separates functions and weights must not be in a name. */
static void put_folded_name(FILE *out, const char *name)
{
	for (; *name; name++)
		fputc(*name <= ' ' || *name == ';' || *name == 127 ? '_' : *name, out);
}

static void put_stack(FILE *out, const struct call_graph *graph, uint32_t node)
{
	uint32_t stack[CALL_STACKS_DEPTH + 2];
	size_t depth = 0;

	for (; node != CALL_ROOT && depth < sizeof(stack) / sizeof(stack[0]);
		node = graph->nodes[node].parent)
		stack[depth++] = node;
	while (depth--) {
		put_folded_name(out, graph_function_name(graph, graph->nodes[stack[depth]].function).text);
		fputc(depth ? ';' : ' ', out);
	}
}

int graph_folded(
	const struct graph_view *view, const struct graph_views *views, FILE *out, struct error *error)
{
	const struct graph_machine *machine = graph_only_machine(view, "--folded", error);
	cleanup_graph_weights struct graph_weights weights = {0};

	if (!machine)
		return error->code;
	if (graph_weights_init(&weights, machine->graph, views->measure))
		return error_set(error, -ENOMEM, "out of memory");
	for (uint32_t node = CALL_ROOT + 1; node < machine->graph->nr_nodes; node++) {
		const uint64_t own = graph_weights_own(&weights, node);

		if (!own)
			continue;
		put_stack(out, machine->graph, node);
		fprintf(out, "%" PRIu64 "\n", own);
	}
	return 0;
}
