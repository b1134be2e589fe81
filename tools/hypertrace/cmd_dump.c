/* SPDX-License-Identifier: MIT */
/* The verb dump: merged events, one line each. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/dump.h"

struct dump_options {
	struct reading_options reading;
	uint64_t tail;
	bool json, count, utc, monotonic;
};

static const struct option_spec dump_specs[] = {
	READING_OPTION_SPECS(struct dump_options),
	{'c', "count", NULL, OPTION_FLAG, offsetof(struct dump_options, count),
		"print the number of events instead, with --json also by event"},
	{0, "tail", "N", OPTION_UNSIGNED, offsetof(struct dump_options, tail), "only the last N events of each CPU"},
	{0, "utc", NULL, OPTION_FLAG, offsetof(struct dump_options, utc),
		"times of day; default seconds since the first event"},
	{0, "monotonic", NULL, OPTION_FLAG, offsetof(struct dump_options, monotonic),
		"times of the host's CLOCK_MONOTONIC"},
	{0, "json", NULL, OPTION_FLAG, offsetof(struct dump_options, json), "print one JSON object a line: all fields, and the names of what they stand for"},
	{0},
};

static int read_options(struct dump *dump, const struct dump_options *options, struct error *error)
{
	dump->json = options->json;
	dump->count = options->count;
	dump->tail = options->tail;
	dump->time = options->utc ? DUMP_UTC : options->monotonic ? DUMP_MONOTONIC : DUMP_RELATIVE;
	if (trace_part_parse(&dump->part, &options->reading, error))
		return error->code;
	dump->durations = filter_has_durations(&dump->part.filter);
	dump->filtered = !filter_is_empty(&dump->part.filter);
	if (options->utc && options->monotonic) {
		error_set(error, -EINVAL, "--utc and --monotonic exclude each other");
		return error_hint(error, "leave one of them out");
	}
	return 0;
}

static int run_dump(const struct command *self, int argc, char **argv)
{
	__attribute__((cleanup(dump_deinit))) struct dump dump = {.fd = STDOUT_FILENO};
	struct dump_options options = {0};
	struct error error = {0};
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	if (result < 0 || read_options(&dump, &options, &error))
		return show_error(&error, options.json, 2);
	result = open_traces(argc, argv, &dump.trace, &error);
	if (!result && trace_part_check(&dump.part, dump.trace, &error))
		return show_error(&error, options.json, 2);
	if (!result)
		result = reading_options_machine(&options.reading, dump.trace, &dump.machine, &error);
	if (!result)
		result = dump_run(&dump, options.reading.time, &error);
	return result ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_dump = {
	.name = "dump",
	.summary = "Print the events of a trace, one line each, in the order of time",
	.synopsis = "[OPTION]... [TRACE]...",
	.description =
		"Merges the events of all vCPUs and machines of one or several traces; without TRACE, of "
		"hypertrace.data. A line has the task "
		"that was running, the CPU, the time and the event, in the form known from trace-cmd. Where "
		"events were lost a line says so, and the total stands at the end on stderr.\n\n"
		"A duration in the filter shows the ends of interrupts, system calls and timers that took at "
		"least that long, with the time they took; their beginnings are left out.\n\n"
		"What is whole in a damaged trace is printed; then follows an error that names the file and "
		"the place, and the exit status is 1.",
	.examples = "  # everything, in the pager\n"
		    "  hypertrace dump t | less\n"
		    "  # system calls of one program that took more than a millisecond\n"
		    "  hypertrace dump t -e syscalls -f 'comm==postgres,syscall.duration>1ms'\n"
		    "  # how many events of each kind in the first second\n"
		    "  hypertrace dump t --time 0-1 --count --json",
	.options = dump_specs,
	.run = run_dump,
};
