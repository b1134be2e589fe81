/* SPDX-License-Identifier: MIT */
/* A boot for people: the head, and tables. The waterfall: boot_bars.c. */
#include "tools/hypertrace/boot_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/analysis/machine_report.h"
#include "tools/hypertrace/bars.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/table.h"
#include "tools/hypertrace/text_put.h"

#define NAME_WIDTH 40

static struct human when(const struct boot_text *text, uint64_t at_ns)
{
	return human_seconds(boot_view_since_ns(text->view, at_ns));
}

/* --- head --- */

static void head_machine(const struct boot_text *text)
{
	const struct trace_machine *machine = text->view->machine;

	text_put_machine(text->out, text->colour, machine);
	if (machine->info->channel[0])
		fprintf(text->out, ", channel %s", machine->info->channel);
	fputc('\n', text->out);
}

static uint64_t stages_ns(const struct boot *boot, enum boot_stage_kind first, enum boot_stage_kind last)
{
	uint64_t ns = 0;

	for (uint32_t i = 0; i < boot->nr_stages; i++)
		if (boot->stages[i].kind >= first && boot->stages[i].kind <= last)
			ns += boot->stages[i].to_ns - boot->stages[i].from_ns;
	return ns;
}

static void head_total(const struct boot_text *text)
{
	const struct boot *boot = text->view->boot;
	uint64_t firmware = stages_ns(boot, BOOT_STAGE_FIRMWARE, BOOT_STAGE_FIRMWARE);
	uint64_t kernel = stages_ns(boot, BOOT_STAGE_KERNEL, BOOT_STAGE_LEVEL);
	uint64_t user = stages_ns(boot, BOOT_STAGE_USER, BOOT_STAGE_USER);

	fprintf(text->out, "  %s%s%s to ", text->colour ? "\033[1m" : "", human_ns(boot_total_ns(boot)).text,
		text->colour ? "\033[0m" : "");
	if (boot->until_found) {
		fputs("the start of ", text->out);
		text_put_foreign_bytes(text->out, boot->until, strlen(boot->until));
	} else if (boot->end_reason_ns) {
		fprintf(text->out, "the guest's end (%s)", machine_report_end_name(boot->end_reason));
	} else {
		fputs("the trace's end", text->out);
	}
	fputc(':', text->out);
	if (firmware)
		fprintf(text->out, " %s before the first event,", human_ns(firmware).text);
	if (kernel)
		fprintf(text->out, " %s kernel,", human_ns(kernel).text);
	fprintf(text->out, " %s user space\n", human_ns(user).text);
}

static void head_notes(const struct boot_text *text)
{
	const struct boot *boot = text->view->boot;

	fprintf(text->out, "  %s events, %s%s lost%s\n", human_count(boot->events).text,
		boot->lost && text->colour ? "\033[31m" : "", human_count(boot->lost).text,
		boot->lost ? (text->colour ? "\033[0m: durations across that are left out"
					   : ": durations across that are left out")
			   : "");
	if (boot->until[0] && !boot->until_found) {
		fputs("  no program ", text->out);
		text_put_foreign_bytes(text->out, boot->until, strlen(boot->until));
		fputs(" was executed\n", text->out);
	}
	if (boot->again_ns)
		fprintf(text->out,
			"  the machine started again at %s s: that is left out, and --time shows it\n",
			when(text, boot->again_ns).text);
	if (!boot_has_kernel(boot))
		fputs(!strcmp(text->view->machine->info->channel, "shm")
				? "  user space and modules only: the module of the channel shm comes when the kernel's "
				  "own start is over (channel ftrace sees it)\n"
				: "  no initcall events of the kernel's own start: record with -e initcall\n",
			text->out);
	if (!boot->knows_tasks)
		fputs("  no sched_switch recorded: times on and off the CPUs are not known\n", text->out);
}

/* --- tables --- */

static void view_stages(const struct boot_text *text)
{
	static const char *const headers[] = {
		"<stage", "start", "duration", "share", "CPUs busy", "initcalls", "their time", NULL};
	const struct boot *boot = text->view->boot;
	cleanup_table struct table table;

	table_init(&table, headers);
	for (uint32_t i = 0; i < boot->nr_stages; i++) {
		const struct boot_stage *stage = &boot->stages[i];
		const struct initcall_level *level =
			stage->kind == BOOT_STAGE_LEVEL ? &boot->initcalls.levels[stage->level] : NULL;
		uint64_t ns = stage->to_ns - stage->from_ns;

		table_foreign(&table, stage->name, NAME_WIDTH);
		table_cell(&table, "%s", when(text, stage->from_ns).text);
		table_ns(&table, ns);
		table_cell(&table, "%s", human_share(ns, boot_total_ns(boot)).text);
		if (stage->knows_busy && ns)
			table_cell(&table, "%.2f", (double)stage->busy_ns / (double)ns);
		else
			table_cell(&table, "-");
		table_count(&table, level ? level->count : 0);
		table_ns(&table, level ? level->total_ns : 0);
	}
	text_put_title(text->out, text->colour, "Stages", NULL);
	table_print(&table, text->out, text->colour);
}

static void put_away(struct table *table, const struct boot_text *text, const struct initcall *row)
{
	if (!text->view->boot->knows_tasks || row->away_ns == INITCALL_AWAY_UNKNOWN)
		table_cell(table, "?");
	else
		table_cell(table, "%s",
			row->away_ns ? human_share(row->away_ns, row->end_ns - row->start_ns).text : "-");
}

static void put_initcall(
	struct table *table, const struct boot_text *text, const struct initcall *row, bool nested)
{
	table_foreign(table, boot_view_function(text->view, row).text, NAME_WIDTH);
	table_foreign(table, row->module[0] ? row->module : "-", NAME_WIDTH);
	table_foreign(table, boot_view_level(text->view, row->level), 16);
	table_cell(table, "%s", when(text, row->start_ns).text);
	table_cell(table, "%s", human_ns(initcall_self_ns(row)).text);
	if (nested)
		table_ns(table, row->end_ns - row->start_ns);
	put_away(table, text, row);
	if (row->ret)
		table_cell(table, "%" PRId32, row->ret);
	else
		table_cell(table, "-");
}

static bool any_nested(const struct initcalls *initcalls)
{
	for (size_t i = 0; i < initcalls->nr_rows; i++)
		if (initcalls->rows[i].nested_ns)
			return true;
	return false;
}

static void note_unpaired(const struct boot_text *text)
{
	const struct initcalls *initcalls = &text->view->boot->initcalls;

	if (initcalls->unfinished)
		fprintf(text->out, "  %s began and did not finish in the trace\n",
			human_count(initcalls->unfinished).text);
	if (initcalls->unstarted)
		fprintf(text->out, "  %s finished whose beginning is not in the trace\n",
			human_count(initcalls->unstarted).text);
	if (initcalls->left_out)
		fprintf(text->out, "  %s are not in the table: there are too many\n",
			human_count(initcalls->left_out).text);
}

static void view_initcalls(const struct boot_text *text)
{
	static const char *const plain[] = {
		"<function", "<module", "<level", "start", "duration", "off the CPU", "returned", NULL};
	static const char *const with_nested[] = {"<function", "<module", "<level", "start", "duration",
		"with nested", "off the CPU", "returned", NULL};
	const struct initcalls *initcalls = &text->view->boot->initcalls;
	size_t nr, rows, shown = 0;
	const struct initcall **longest = initcalls_longest(initcalls, &nr);
	bool nested = any_nested(initcalls);
	cleanup_table struct table table = {0};

	if (!initcalls->finished && !initcalls->unfinished && !initcalls->unstarted)
		return;
	rows = boot_view_rows(text->view, nr);
	table_init(&table, nested ? with_nested : plain);
	for (; shown < rows && longest[shown]->end_ns; shown++)
		put_initcall(&table, text, longest[shown], nested);
	free(longest);
	text_put_title(text->out, text->colour, "Initcalls", "%s in %s, %s of them of modules%s",
		human_count(initcalls->finished).text, human_ns(initcalls->total_ns).text,
		human_count(initcalls->finished - initcalls->own).text,
		shown < initcalls->finished ? "; the longest" : "");
	if (shown)
		table_print(&table, text->out, text->colour);
	note_unpaired(text);
}

static void view_gaps(const struct boot_text *text)
{
	static const char *const headers[] = {"no initcall for", "from", "<level", "<until", NULL};
	const struct initcalls *initcalls = &text->view->boot->initcalls;
	size_t rows = boot_view_rows(text->view, initcalls->nr_gaps);
	cleanup_table struct table table;

	/* a gap shorter than any initcall worth showing is none */
	while (rows && initcalls->gaps[rows - 1].to_ns - initcalls->gaps[rows - 1].from_ns < 100000)
		rows--;
	table_init(&table, headers);
	for (size_t i = 0; i < rows; i++) {
		const struct initcall_gap *gap = &initcalls->gaps[i];
		const struct initcall *next = boot_view_initcall_at(text->view, gap->to_ns);

		table_ns(&table, gap->to_ns - gap->from_ns);
		table_cell(&table, "%s", when(text, gap->from_ns).text);
		table_foreign(&table, boot_view_level(text->view, gap->level), 16);
		table_foreign(&table, next ? boot_view_initcall(text->view, next).text : "?", NAME_WIDTH);
	}
	if (!rows)
		return;
	text_put_title(text->out, text->colour, "Between initcalls", NULL);
	table_print(&table, text->out, text->colour);
}

static void put_process(struct table *table, const struct boot_text *text, const struct boot_process *process)
{
	uint64_t ns = boot_process_life_ns(process, text->view->boot->last_ns);

	table_foreign(table, process->comm[0] ? process->comm : "?", 24);
	table_cell(table, "%" PRIu32, process->pid);
	table_foreign(table, process->parent_comm[0] ? process->parent_comm : "-", 24);
	table_cell(table, "%s", when(text, boot_process_begin_ns(process)).text);
	table_cell(table, "%s", human_ns(ns).text);
	if (text->view->boot->knows_tasks) {
		table_ns(table, process->run_ns);
		table_cell(table, "%s", human_share(process->run_ns, ns).text);
	} else {
		table_cell(table, "?");
		table_cell(table, "?");
	}
	table_cell(table, "%s",
		!process->end_ns            ? "still runs"
			: process->replaced ? "another program"
					    : "exit");
}

static void view_processes(const struct boot_text *text)
{
	static const char *const headers[] = {
		"<program", "pid", "<parent", "start", "lived", "on the CPU", "share", "<until", NULL};
	const struct boot_processes *processes = &text->view->boot->processes;
	size_t nr, rows;
	const struct boot_process **longest = boot_view_processes(text->view, &nr);
	cleanup_table struct table table;

	rows = boot_view_rows(text->view, nr);
	table_init(&table, headers);
	for (size_t i = 0; i < rows; i++)
		put_process(&table, text, longest[i]);
	free(longest);
	if (!processes->execs && !processes->forks)
		return;
	text_put_title(text->out, text->colour, "Programs",
		"%s executed, %s processes, %s threads and %s kernel threads begun%s",
		human_count(processes->execs).text, human_count(processes->forks).text,
		human_count(processes->threads).text, human_count(processes->kernel_threads).text,
		rows < nr ? "; the longest" : "");
	if (rows)
		table_print(&table, text->out, text->colour);
}

static void view_messages(const struct boot_text *text)
{
	const struct message_gaps *messages = &text->view->boot->messages;
	size_t rows = boot_view_rows(text->view, messages->nr_items), room = bars_columns(text->out) - 26;

	if (!messages->count)
		return;
	text_put_title(text->out, text->colour, "Kernel messages", "%s; after the longest silences",
		human_count(messages->count).text);
	fprintf(text->out, "  %s%9s  %10s  message%s\n", text->colour ? "\033[2m" : "", "silence", "at",
		text->colour ? "\033[0m" : "");
	for (size_t i = 0; i < rows; i++) {
		const struct message_gap *gap = &messages->items[i];

		fprintf(text->out, "  %9s  %10s  ", human_ns(gap->gap_ns).text, when(text, gap->at_ns).text);
		text_put_foreign_bytes(text->out, gap->text, gap->bytes < room ? gap->bytes : room);
		fputc('\n', text->out);
	}
}

void boot_text(const struct boot_view *view, FILE *out, bool colour)
{
	const struct boot_text text = {view, out, colour};

	head_machine(&text);
	head_total(&text);
	head_notes(&text);
	view_stages(&text);
	boot_bars(&text);
	view_initcalls(&text);
	view_gaps(&text);
	view_processes(&text);
	view_messages(&text);
}
