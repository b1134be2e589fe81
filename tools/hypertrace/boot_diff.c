/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/boot_diff.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "lib/analysis/boot_compare.h"
#include "tools/hypertrace/boot_text.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/json_put.h"
#include "tools/hypertrace/table.h"
#include "tools/hypertrace/text_put.h"

#define NAME_WIDTH    56
#define VERDICT_BYTES 512

static int compare(const struct boot_diff *diff, struct boot_comparison *comparison)
{
	const struct boot_view *views[] = {diff->a, diff->b};
	struct boot_side sides[2];

	for (int i = 0; i < 2; i++)
		sides[i] = (struct boot_side){
			views[i]->boot, &views[i]->machine->names, views[i]->machine->info->kaslr_offset};
	return boot_compare(comparison, &sides[0], &sides[1]);
}

static uint64_t size_of(int64_t ns)
{
	return ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
}

static struct human signed_ns(int64_t ns)
{
	struct human human;

	snprintf(human.text, sizeof(human.text), "%s%.28s",
		ns < 0       ? "-"
			: ns ? "+"
			     : "",
		human_ns(size_of(ns)).text);
	return human;
}

static const char *kind_name(enum boot_change_kind kind)
{
	static const char *const names[] = {
		[BOOT_CHANGE_STAGE] = "stage",
		[BOOT_CHANGE_INITCALL] = "initcall",
		[BOOT_CHANGE_PROGRAM] = "program",
	};

	return names[kind];
}

/* One line that says it all; raw. */
static void verdict(const struct boot_diff *diff, const struct boot_comparison *comparison, char *text)
{
	int64_t whole_ns = (int64_t)(comparison->b_total_ns - comparison->a_total_ns);
	const struct boot_change *cause = boot_comparison_cause(comparison, diff->threshold_ns);
	int length;

	if (size_of(whole_ns) < diff->threshold_ns || !whole_ns) {
		snprintf(text, VERDICT_BYTES, "B's boot took as long as A's, %s, within %s",
			human_ns(comparison->b_total_ns).text, human_ns(size_of(whole_ns)).text);
		return;
	}
	length = snprintf(text, VERDICT_BYTES, "B's boot took %s %s", human_ns(size_of(whole_ns)).text,
		whole_ns > 0 ? "longer" : "less");
	if (!cause)
		snprintf(text + length, VERDICT_BYTES - (size_t)length, ", and nothing in it changed by %s",
			human_ns(diff->threshold_ns).text);
	else
		snprintf(text + length, VERDICT_BYTES - (size_t)length, ": %s%s in %s %s%s",
			size_of(boot_change_ns(cause)) < size_of(whole_ns) / 2 ? "most in one place, " : "",
			human_ns(size_of(boot_change_ns(cause))).text, kind_name(cause->kind), cause->name,
			!cause->in_a           ? ", which is new"
				: !cause->in_b ? ", which is gone"
					       : "");
}

/* --- text --- */

static void head_side(const struct boot_text *text, const char *letter, const char *path,
	const struct boot_view *view, uint64_t total_ns)
{
	fprintf(text->out, "  %s  %-8s  ", letter, human_ns(total_ns).text);
	text_put_foreign_bytes(text->out, path, strlen(path));
	fputs(", ", text->out);
	text_put_foreign_bytes(text->out, view->machine->name, strlen(view->machine->name));
	if (view->machine->info->release[0]) {
		fputs(", Linux ", text->out);
		text_put_foreign_bytes(
			text->out, view->machine->info->release, strlen(view->machine->info->release));
	}
	if (view->boot->lost)
		fprintf(text->out, ", %s events lost", human_count(view->boot->lost).text);
	if (view->boot->until[0] && !view->boot->until_found) {
		fputs(", no program ", text->out);
		text_put_foreign_bytes(text->out, view->boot->until, strlen(view->boot->until));
		fputs(" was executed", text->out);
	}
	fputc('\n', text->out);
}

static void head(
	const struct boot_text *text, const struct boot_diff *diff, const struct boot_comparison *comparison)
{
	char line[VERDICT_BYTES];

	verdict(diff, comparison, line);
	fputs(text->colour ? "\033[1m" : "", text->out);
	text_put_foreign_bytes(text->out, line, strlen(line));
	fputs(text->colour ? "\033[0m\n" : "\n", text->out);
	head_side(text, "A", diff->a_path, diff->a, comparison->a_total_ns);
	head_side(text, "B", diff->b_path, diff->b, comparison->b_total_ns);
	if (!comparison->from_power_on)
		fputs("  from the first event on\n", text->out);
}

static void put_name(struct table *table, const struct boot_change *row)
{
	char name[sizeof(row->name) + 16];

	snprintf(name, sizeof(name), "%s", row->name);
	if (row->number > 1)
		snprintf(name + strlen(name), 16, " (%" PRIu32 ")", row->number);
	table_foreign(table, name, NAME_WIDTH);
}

static void put_change(struct table *table, const struct boot_change *row)
{
	put_name(table, row);
	table_cell(table, "%s", row->in_a ? human_ns(row->a_ns).text : "-");
	table_cell(table, "%s", row->in_b ? human_ns(row->b_ns).text : "-");
	table_cell(table, "%s", signed_ns(boot_change_ns(row)).text);
}

static void view_changes(const struct boot_text *text, const struct boot_diff *diff,
	const struct boot_comparison *comparison, enum boot_change_kind kind, const char *title)
{
	static const char *const headers[] = {"<name", "A", "B", "difference", NULL};
	const struct boot_change *rows = comparison->rows[kind];
	size_t nr = comparison->nr_rows[kind], changed = 0, shown;
	cleanup_table struct table table;

	table_init(&table, headers);
	if (kind == BOOT_CHANGE_STAGE)
		changed = nr;
	while (changed < nr && size_of(boot_change_ns(&rows[changed])) >= diff->threshold_ns)
		changed++;
	shown = kind == BOOT_CHANGE_STAGE ? nr : boot_view_rows(text->view, changed);
	for (size_t i = 0; i < shown; i++)
		put_change(&table, &rows[i]);
	if (!nr)
		return;
	if (kind == BOOT_CHANGE_STAGE)
		text_put_title(text->out, text->colour, title, NULL);
	else
		text_put_title(text->out, text->colour, title, "%s of %s differ by %s or more%s",
			human_count(changed).text, human_count(nr).text, human_ns(diff->threshold_ns).text,
			shown < changed ? "; the most" : "");
	if (shown)
		table_print(&table, text->out, text->colour);
}

int boot_diff_text(const struct boot_diff *diff, FILE *out, bool colour)
{
	const struct boot_text text = {diff->b, out, colour};
	struct boot_comparison comparison;
	int result = compare(diff, &comparison);

	if (!result) {
		head(&text, diff, &comparison);
		view_changes(&text, diff, &comparison, BOOT_CHANGE_INITCALL, "Initcalls");
		view_changes(&text, diff, &comparison, BOOT_CHANGE_STAGE, "Stages");
		view_changes(&text, diff, &comparison, BOOT_CHANGE_PROGRAM, "Programs");
	}
	boot_comparison_deinit(&comparison);
	return result;
}

/* --- JSON --- */

static json_t *side_json(const char *path, const struct boot_view *view, uint64_t total_ns)
{
	json_t *object = json_object();

	json_set_text(object, "trace", path);
	json_set_text(object, "machine", view->machine->name);
	json_set_text(object, "release", view->machine->info->release);
	json_set_count(object, "total_ns", total_ns);
	json_set_count(object, "lost", view->boot->lost);
	return object;
}

static json_t *change_json(const struct boot_change *row)
{
	json_t *object = json_object();

	json_set_text(object, "name", row->name);
	json_set_count(object, "number", row->number);
	json_object_set_new(object, "a_ns", row->in_a ? json_integer((json_int_t)row->a_ns) : json_null());
	json_object_set_new(object, "b_ns", row->in_b ? json_integer((json_int_t)row->b_ns) : json_null());
	json_object_set_new(object, "difference_ns", json_integer(boot_change_ns(row)));
	return object;
}

static json_t *changes_json(
	const struct boot_diff *diff, const struct boot_comparison *comparison, enum boot_change_kind kind)
{
	json_t *array = json_array();

	for (size_t i = 0; i < comparison->nr_rows[kind]; i++) {
		const struct boot_change *row = &comparison->rows[kind][i];

		if (kind != BOOT_CHANGE_STAGE &&
			(size_of(boot_change_ns(row)) < diff->threshold_ns ||
				(diff->b->top && i >= diff->b->top)))
			break;
		json_array_append_new(array, change_json(row));
	}
	return array;
}

int boot_diff_json(const struct boot_diff *diff, FILE *out)
{
	struct boot_comparison comparison;
	char line[VERDICT_BYTES];
	json_t *document;
	int result = compare(diff, &comparison);

	if (!result) {
		verdict(diff, &comparison, line);
		document = json_object();
		json_set_text(document, "verdict", line);
		json_object_set_new(document, "difference_ns",
			json_integer((json_int_t)(comparison.b_total_ns - comparison.a_total_ns)));
		json_set_count(document, "threshold_ns", diff->threshold_ns);
		json_object_set_new(document, "from_power_on", json_boolean(comparison.from_power_on));
		json_object_set_new(document, "a", side_json(diff->a_path, diff->a, comparison.a_total_ns));
		json_object_set_new(document, "b", side_json(diff->b_path, diff->b, comparison.b_total_ns));
		json_object_set_new(
			document, "initcalls", changes_json(diff, &comparison, BOOT_CHANGE_INITCALL));
		json_object_set_new(document, "stages", changes_json(diff, &comparison, BOOT_CHANGE_STAGE));
		json_object_set_new(
			document, "programs", changes_json(diff, &comparison, BOOT_CHANGE_PROGRAM));
		result = document && !json_dumpf(document, out, JSON_INDENT(1)) ? 0 : -ENOMEM;
		json_decref(document);
		fputc('\n', out);
	}
	boot_comparison_deinit(&comparison);
	return result;
}
