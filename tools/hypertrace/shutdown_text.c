/* SPDX-License-Identifier: MIT */
/* A shutdown for people. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/analysis/machine_report.h"
#include "tools/hypertrace/bars.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/shutdown_view.h"
#include "tools/hypertrace/table.h"
#include "tools/hypertrace/text_put.h"

#define NAME_WIDTH  40
#define CALL_WIDTH  56
#define BAR_COLUMNS 28 /* of the stages' bars: the table takes the rest */

struct text {
	const struct shutdown_view *view;
	const struct shutdown *shutdown;
	FILE *out;
	bool colour;
};

static struct human when(const struct text *text, uint64_t at_ns)
{
	return human_seconds(shutdown_view_since_ns(text->view, at_ns));
}

/* --- head --- */

static void head_machine(const struct text *text)
{
	const struct trace_machine *machine = text->view->machine;

	text_put_machine(text->out, text->colour, machine);
	if (machine->info->channel[0])
		fprintf(text->out, ", channel %s", machine->info->channel);
	fputc('\n', text->out);
}

/* What the kernel's part begins with. */
static void head_source(const struct text *text)
{
	struct shutdown_name root = shutdown_view_function(text->view, text->shutdown->graph.root);

	if (text->shutdown->source == SHUTDOWN_BY_GRAPH)
		text_put_foreign_bytes(text->out, root.text, strlen(root.text));
	else
		fprintf(text->out, "the %s", shutdown_view_source(text->shutdown->source));
}

static void head_total(const struct text *text)
{
	const struct shutdown *shutdown = text->shutdown;

	fprintf(text->out, "  %s%s%s from ", text->colour ? "\033[1m" : "",
		human_ns(shutdown_view_total_ns(text->view)).text, text->colour ? "\033[0m" : "");
	if (shutdown->command_ns)
		text_put_foreign_bytes(text->out, shutdown->command, strlen(shutdown->command));
	else
		head_source(text);
	fputs(" to the trace's end", text->out);
	if (shutdown->command_ns)
		fprintf(text->out, ": %s user space, %s kernel",
			human_ns(shutdown->kernel_ns - shutdown->command_ns).text,
			human_ns(shutdown->last_ns - shutdown->kernel_ns).text);
	if (shutdown->end_ns)
		fprintf(text->out, " (%s)", machine_report_end_name(shutdown->end_reason));
	fputc('\n', text->out);
	fputs("  kernel: from ", text->out);
	head_source(text);
	if (shutdown->knows_pid) {
		fputs(" on, in the task ", text->out);
		text_put_foreign_bytes(text->out, shutdown_view_task(text->view).text,
			strlen(shutdown_view_task(text->view).text));
	}
	fputc('\n', text->out);
}

static void head_notes(const struct text *text)
{
	const struct shutdown *shutdown = text->shutdown;
	struct shutdown_name open = shutdown_view_open(text->view);

	fprintf(text->out, "  %s events, %s lost\n", human_count(shutdown->events).text,
		human_count(shutdown->lost).text);
	if (open.text[0]) {
		fputs("  the machine stopped inside ", text->out);
		text_put_foreign_bytes(text->out, open.text, strlen(open.text));
		fputc('\n', text->out);
	}
	if (shutdown->graph.unmatched)
		fprintf(text->out,
			"  %s entries or exits of functions are missing: calls around them are left out\n",
			human_count(shutdown->graph.unmatched).text);
	if (!shutdown->graph.events)
		fputs("  no function graph: which notifiers and devices took the time is not known; record it with\n"
		      "  hypertrace run --channel ftrace -e shutdown,sched -- true\n",
			text->out);
	else if (!shutdown->graph.root_ns)
		fputs("  the function graph holds no shutdown, or the trace no symbols\n", text->out);
}

/* --- tables --- */

static void view_stages(const struct text *text)
{
	static const char *const headers[] = {
		"<stage", "start", "duration", "share", "calls", "<function", NULL};
	const struct shutdown *shutdown = text->shutdown;
	cleanup_table struct table table;

	table_init(&table, headers);
	for (uint32_t i = 0; i < shutdown->nr_stages; i++) {
		const struct shutdown_stage *stage = &shutdown->stages[i];

		table_cell(&table, "%s", stage->name);
		table_cell(&table, "%s", when(text, stage->from_ns).text);
		table_ns(&table, stage->to_ns - stage->from_ns);
		table_cell(&table, "%s",
			human_share(stage->to_ns - stage->from_ns, shutdown_view_total_ns(text->view)).text);
		table_count(&table, stage->calls);
		table_foreign(&table,
			stage->func ? shutdown_view_function(text->view, stage->func).text : "-", NAME_WIDTH);
	}
	text_put_title(text->out, text->colour, "Stages", NULL);
	table_print(&table, text->out, text->colour);
}

static void view_waits(const struct text *text)
{
	static const char *const headers[] = {"waited", "at", "<function", "<in", NULL};
	const struct shutdown_graph *graph = &text->shutdown->graph;
	size_t rows = shutdown_view_rows(text->view, graph->nr_waits);
	cleanup_table struct table table;
	uint64_t sum = 0;

	for (size_t i = 0; i < graph->nr_calls; i++)
		sum += graph->calls[i].wait_ns;
	table_init(&table, headers);
	for (size_t i = 0; i < rows; i++) {
		const struct shutdown_wait *wait = &graph->waits[i];

		table_ns(&table, wait->ns);
		table_cell(&table, "%s", when(text, wait->start_ns).text);
		table_foreign(&table, shutdown_view_function(text->view, wait->func).text, NAME_WIDTH);
		table_foreign(&table,
			wait->caller && wait->caller != wait->func
				? shutdown_view_function(text->view, wait->caller).text
				: "-",
			NAME_WIDTH);
	}
	if (!rows)
		return;
	text_put_title(text->out, text->colour, "Sleeps, delays and waits", "%s in all%s", human_ns(sum).text,
		rows < graph->nr_waits ? "; the longest" : "");
	table_print(&table, text->out, text->colour);
}

static void put_call(
	struct table *table, const struct text *text, const struct shutdown_call *call, bool where)
{
	uint64_t ns = shutdown_view_end_ns(text->view, call->end_ns) - call->start_ns;

	table_foreign(table, shutdown_view_call(text->view, call).text, CALL_WIDTH);
	table_cell(table, "%s", when(text, call->start_ns).text);
	table_cell(table, "%s%s", human_ns(ns).text, call->end_ns ? "" : "+");
	table_ns(table, call->wait_ns);
	if (where)
		table_cell(table, "%s", shutdown_view_section(call->section));
	else if (call->waiter && call->waiter != call->func)
		table_foreign(table, shutdown_view_function(text->view, call->waiter).text, NAME_WIDTH);
	else
		table_cell(table, "%s", call->end_ns ? "-" : "the machine stopped inside");
}

static void view_calls(const struct text *text, enum shutdown_section section)
{
	static const char *const headers[] = {"<function", "start", "duration", "waited", "<mostly in", NULL};
	static const char *const where[] = {"<function", "start", "duration", "waited", "<of", NULL};
	static const char *const titles[SHUTDOWN_SECTIONS + 1] = {"Reboot notifiers", "Device callbacks",
		"System core", "Machine", "Other steps", "Locks, messages and the like between these"};
	bool helpers = section == SHUTDOWN_SECTIONS;
	size_t nr, rows;
	const struct shutdown_call **calls = shutdown_view_calls(text->view, section, &nr);
	cleanup_table struct table table;
	uint64_t sum = 0;

	for (size_t i = 0; i < nr; i++)
		sum += shutdown_view_end_ns(text->view, calls[i]->end_ns) - calls[i]->start_ns;
	rows = shutdown_view_rows(text->view, nr);
	table_init(&table, helpers ? where : headers);
	for (size_t i = 0; i < rows; i++)
		put_call(&table, text, calls[i], helpers);
	free(calls);
	if (!nr)
		return;
	text_put_title(text->out, text->colour, titles[section], "%s in %s%s", human_count(nr).text,
		human_ns(sum).text, rows < nr ? "; the longest" : "");
	table_print(&table, text->out, text->colour);
}

static void view_sleeps(const struct text *text)
{
	static const char *const headers[] = {"off the CPU", "from", "<why", NULL};
	const struct shutdown *shutdown = text->shutdown;
	size_t rows = shutdown_view_rows(text->view, shutdown->nr_sleeps);
	cleanup_table struct table table;
	struct shutdown_name task = shutdown_view_task(text->view);

	if (!shutdown->knows_tasks || !shutdown->knows_pid || !rows)
		return;
	table_init(&table, headers);
	for (size_t i = 0; i < rows; i++) {
		table_ns(&table, shutdown->sleeps[i].ns);
		table_cell(&table, "%s", when(text, shutdown->sleeps[i].start_ns).text);
		table_cell(&table, "%s", shutdown->sleeps[i].preempted ? "preempted" : "slept");
	}
	fprintf(text->out, "\n%sThe task ", text->colour ? "\033[1m" : "");
	text_put_foreign_bytes(text->out, task.text, strlen(task.text));
	fprintf(text->out, "%s  off the CPU for %s of %s in the kernel's part%s\n",
		text->colour ? "\033[0m" : "", human_ns(shutdown->slept_ns).text,
		human_ns(shutdown->last_ns - shutdown->kernel_ns).text,
		rows < shutdown->nr_sleeps ? "; the longest" : "");
	table_print(&table, text->out, text->colour);
}

static void view_ended(const struct text *text)
{
	static const char *const headers[] = {"<program", "pid", "<parent", "ended", "lived", NULL};
	size_t nr, rows;
	const struct boot_process **ended = shutdown_view_ended(text->view, &nr);
	cleanup_table struct table table;

	rows = shutdown_view_rows(text->view, nr);
	table_init(&table, headers);
	for (size_t i = 0; i < rows; i++) {
		table_foreign(&table, ended[i]->comm[0] ? ended[i]->comm : "?", 24);
		table_cell(&table, "%" PRIu32, ended[i]->pid);
		table_foreign(&table, ended[i]->parent_comm[0] ? ended[i]->parent_comm : "-", 24);
		table_cell(&table, "%s", when(text, ended[i]->end_ns).text);
		if (boot_process_begin_ns(ended[i]))
			table_cell(&table, "%s", human_ns(boot_process_life_ns(ended[i], 0)).text);
		else
			table_cell(&table, "?");
	}
	free(ended);
	if (!nr)
		return;
	text_put_title(text->out, text->colour, "Programs that ended", "%s%s", human_count(nr).text,
		rows < nr ? "; the last" : "");
	table_print(&table, text->out, text->colour);
}

static void view_messages(const struct text *text)
{
	const struct shutdown *shutdown = text->shutdown;
	size_t room = bars_columns(text->out) - 26;
	const struct shutdown_message *message;
	uint64_t before_ns = shutdown_begin_ns(shutdown);
	bool any = false;

	for (uint64_t i = 0; (message = shutdown_message_at(shutdown, i)); i++) {
		if (message->at_ns < shutdown_begin_ns(shutdown))
			continue;
		if (!any) {
			text_put_title(text->out, text->colour, "Kernel messages", NULL);
			fprintf(text->out, "  %s%10s  %9s  message%s\n", text->colour ? "\033[2m" : "", "at",
				"silence", text->colour ? "\033[0m" : "");
		}
		any = true;
		fprintf(text->out, "  %10s  %9s  ", when(text, message->at_ns).text,
			human_ns(message->at_ns - before_ns).text);
		text_put_foreign_bytes(
			text->out, message->text, message->bytes < room ? message->bytes : room);
		fputc('\n', text->out);
		before_ns = message->at_ns;
	}
}

/* Stages in time, each with its bar. */
static void view_bars(const struct text *text)
{
	const struct shutdown *shutdown = text->shutdown;
	struct bars bars =
		bars_of_terminal(shutdown_begin_ns(shutdown), shutdown->last_ns, BAR_COLUMNS + 13, text->out);

	text_put_title(text->out, text->colour, "Waterfall", "%s a column",
		human_ns((bars.to_ns - bars.from_ns) / bars.width).text);
	for (uint32_t i = 0; i < shutdown->nr_stages; i++) {
		const struct shutdown_stage *stage = &shutdown->stages[i];

		fprintf(text->out, "  %-*s%9s  ", BAR_COLUMNS, stage->name,
			human_ns(stage->to_ns - stage->from_ns).text);
		bars_print(&bars, stage->from_ns, stage->to_ns, NULL, NULL, text->out);
		fputc('\n', text->out);
		for (size_t n = 0; n < shutdown->graph.nr_calls; n++) {
			const struct shutdown_call *call = &shutdown->graph.calls[n];
			uint64_t end_ns = shutdown_view_end_ns(text->view, call->end_ns);

			if (!shutdown_stage_has(stage, call) ||
				end_ns - call->start_ns < shutdown_view_total_ns(text->view) / 100)
				continue;
			fputs("  ", text->out);
			bars_label(shutdown_view_call(text->view, call).text, 2, BAR_COLUMNS, text->out);
			fprintf(text->out, "%9s  ", human_ns(end_ns - call->start_ns).text);
			bars_print(&bars, call->start_ns, end_ns, NULL, NULL, text->out);
			fputc('\n', text->out);
		}
	}
}

void shutdown_text(const struct shutdown_view *view, FILE *out, bool colour)
{
	const struct text text = {view, view->shutdown, out, colour};

	head_machine(&text);
	head_total(&text);
	head_notes(&text);
	view_stages(&text);
	view_bars(&text);
	view_waits(&text);
	for (int section = 0; section <= SHUTDOWN_SECTIONS; section++)
		view_calls(&text, (enum shutdown_section)section);
	view_sleeps(&text);
	view_ended(&text);
	view_messages(&text);
}
