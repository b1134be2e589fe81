/* SPDX-License-Identifier: MIT */
/* The head of the text report: which machine, how much, what was lost, how it ended. */
#include "tools/hypertrace/report_text.h"

#include <string.h>

static void view_names(const struct report_view *view)
{
	const struct trace_machine *machine = view->machine->machine;
	const struct trace_machine_info *info = machine->info;

	text_put_machine(view->out, view->colour, machine);
	if (info->hostname[0]) {
		fputs(" on ", view->out);
		view_foreign(view, info->hostname, strlen(info->hostname));
	}
	fprintf(view->out, ", %u vCPU%s", info->nr_cpus ? info->nr_cpus : machine->nr_streams,
		(info->nr_cpus ? info->nr_cpus : machine->nr_streams) == 1 ? "" : "s");
	if (info->channel[0])
		fprintf(view->out, ", channel %s", info->channel);
	if (info->mode[0])
		fprintf(view->out, ", %s mode", info->mode);
	fputc('\n', view->out);
}

static void view_amount(const struct report_view *view)
{
	const struct machine_report *analysis = view->analysis;
	uint64_t ns = analysis->last_ns - analysis->first_ns;

	if (!analysis->events) {
		fprintf(view->out, "  no events%s\n", view->report->restricted ? " of those asked for" : "");
		return;
	}
	fprintf(view->out, "  %s events in %s", human_count(analysis->events).text, human_ns(ns).text);
	if (ns)
		fprintf(view->out, ", %s per second",
			human_count((uint64_t)((double)analysis->events * 1e9 / (double)ns)).text);
	if (!view->report->restricted)
		fprintf(view->out, ", %.1f bytes each",
			(double)view->machine->bytes / (double)analysis->events);
	fprintf(view->out, "; clock within %s\n", human_ns(view->machine->clock_error_ns).text);
}

static void view_lost_cause(const struct report_view *view, enum trace_lost cause, uint64_t total)
{
	const struct trace_machine_info *info = view->machine->machine->info;
	int shown = 0;

	fprintf(view->out, "    %-12s %s (", trace_lost_name(cause), human_count(total).text);
	for (size_t i = 0; i < info->nr_cpu_infos && shown < 8; i++) {
		if (!info->cpus[i].lost[cause])
			continue;
		fprintf(view->out, "%scpu%u %s", shown++ ? ", " : "", info->cpus[i].cpu,
			human_count(info->cpus[i].lost[cause]).text);
	}
	fputs(shown == 8 ? ", ...)\n" : ")\n", view->out);
}

/* The recorder's counts, by cause; the streams' own where there are none. */
static void view_lost(const struct report_view *view)
{
	const struct trace_machine_info *info = view->machine->machine->info;
	uint64_t causes[TRACE_LOST_CAUSES] = {0}, total = 0;
	const char *colour = "", *plain = "";

	for (size_t i = 0; i < info->nr_cpu_infos; i++)
		for (int cause = 0; cause < TRACE_LOST_CAUSES; cause++)
			causes[cause] += info->cpus[i].lost[cause];
	for (int cause = 0; cause < TRACE_LOST_CAUSES; cause++)
		total += causes[cause];
	if (view->colour && (total || view->analysis->lost)) {
		colour = "\033[31m";
		plain = "\033[0m";
	}
	fprintf(view->out, "  %s%s events lost%s", colour, human_count(total).text, plain);
	if (total && view->report->restricted)
		fputs(" in the whole trace", view->out);
	if (view->analysis->lost != total)
		fprintf(view->out, ", %s%s between the events read%s", colour,
			human_count(view->analysis->lost).text, plain);
	fputc('\n', view->out);
	for (int cause = 0; cause < TRACE_LOST_CAUSES; cause++)
		if (causes[cause])
			view_lost_cause(view, cause, causes[cause]);
}

/* Last words; what went wrong stands out. */
static void view_words(
	const struct report_view *view, bool bad, const char *what, const char *text, size_t bytes)
{
	const char *colour = !view->colour ? "" : bad ? "\033[1;31m" : "\033[1m";

	while (bytes && (text[bytes - 1] == '\n' || !text[bytes - 1]))
		bytes--;
	fprintf(view->out, "  %s%s%s", colour, what, view->colour ? "\033[0m" : "");
	if (bytes)
		fputs(": ", view->out);
	view_foreign(view, text, bytes);
	fputc('\n', view->out);
}

static void view_end(const struct report_view *view)
{
	const struct trace_machine_info *info = view->machine->machine->info;
	const struct notes *ends = &view->analysis->ends;
	char what[128];

	if (info->filter[0]) {
		fputs("  recorded with the filter ", view->out);
		view_foreign(view, info->filter, strlen(info->filter));
		fputs(": times of other tasks are not known\n", view->out);
	}
	for (size_t i = 0; i < ends->kept; i++) {
		const struct note *note = ends->items[i];

		snprintf(what, sizeof(what), "%s at %s s on cpu%u", machine_report_end_name(note->reason),
			view_when(view, note->at_ns).text, note->cpu);
		view_words(view, note->reason <= 2, what, note->text, note->bytes);
	}
	if (ends->count > ends->kept)
		fprintf(view->out, "  and %s more like this\n", human_count(ends->count - ends->kept).text);
	if (ends->kept || !info->end_state[0] || !strcmp(info->end_state, "running") ||
		!strcmp(info->end_state, "stopped"))
		return;
	snprintf(what, sizeof(what), "the guest's end: %s", info->end_state);
	view_words(view, !strcmp(info->end_state, "panic"), what, info->message, strlen(info->message));
}

void view_head(const struct report_view *view)
{
	const struct machine_report *analysis = view->analysis;

	if (view->machine != view->report->machines)
		fputc('\n', view->out);
	view_names(view);
	view_amount(view);
	view_lost(view);
	view_end(view);
	if (!strcmp(view->machine->machine->trace_info->state, "recording"))
		fputs("  the recorder did not end this trace: it holds what was written until then\n",
			view->out);
	if (view->machine->machine->info->nr_vms)
		fputs("  a host: what its guests' vCPUs did is said by hypertrace vcpu, exits and latency\n", view->out);
	else if (analysis->events && !machine_report_knows_tasks(analysis) && !view->report->restricted)
		fputs("  no sched_switch recorded: tasks are those that ran when a packet of events began\n",
			view->out);
	if (analysis->schedule.backwards + analysis->interrupts.backwards + analysis->syscalls.backwards)
		fputs("  the guest's time went back: durations across that are left out\n", view->out);
}
