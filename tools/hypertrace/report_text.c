/* SPDX-License-Identifier: MIT */
/* The report for people: events, markers, and what the other parts have in common. */
#include "tools/hypertrace/report_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct human view_when(const struct report_view *view, uint64_t at_ns)
{
	uint64_t ns = at_ns - view->analysis->first_ns;

	if (at_ns < view->analysis->first_ns)
		ns = 0;
	return human_seconds(ns);
}

struct report_name view_task(const struct report_view *view, uint32_t pid)
{
	const struct task_table *tasks = &view->analysis->tasks;
	uint32_t row = pid < TASK_TABLE_PIDS ? tasks->by_pid[pid] : 0;
	const char *comm = row ? tasks->rows[row - 1]->comm : "";
	struct report_name name;

	snprintf(name.text, sizeof(name.text), "%s/%" PRIu32, *comm ? comm : "?", pid);
	return name;
}

size_t view_rows(const struct report_view *view, size_t count)
{
	return view->report->top && view->report->top < count ? view->report->top : count;
}

struct type_count {
	uint64_t count;
	const char *name;
};

static int compare_types(const void *a, const void *b)
{
	const struct type_count *one = a, *other = b;

	if (one->count != other->count)
		return one->count < other->count ? 1 : -1;
	return strcmp(one->name, other->name);
}

static void add_formats(const struct report_view *view, struct table *table, double seconds)
{
	const struct machine_report *analysis = view->analysis;
	const void **rows = capped_table_sorted(&analysis->by_format, report_compare_counts);

	for (size_t i = 0; rows && i < analysis->by_format.count; i++) {
		const struct format_row *row = rows[i];

		table_foreign(table, report_tracepoint(view->machine->machine, row->key).text, 40);
		table_count(table, row->count);
		table_cell(table, "%s", human_share(row->count, analysis->events).text);
		table_cell(table, "%s",
			seconds > 0 ? human_count((uint64_t)((double)row->count / seconds)).text : "-");
	}
	free(rows);
}

static void view_events(const struct report_view *view)
{
	static const char *const headers[] = {"<event", "count", "share", "per second", NULL};
	const struct machine_report *analysis = view->analysis;
	const struct event_schema *schema = view->machine->machine->schema;
	double seconds = (double)(analysis->last_ns - analysis->first_ns) / 1e9;
	struct type_count *counts = calloc(EVENT_TYPES_MAX, sizeof(*counts));
	cleanup_table struct table table = {0};
	size_t nr = 0;

	if (!counts)
		return;
	for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++) {
		uint64_t count = report_events_of(view->machine, id);

		if (count)
			counts[nr++] = (struct type_count){count, schema->types[id]->name};
	}
	qsort(counts, nr, sizeof(*counts), compare_types);
	table_init(&table, headers);
	for (size_t i = 0; i < nr; i++) {
		if (!strcmp(counts[i].name, "tracepoint")) {
			add_formats(view, &table, seconds);
			continue;
		}
		table_foreign(&table, counts[i].name, 40);
		table_count(&table, counts[i].count);
		table_cell(&table, "%s", human_share(counts[i].count, analysis->events).text);
		table_cell(&table, "%s",
			seconds > 0 ? human_count((uint64_t)((double)counts[i].count / seconds)).text : "-");
	}
	free(counts);
	view_title(view, "Events", NULL);
	table_print(&table, view->out, view->colour);
}

static void view_markers(const struct report_view *view)
{
	const struct notes *markers = &view->analysis->markers;
	size_t rows = view_rows(view, markers->kept);

	if (!markers->count)
		return;
	if (rows < markers->count)
		view_title(view, "Markers", "the first %zu of %" PRIu64, rows, markers->count);
	else
		view_title(view, "Markers", NULL);
	for (size_t i = 0; i < rows; i++) {
		const struct note *note = markers->items[i];
		struct report_name task = view_task(view, note->pid);

		fprintf(view->out, "  %s s  ", view_when(view, note->at_ns).text);
		view_foreign(view, task.text, strlen(task.text));
		fputs("  ", view->out);
		view_foreign(view, note->text, note->bytes);
		fputc('\n', view->out);
	}
}

void report_text(const struct report *report, FILE *out, bool colour)
{
	for (uint32_t i = 0; i < report->nr_machines; i++) {
		const struct report_machine *machine = &report->machines[i];
		const struct report_view view = {report, machine, machine->analysis, out, colour};

		if (!machine->analysis)
			continue;
		view_head(&view);
		if (!machine->analysis->events)
			continue;
		view_events(&view);
		view_tasks(&view);
		view_syscalls(&view);
		view_interrupts(&view);
		view_faults(&view);
		view_markers(&view);
	}
}
