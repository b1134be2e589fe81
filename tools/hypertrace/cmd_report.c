/* SPDX-License-Identifier: MIT */
/* The verb report: feeds a trace to the analyses, one pass, and has the result shown. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/reader/trace_reader.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/reading_options.h"
#include "tools/hypertrace/report.h"

#define TOP_DEFAULT 10

struct report_options {
	struct reading_options reading;
	uint64_t top;
	bool by_task, json;
};

static const struct option_spec report_specs[] = {
	READING_OPTION_SPECS(struct report_options),
	{0, "by-task", NULL, OPTION_FLAG, offsetof(struct report_options, by_task),
		"show system calls by task, too"},
	{'n', "top", "N", OPTION_UNSIGNED, offsetof(struct report_options, top),
		"rows of each table, 0 for all; default 10, with --json all"},
	{0, "json", NULL, OPTION_FLAG, offsetof(struct report_options, json),
		"print one JSON document, every time and duration in nanoseconds"},
	{0},
};

static bool is_task_wanted(const void *context, uint32_t pid, const char *comm)
{
	return filter_match(context, 0, pid, *comm ? comm : NULL);
}

static int prepare_machine(struct report *report, uint32_t number, const struct trace_part *part,
	bool by_task, struct error *error)
{
	const struct trace *trace = report->trace;
	struct trace_machine *machine = &report->trace->machines[number];
	struct report_machine *place = &report->machines[number];
	struct machine_report_options options = {
		.schema = machine->schema,
		.lost_type = stream_reader_lost_type(),
		.names = &machine->names,
		.cpus = part->cpus,
		.wanted = filter_is_empty(&part->filter) ? NULL : is_task_wanted,
		.wanted_context = &part->filter,
		.ns_per_tsc = 1e9 / clock_map_hz(&machine->clock),
		.syscalls_by_task = by_task,
	};
	int result = trace_machine_load_names(machine, NAMES_ALL, error);

	if (result < 0)
		return result;
	for (uint32_t i = 0; i < machine->nr_streams; i++) {
		const struct trace_stream *stream = &trace->streams[machine->first_stream + i];

		place->bytes += stream->bytes;
		if (stream->cpu >= options.nr_cpus)
			options.nr_cpus = stream->cpu + 1;
	}
	place->clock_error_ns = clock_map_largest_error_ns(&machine->clock);
	memcpy(options.min_duration_ns, part->filter.min_duration_ns, sizeof(options.min_duration_ns));
	if (machine_report_create(&options, &place->analysis) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	return 0;
}
_Static_assert((int)FILTER_PAIRS == (int)REPORT_PAIRS && (int)FILTER_PAIR_TIMER == (int)REPORT_PAIR_TIMER,
	"as events.def");

/* What becomes of the events of a type. */
enum use {
	USE_NONE,
	USE_NAMES, /* not asked for, but tells how tasks are called */
	USE_ALL,
};

static bool is_selected(const char *name, const struct trace_part *part)
{
	return trace_part_selects(part, name) ||
		(!strcmp(name, "tracepoint") && part->selection.nr_tracepoints);
}

static void select_types(const struct report_machine *machine, const struct trace_part *part, uint8_t *uses)
{
	for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++) {
		const struct event_type *type = machine->machine->schema->types[id];

		if (!id || (type && is_selected(type->name, part)))
			uses[id] = USE_ALL; /* id 0: lost events */
		else if (machine_report_follows(machine->analysis, id))
			uses[id] = USE_NAMES;
	}
}

static void feed(struct report *report, struct trace_reader *reader, const uint8_t (*uses)[EVENT_TYPES_MAX],
	int64_t from_ns, int64_t to_ns)
{
	struct trace_event event;

	while (trace_reader_next(reader, &event)) {
		struct machine_report *analysis = report->machines[event.machine].analysis;
		enum use use = uses[event.machine][event.type->id];
		int64_t now_ns;

		if (use == USE_NONE)
			continue;
		now_ns = trace_reader_unix_ns(reader, &event);
		if (now_ns >= to_ns)
			continue;
		if (use == USE_NAMES || now_ns < from_ns)
			machine_report_follow(analysis, event.type, event.payload);
		else
			machine_report_add(
				analysis, event.type, event.payload, event.cpu, event.pid, (uint64_t)now_ns);
	}
	trace_damage_take(&report->damage, reader);
	for (uint32_t i = 0; i < report->nr_machines; i++)
		if (report->machines[i].analysis)
			machine_report_finish(report->machines[i].analysis);
}

/* Turns times since the trace's start into Unix times: the start is only known once a reader has found it. */
static int read_range(const struct trace *trace, const struct trace_part *part,
	struct trace_reader_options *options, struct error *error)
{
	struct trace_reader *reader;
	int64_t start_ns;
	int result;

	if (!part->range.from_ns && part->range.to_ns == INT64_MAX)
		return 0;
	result = trace_reader_create(trace, options, &reader, error);
	if (result < 0)
		return result;
	start_ns = trace_reader_start_ns(reader);
	trace_reader_destroy(reader);
	options->from_ns = time_range_unix_ns(start_ns, part->range.from_ns);
	options->to_ns = time_range_unix_ns(start_ns, part->range.to_ns);
	return 0;
}

static int analyse(struct report *report, const struct trace_part *part, int machine, struct error *error)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	uint8_t(*uses)[EVENT_TYPES_MAX] = calloc(report->nr_machines, sizeof(*uses));
	int64_t from_ns;
	struct trace_reader *reader = NULL;
	int result;

	options.machine = machine;
	result = uses ? read_range(report->trace, part, &options, error)
		      : error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < report->nr_machines && !result; i++) {
		if (machine >= 0 && (uint32_t)machine != i)
			continue;
		result = prepare_machine(report, i, part, report->by_task, error);
		if (!result)
			select_types(&report->machines[i], part, uses[i]);
	}
	from_ns = options.from_ns;
	options.from_ns = INT64_MIN; /* what came before tells how tasks are called */
	if (!result)
		result = trace_reader_create(report->trace, &options, &reader, error);
	if (!result) {
		feed(report, reader, uses, from_ns, options.to_ns);
		trace_reader_destroy(reader);
	}
	free(uses);
	return result;
}

static int show(const struct report *report, bool json, struct error *error)
{
	int result = 0;

	if (json)
		result = report_json(report, stdout);
	else
		report_text(report, stdout, isatty(STDOUT_FILENO));
	if (result < 0)
		return error_set(error, result, "out of memory");
	if (fflush(stdout) || ferror(stdout))
		return error_set(error, -EIO, "cannot write the report: %s", strerror(errno));
	return trace_damage_error(&report->damage, error);
}

/* *shown: the report has been written, and a JSON document says itself what is damaged. */
static int make_report(struct trace *trace, const struct report_options *options, struct trace_part *part,
	bool *shown, struct error *error)
{
	struct report report = {
		.top = options->top == UINT64_MAX ? options->json ? 0 : TOP_DEFAULT : options->top,
		.by_task = options->by_task,
		.restricted = !part->all_events || options->reading.filter || options->reading.time,
		.trace = trace,
		.nr_machines = trace->nr_machines};
	int machine, result = reading_options_machine(&options->reading, trace, &machine, error);

	if (result)
		return result;
	part->filter.cpus.count = 0; /* part->cpus has them */
	report.machines = calloc(trace->nr_machines, sizeof(*report.machines));
	if (!report.machines)
		return error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < trace->nr_machines; i++)
		report.machines[i].machine = &trace->machines[i];
	result = analyse(&report, part, machine, error);
	*shown = !result;
	if (!result)
		result = show(&report, options->json, error);
	for (uint32_t i = 0; i < report.nr_machines; i++)
		machine_report_destroy(report.machines[i].analysis);
	free(report.machines);
	return result;
}

static int report_run(const struct command *self, int argc, char **argv)
{
	struct report_options options = {.top = UINT64_MAX};
	struct trace_part part;
	struct trace *trace = NULL;
	struct error error = {0};
	bool shown = false;
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	if (result < 0 || trace_part_parse(&part, &options.reading, &error))
		return show_error(&error, options.json, 2);
	result = open_traces(argc, argv, &trace, &error);
	if (!result && trace_part_check(&part, trace, &error)) {
		trace_close(trace);
		return show_error(&error, options.json, 2);
	}
	if (!result)
		result = make_report(trace, &options, &part, &shown, &error);
	trace_close(trace);
	if (result && shown && options.json)
		return 1;
	return result ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_report = {
	.name = "report",
	.summary = "Say what a trace shows: tasks, CPUs, latencies, interrupts, system calls",
	.synopsis = "[OPTION]... [TRACE]...",
	.description =
		"Reads traces once, without TRACE hypertrace.data, and sums them up, machine by machine: what "
		"was recorded and what was lost, "
		"events by type, CPUs, tasks, run-queue latency, interrupts, timers, system calls, page "
		"faults, markers, and the guest's last words. Tables that a trace has no events for are left "
		"out. Of a damaged trace what is whole is taken; then follows an error that names the place, "
		"and the exit status is 1.\n\n"
		"Run-queue latency is the time from a task's waking until it runs. A duration is never "
		"measured across a gap of lost events. Own time of interrupts leaves out what interrupted "
		"them. Percentiles are within 3.2 % of the true value; count, total and max are exact.\n\n"
		"A filter by task or CPU shows only their part; whom they waited for is still taken into "
		"account.",
	.examples = "  # what a command did in a guest\n"
		    "  hypertrace run -- ls -R / && hypertrace report\n"
		    "  # the slowest system calls of one program, all of them\n"
		    "  hypertrace report t -e syscalls,sched -f comm==postgres --top 0\n"
		    "  # p99 of the run-queue latency for a script\n"
		    "  hypertrace report t --json | jq '.machines[0].run_queue.woken.p99_ns'",
	.options = report_specs,
	.run = report_run,
};
