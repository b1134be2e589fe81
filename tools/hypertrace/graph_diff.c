/* SPDX-License-Identifier: MIT */
/* Two traces' functions by their names: which are called more or less, and take longer or shorter. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "tools/hypertrace/graph_views.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/joint_json.h"
#include "tools/hypertrace/table.h"

#define NAME_WIDTH    44
#define VERDICT_BYTES 512

/* What one side says of a function; several of one name together. */
struct side {
	uint64_t calls, self_ns, total_ns; /* self on a CPU, total as it passes */
};

struct change {
	struct graph_name name;
	struct side a, b;
};

struct comparison {
	const struct graph_machine *a, *b;
	bool timed; /* both are */
	struct side a_sum, b_sum;
	struct change *rows; /* the largest difference first */
	size_t nr_rows;
};

static int64_t change_ns(const struct change *row)
{
	return (int64_t)(row->b.self_ns - row->a.self_ns);
}

static int64_t change_calls(const struct change *row)
{
	return (int64_t)(row->b.calls - row->a.calls);
}

static uint64_t size_of(int64_t value)
{
	return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct change *)a)->name.text, ((const struct change *)b)->name.text);
}

static int compare_changes(const void *a, const void *b)
{
	const struct change *one = a, *other = b;
	const uint64_t ns = size_of(change_ns(one)), other_ns = size_of(change_ns(other));
	const uint64_t calls = size_of(change_calls(one)), other_calls = size_of(change_calls(other));

	if (ns != other_ns)
		return ns > other_ns ? -1 : 1;
	if (calls != other_calls)
		return calls > other_calls ? -1 : 1;
	return compare_names(a, b);
}

static void add_side(struct side *sum, const struct side *more)
{
	sum->calls += more->calls;
	sum->self_ns += more->self_ns;
	sum->total_ns += more->total_ns;
}

static void take_functions(struct comparison *comparison, const struct call_graph *graph, bool is_b)
{
	for (uint32_t i = 1; i < graph->nr_functions; i++) {
		const struct call_function *function = &graph->functions[i];
		struct change *row = &comparison->rows[comparison->nr_rows];
		struct side *side = is_b ? &row->b : &row->a;

		/* an address says nothing to another boot */
		if (!function->name || (!function->calls && !function->self.wall_ns))
			continue;
		row->name = graph_function_name(graph, i);
		side->calls = function->calls;
		side->self_ns = comparison->timed ? function->self.on_ns : 0;
		side->total_ns = comparison->timed ? function->total.wall_ns : 0;
		add_side(is_b ? &comparison->b_sum : &comparison->a_sum, side);
		comparison->nr_rows++;
	}
}

/* Rows of one name become one. */
static void join(struct comparison *comparison)
{
	size_t used = 0;

	qsort(comparison->rows, comparison->nr_rows, sizeof(*comparison->rows), compare_names);
	for (size_t i = 0; i < comparison->nr_rows; i++) {
		struct change *row = &comparison->rows[i], *last = used ? &comparison->rows[used - 1] : NULL;

		if (last && !strcmp(last->name.text, row->name.text)) {
			add_side(&last->a, &row->a);
			add_side(&last->b, &row->b);
		} else {
			comparison->rows[used++] = *row;
		}
	}
	comparison->nr_rows = used;
	qsort(comparison->rows, used, sizeof(*comparison->rows), compare_changes);
}

static int compare(const struct graph_diff *diff, struct comparison *comparison, struct error *error)
{
	*comparison = (struct comparison){
		.a = graph_only_machine(diff->a, diff->a_path, error),
	};
	if (comparison->a)
		comparison->b = graph_only_machine(diff->b, diff->b_path, error);
	if (!comparison->b)
		return error->code;
	comparison->timed = comparison->a->graph->timed && comparison->b->graph->timed;
	comparison->rows =
		calloc((size_t)comparison->a->graph->nr_functions + comparison->b->graph->nr_functions,
			sizeof(*comparison->rows));
	if (!comparison->rows)
		return error_set(error, -ENOMEM, "out of memory");
	take_functions(comparison, comparison->a->graph, false);
	take_functions(comparison, comparison->b->graph, true);
	join(comparison);
	return 0;
}

/* One line that says it all; raw. */
static void verdict(const struct comparison *comparison, char *text)
{
	const struct side *a = &comparison->a_sum, *b = &comparison->b_sum;
	const bool timed = comparison->timed;
	const int64_t whole = timed ? (int64_t)(b->self_ns - a->self_ns) : (int64_t)(b->calls - a->calls);
	const struct change *row = comparison->nr_rows ? &comparison->rows[0] : NULL;
	const int64_t first = row ? (timed ? change_ns(row) : change_calls(row)) : 0;
	int length;

	if (!whole && !first) {
		snprintf(text, VERDICT_BYTES, "B's functions %s",
			timed ? "were on CPUs as long as A's" : "have as many calls as A's");
		return;
	}
	length = snprintf(text, VERDICT_BYTES, "B's functions %s %s %s", timed ? "were on CPUs for" : "have",
		timed ? human_ns(size_of(whole)).text : human_count(size_of(whole)).text,
		timed               ? whole < 0 ? "less" : "longer"
			: whole < 0 ? "calls less"
				    : "calls more");
	if (!first || length < 0)
		return;
	length += snprintf(text + length, VERDICT_BYTES - (size_t)length, ": the most in %s", row->name.text);
	if (timed)
		length += snprintf(text + length, VERDICT_BYTES - (size_t)length, ", %s%s",
			first < 0 ? "-" : "+", human_ns(size_of(first)).text);
	snprintf(text + length, VERDICT_BYTES - (size_t)length, ", %s%s calls",
		change_calls(row) < 0 ? "-" : "+", human_count(size_of(change_calls(row))).text);
}

static uint64_t mean_ns(const struct side *side)
{
	return side->calls ? side->total_ns / side->calls : 0;
}

static void put_foreign(FILE *out, const char *text)
{
	char escaped[4 * VERDICT_BYTES];
	const size_t length = strlen(text);

	fwrite(escaped, 1, text_escape(escaped, text, length < VERDICT_BYTES ? length : VERDICT_BYTES), out);
}

static void put_side(FILE *out, char letter, const char *path, const struct graph_machine *machine,
	const struct side *sum, bool timed)
{
	fprintf(out, "  %c  %s%s%s calls  ", letter, timed ? human_ns(sum->self_ns).text : "",
		timed ? ", " : "", human_count(sum->calls).text);
	put_foreign(out, path);
	fputs(", ", out);
	put_foreign(out, machine->machine->name);
	if (machine->machine->info->release[0]) {
		fputs(", Linux ", out);
		put_foreign(out, machine->machine->info->release);
	}
	if (machine->graph->events.lost)
		fprintf(out, ", %s events lost", human_count(machine->graph->events.lost).text);
	fputc('\n', out);
}

static void put_row(struct table *table, const struct change *row, bool timed)
{
	const int64_t ns = change_ns(row), calls = change_calls(row);

	table_foreign(table, row->name.text, NAME_WIDTH);
	table_count(table, row->a.calls);
	table_count(table, row->b.calls);
	table_cell(table, "%s%s", calls < 0 ? "-" : calls ? "+" : "", human_count(size_of(calls)).text);
	if (!timed)
		return;
	table_ns(table, row->a.self_ns);
	table_ns(table, row->b.self_ns);
	table_cell(table, "%s%s", ns < 0 ? "-" : ns ? "+" : "", human_ns(size_of(ns)).text);
	table_ns(table, mean_ns(&row->a));
	table_ns(table, mean_ns(&row->b));
}

static bool has_changed(const struct change *row)
{
	return change_ns(row) || change_calls(row);
}

int graph_diff_text(const struct graph_diff *diff, FILE *out, bool colour, struct error *error)
{
	static const char *const timed[] = {"<function", "calls A", "calls B", "calls", "self A", "self B",
		"self", "mean A", "mean B", NULL};
	static const char *const counted[] = {"<function", "calls A", "calls B", "calls", NULL};
	cleanup_table struct table table = {0};
	struct comparison comparison;
	char line[VERDICT_BYTES];
	size_t changed = 0, shown;
	int result = compare(diff, &comparison, error);

	if (result) {
		free(comparison.rows);
		return result;
	}
	while (changed < comparison.nr_rows && has_changed(&comparison.rows[changed]))
		changed++;
	verdict(&comparison, line);
	fputs(colour ? "\033[1m" : "", out);
	put_foreign(out, line);
	fputs(colour ? "\033[0m\n" : "\n", out);
	put_side(out, 'A', diff->a_path, comparison.a, &comparison.a_sum, comparison.timed);
	put_side(out, 'B', diff->b_path, comparison.b, &comparison.b_sum, comparison.timed);
	shown = graph_view_shown(diff->b, changed);
	text_put_title(out, colour, "Functions", "%s of %s differ%s%s", human_count(changed).text,
		human_count(comparison.nr_rows).text, shown < changed ? "; the most" : "",
		comparison.timed ? "; self: on a CPU" : "");
	table_init(&table, comparison.timed ? timed : counted);
	for (size_t i = 0; i < shown; i++)
		put_row(&table, &comparison.rows[i], comparison.timed);
	if (shown)
		table_print(&table, out, colour);
	free(comparison.rows);
	return 0;
}

/* --- JSON --- */

static json_t *side_json(const struct side *side, bool timed)
{
	json_t *object = json_object();

	json_set_count(object, "calls", side->calls);
	if (timed) {
		json_set_count(object, "self_on_cpu_ns", side->self_ns);
		json_set_count(object, "total_ns", side->total_ns);
	}
	return object;
}

static json_t *trace_json(
	const char *path, const struct graph_machine *machine, const struct side *sum, bool timed)
{
	json_t *object = side_json(sum, timed);

	json_object_del(object, "total_ns"); /* of functions inside one another */
	json_set_text(object, "trace", path);
	json_set_text(object, "machine", machine->machine->name);
	json_set_text(object, "release", machine->machine->info->release);
	json_set_count(object, "lost", machine->graph->events.lost);
	return object;
}

int graph_diff_json(const struct graph_diff *diff, FILE *out, struct error *error)
{
	struct comparison comparison;
	char line[VERDICT_BYTES];
	json_t *document, *rows;
	int result = compare(diff, &comparison, error);

	if (result) {
		free(comparison.rows);
		return result;
	}
	verdict(&comparison, line);
	document = json_object();
	rows = json_array();
	json_set_text(document, "verdict", line);
	json_object_set_new(
		document, "a", trace_json(diff->a_path, comparison.a, &comparison.a_sum, comparison.timed));
	json_object_set_new(
		document, "b", trace_json(diff->b_path, comparison.b, &comparison.b_sum, comparison.timed));
	for (size_t i = 0; i < graph_view_shown(diff->b, comparison.nr_rows); i++) {
		const struct change *row = &comparison.rows[i];
		json_t *object;

		if (!has_changed(row))
			break;
		object = json_object();
		json_set_text(object, "function", row->name.text);
		json_object_set_new(object, "a", side_json(&row->a, comparison.timed));
		json_object_set_new(object, "b", side_json(&row->b, comparison.timed));
		json_object_set_new(object, "calls_difference", json_integer(change_calls(row)));
		if (comparison.timed)
			json_object_set_new(
				object, "self_on_cpu_ns_difference", json_integer(change_ns(row)));
		json_array_append_new(rows, object);
	}
	json_object_set_new(document, "functions", rows);
	free(comparison.rows);
	return json_write(document, 0, out) ? error_set(error, -ENOMEM, "out of memory") : 0;
}
