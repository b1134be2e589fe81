/* SPDX-License-Identifier: MIT */
/* The verb shutdown: one pass over each machine's events, then what its end took. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/machine_feed.h"
#include "tools/hypertrace/reading_options.h"
#include "tools/hypertrace/shutdown_view.h"

#define TOP_DEFAULT 10

struct shutdown_options_given {
	const char *machine, *time, *svg;
	uint64_t top;
	bool guest_clock, json;
};

#define OPTION(member) offsetof(struct shutdown_options_given, member)

static const struct option_spec shutdown_specs[] = {
	{'t', "time", "FROM-TO", OPTION_STRING, OPTION(time),
		"only this part, counted from the trace's start: '1.5-2', '200ms-', '-10s'"},
	{'m', "machine", "NAME", OPTION_STRING, OPTION(machine), "only this machine"},
	{'n', "top", "N", OPTION_UNSIGNED, OPTION(top),
		"rows of each table, 0 for all; default 10, with --json all"},
	{0, "guest-clock", NULL, OPTION_FLAG, OPTION(guest_clock),
		"time as the guest's clock counts it: steady where the host was busy, exact with --icount"},
	{0, "svg", "FILE", OPTION_STRING, OPTION(svg), "draw it, of one machine, to look at in a browser"},
	{0, "json", NULL, OPTION_FLAG, OPTION(json), "print one JSON document, all times in nanoseconds"},
	{0},
};

struct shutdowns {
	struct trace *trace;
	struct shutdown_view *views;
	size_t nr_views;
	struct trace_damage damage;
};

static void shutdowns_deinit(struct shutdowns *shutdowns)
{
	for (size_t i = 0; i < shutdowns->nr_views; i++)
		shutdown_destroy((struct shutdown *)shutdowns->views[i].shutdown);
	free(shutdowns->views);
	trace_close(shutdowns->trace);
}

static void feed(void *context, const struct trace_event *event, uint64_t now_ns)
{
	shutdown_add(context, event->type, event->payload, event->cpu, event->pid, now_ns);
}

static int add_machine(struct shutdowns *shutdowns, uint32_t number,
	const struct shutdown_options_given *given, const struct time_range *range, struct error *error)
{
	struct trace_machine *machine = &shutdowns->trace->machines[number];
	const struct shutdown_options options = {
		.schema = machine->schema,
		.lost_type = stream_reader_lost_type(),
		.names = &machine->names,
		.nr_cpus = machine_feed_cpus(shutdowns->trace, number),
	};
	struct machine_feed machine_feed = {.event = feed, .guest_clock = given->guest_clock};
	struct shutdown *shutdown;
	int result = trace_machine_load_names(machine, NAMES_ALL, error);

	if (result < 0)
		return result;
	if (shutdown_create(&options, &shutdown) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	machine_feed.context = shutdown;
	result = machine_feed_run(&machine_feed, shutdowns->trace, number, range, error);
	shutdown_finish(shutdown);
	trace_damage_add(&shutdowns->damage, &machine_feed.damage);
	if (result < 0 || !shutdown_is_there(shutdown)) {
		shutdown_destroy(shutdown);
		return result;
	}
	shutdowns->views[shutdowns->nr_views++] = (struct shutdown_view){
		.machine = machine,
		.shutdown = shutdown,
		.top = given->top == UINT64_MAX ? given->json ? 0 : TOP_DEFAULT : given->top,
	};
	return 0;
}

static int no_shutdown(const struct shutdown_options_given *given, struct error *error)
{
	error_set(error, -ENOENT,
		"%s%s%s holds no shutdown: no functions of one, no reboot system call that stayed, and no guest's end",
		given->machine ? "machine " : "the trace", given->machine ? given->machine : "",
		given->time ? ", in that time," : "");
	return error_hint(error, "hypertrace run --channel ftrace -e shutdown,sched -- true");
}

static int shutdowns_init(struct shutdowns *shutdowns, int count, char **paths,
	const struct shutdown_options_given *given, const struct time_range *range, struct error *error)
{
	const struct reading_options reading = {.machine = given->machine};
	int machine, result = open_traces(count, paths, &shutdowns->trace, error);

	if (!result)
		result = reading_options_machine(&reading, shutdowns->trace, &machine, error);
	if (result < 0)
		return result;
	shutdowns->views = calloc(shutdowns->trace->nr_machines, sizeof(*shutdowns->views));
	if (!shutdowns->views)
		return error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < shutdowns->trace->nr_machines && !result; i++)
		if (machine < 0 || (uint32_t)machine == i)
			result = add_machine(shutdowns, i, given, range, error);
	return !result && !shutdowns->nr_views ? no_shutdown(given, error) : result;
}

static int show_svg(const struct shutdowns *shutdowns, const char *path, struct error *error)
{
	if (shutdowns->nr_views == 1)
		return shutdown_svg(&shutdowns->views[0], path, error);
	error_set(error, -EINVAL, "--svg: the trace holds the shutdown of %zu machines", shutdowns->nr_views);
	return error_hint(
		error, "choose one with --machine, such as --machine %s", shutdowns->views[0].machine->name);
}

static int show(
	const struct shutdowns *shutdowns, const struct shutdown_options_given *given, struct error *error)
{
	int result = given->svg ? show_svg(shutdowns, given->svg, error) : 0;

	if (result < 0)
		return result;
	if (given->json) {
		result = shutdown_json(shutdowns->views, shutdowns->nr_views, &shutdowns->damage, stdout);
	} else {
		for (size_t i = 0; i < shutdowns->nr_views; i++) {
			fputs(i ? "\n" : "", stdout);
			shutdown_text(&shutdowns->views[i], stdout, isatty(STDOUT_FILENO));
		}
	}
	return result < 0 ? error_set(error, result, "out of memory") : 0;
}

static int shutdown_run(const struct command *self, int argc, char **argv)
{
	struct shutdown_options_given given = {.top = UINT64_MAX};
	struct shutdowns shutdowns = {0};
	struct time_range range;
	struct error error = {0};
	bool shown = false;
	int result = options_parse(self, &argc, &argv, &given, &error);

	if (result == 1)
		return 0;
	if (result < 0 || time_range_parse(&range, given.time, &error))
		return show_error(&error, given.json, 2);
	result = shutdowns_init(&shutdowns, argc, argv, &given, &range, &error);
	if (!result) {
		result = show(&shutdowns, &given, &error);
		shown = !result;
		if (!result)
			result = trace_damage_error(&shutdowns.damage, &error);
	}
	shutdowns_deinit(&shutdowns);
	if (result && shown && given.json)
		return 1; /* the document says what is damaged */
	return result ? show_error(&error, given.json, 1) : 0;
}

const struct command cmd_shutdown = {
	.name = "shutdown",
	.summary = "Say what a machine's end took: notifiers, devices, sleeps",
	.synopsis = "[OPTION]... [TRACE]...",
	.description =
		"Reads a trace that holds the end of a machine, without TRACE hypertrace.data, and says where the "
		"time went: user space from the command (poweroff, reboot, ...) to the system call, then the "
		"kernel: reboot notifiers, the devices' shutdown callbacks, those of the system's core, and what "
		"the machine does at last.\n\n"
		"Each call is timed, and what in it slept, delayed or waited is named. For that the trace needs "
		"the function graph of the kernel's part, which the channel ftrace records with -e shutdown. "
		"Without it there are the times at which the task that shuts down was off the CPU (-e sched), "
		"the kernel's messages (-e printk:console) and the moment of the system call or of the reboot "
		"notifier.\n\n"
		"A function whose end never came is marked with a +: the machine stopped inside it.",
	.examples = "  # which driver holds up the end?\n"
		    "  hypertrace run --channel ftrace -e shutdown,sched -- true\n"
		    "  hypertrace shutdown\n"
		    "  # as a drawing\n"
		    "  hypertrace shutdown t --svg shutdown.svg\n"
		    "  # what sleeps longer than 10 ms, for a script\n"
		    "  hypertrace shutdown t --json | jq '.machines[0].waits[] | select(.duration_ns > 1e7)'",
	.options = shutdown_specs,
	.run = shutdown_run,
};
