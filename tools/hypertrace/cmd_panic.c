/* SPDX-License-Identifier: MIT */
/* The verb panic: how a guest's kernel ended, from a trace, a dump, or the memory of a guest that stands still. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "host/collect/recorder.h"
#include "host/vm/cache_directory.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock_now.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/dump.h"
#include "tools/hypertrace/guest_source.h"
#include "tools/hypertrace/panic_view.h"
#include "tools/hypertrace/symbol_cache.h"

#define LOG_LINES  20
#define CPU_EVENTS 10
#define BEGIN_NS   UINT64_C(2000000000) /* for rings and events to be found */

struct panic_options {
	struct guest_source_options source;
	const char *output;
	uint64_t log_lines, events;
	bool json;
};

#define AT(member) offsetof(struct panic_options, member)
static const struct option_spec panic_specs[] = {
	GUEST_SOURCE_OPTION_SPECS(struct panic_options),
	{'n', "events", "N", OPTION_UNSIGNED, AT(events), "the last N events of each CPU; default 10"},
	{'l', "log", "N", OPTION_UNSIGNED, AT(log_lines), "the last N lines of the log; default 20"},
	{'o', "output", "TRACE", OPTION_STRING, AT(output),
		"keep what is read out of the memory as a trace; default: removed afterwards"},
	{0, "json", NULL, OPTION_FLAG, AT(json), "print JSON lines: one a machine, then one an event"},
	{0},
};
#undef AT

struct panic {
	const struct panic_options *options;
	char *made; /* a directory to be removed */
	char *path; /* of the trace */
};

static void show_notice(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "hypertrace: %s\n", text);
}

static int choose_output(struct panic *panic, struct error *error)
{
	const char *directory = getenv("TMPDIR");

	if (panic->options->output) {
		panic->path = strdup(panic->options->output);
		return panic->path ? 0 : error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	}
	if (asprintf(&panic->path, "%s/hypertrace-panic-XXXXXX", directory ? directory : "/tmp") < 0) {
		panic->path = NULL;
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	}
	if (!mkdtemp(panic->path))
		return error_set(error, -errno, "%s: %s", panic->path, strerror(errno));
	panic->made = panic->path;
	return 0;
}

/* A guest that lives is looked at twice before it is believed that its kernel has set up all its events. */
static int record_once(struct recorder *recorder, struct error *error)
{
	const uint64_t end_ns = clock_now_ns(CLOCK_MONOTONIC) + BEGIN_NS;
	int code;

	while (recorder_step(recorder, -1) && recorder_waiting(recorder) &&
		clock_now_ns(CLOCK_MONOTONIC) < end_ns)
		;
	code = recorder_finish(recorder, error);
	if (code || recorder_info(recorder)->nr_machines)
		return code;
	error_set(error, -ENODATA, "the guest's kernel has no trace rings so far");
	error_hint(error, "hypertrace dmesg shows what it said, hypertrace ps its tasks");
	return -ENODATA;
}

/* All that the guest's memory holds at this moment, as a trace. */
static int record_memory(struct panic *panic, const char *dump, struct error *error)
{
	const struct recorder_stock stock = {.name = "guest", .cache_dir = symbol_cache(), .whole = true};
	struct recorder_options options = {
		.program_version = HYPERTRACE_VERSION, .channel = RECORDER_FTRACE, .notice = show_notice};
	cleanup_guest_source struct guest_source source = GUEST_SOURCE_NONE;
	struct recorder *recorder = NULL;
	struct guest_memory memory;
	/* finds the kernel, too: its errors are clear and come at once */
	int code = guest_source_open(&source, &panic->options->source, dump, error);

	if (code)
		return code;
	code = choose_output(panic, error);
	if (code)
		return code;
	guest_kernel_deinit(&source.kernel);
	memory = source.memory;
	source = GUEST_SOURCE_NONE;
	options.output = panic->path;
	code = recorder_create(&recorder, &options, error);
	if (code) {
		guest_memory_deinit(&memory);
		return code;
	}
	code = recorder_add_stock_guest(recorder, &memory, &stock, error);
	if (!code)
		code = record_once(recorder, error);
	recorder_destroy(recorder);
	return code;
}

static int show_machines(const struct panic *panic, const struct trace *trace, struct error *error)
{
	const bool colour = !panic->options->json && isatty(STDOUT_FILENO);
	int code = 0;

	for (uint32_t i = 0; i < trace->nr_machines && !code; i++) {
		struct panic_view view;

		code = panic_view_init(&view, &trace->machines[i], error);
		if (code)
			return code;
		if (panic->options->json) {
			code = panic_view_json(&view, panic->options->log_lines, stdout);
			putchar('\n');
		} else {
			printf("%s", i ? "\n" : "");
			panic_view_text(&view, panic->options->log_lines, colour, stdout);
		}
		panic_view_deinit(&view);
	}
	return code ? error_set(error, code, "%s", strerror(-code)) : 0;
}

/* Takes the trace over. */
static int show_events(const struct panic *panic, struct trace *trace, struct error *error)
{
	const struct reading_options everything = {0};
	__attribute__((cleanup(dump_deinit))) struct dump dump = {.fd = STDOUT_FILENO,
		.trace = trace,
		.machine = -1,
		.tail = panic->options->events,
		.json = panic->options->json};

	if (!dump.tail)
		return 0;
	if (!dump.json)
		printf("\n  The last %llu events of each CPU, in seconds from the first event on:\n",
			(unsigned long long)dump.tail);
	fflush(stdout);
	return trace_part_parse(&dump.part, &everything, error) ? error->code : dump_run(&dump, false, error);
}

static int show(const struct panic *panic, struct error *error)
{
	const char *path = panic->path;
	struct trace *trace;
	int code = trace_open(&path, 1, &trace, error);

	if (code)
		return code;
	code = show_machines(panic, trace, error);
	if (code) {
		trace_close(trace);
		return code;
	}
	return show_events(panic, trace, error);
}

/* A directory is a trace; anything else is memory. */
static bool is_trace(const struct guest_source_options *source, int argc, char **argv)
{
	struct stat status;

	return argc == 1 && !source->pid && !source->qmp && !source->ram && stat(argv[0], &status) == 0 &&
		S_ISDIR(status.st_mode);
}

static int run_panic(const struct command *command, int argc, char **argv)
{
	struct panic_options options = {.log_lines = LOG_LINES, .events = CPU_EVENTS};
	struct panic panic = {.options = &options};
	struct error error = {0};
	int code = options_parse(command, &argc, &argv, &options, &error);

	if (code == 1)
		return 0;
	if (code)
		return show_error(&error, options.json, 2);
	if (is_trace(&options.source, argc, argv)) {
		panic.path = strdup(argv[0]);
		code = panic.path ? 0 : error_set(&error, -ENOMEM, "%s", strerror(ENOMEM));
	} else if (guest_source_check(&options.source, argc, argv, &error)) {
		return show_error(&error, options.json, 2);
	} else {
		code = record_memory(&panic, argc ? argv[0] : NULL, &error);
	}
	if (!code)
		code = show(&panic, &error);
	if (panic.made)
		remove_tree(panic.made);
	free(panic.path);
	return code ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_panic = {
	.name = "panic",
	.summary = "Show how a guest's kernel ended: message, log, and the last events of each CPU",
	.synopsis = "[OPTION]... {TRACE | DUMP | -g NAME | --pid PID | --qmp SOCKET | --ram FILE}",
	.description =
		"Was there a panic or an oops, where and in which task, with which call trace; the last lines of the "
		"kernel's log; and the last events of each CPU, of all CPUs on one timeline, as far as the guest "
		"traced anything.\n\n"
		"Of a TRACE it shows what was recorded until then. " GUEST_SOURCE_DESCRIPTION
		" Nothing has to be reserved or installed in the guest for that; tracing into its own ring is enough "
		"for events: trace_event=sched:*,irq:* on the kernel's command line, for example.",
	.examples = "  # a guest that has crashed and stands still\n"
		    "  hypertrace panic --pid $(pidof qemu-system-x86_64)\n"
		    "  # its dump, on another machine; keep what was read\n"
		    "  hypertrace panic guest.dump -o crash\n"
		    "  # what record said of a panic\n"
		    "  hypertrace panic hypertrace.data --events 100 | less",
	.options = panic_specs,
	.run = run_panic,
};
