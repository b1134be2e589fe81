/* SPDX-License-Identifier: MIT */
/* The verb boot: one pass over each machine's events, then what the boot took. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/boot_view.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/machine_feed.h"
#include "tools/hypertrace/reading_options.h"

#define TOP_DEFAULT 10

struct boot_options_given {
	const char *machine, *time, *until, *svg;
	double threshold_s;
	uint64_t top;
	bool json, diff;
};

#define OPTION(member) offsetof(struct boot_options_given, member)

static const struct option_spec boot_specs[] = {
	{'u', "until", "COMM", OPTION_STRING, OPTION(until),
		"the boot is over where the program of that name is executed; default at the trace's end"},
	{'d', "diff", NULL, OPTION_FLAG, OPTION(diff),
		"compare two boots, A and B: what takes longer or shorter in B, what is new, what is gone"},
	{0, "threshold", "TIME", OPTION_SECONDS, OPTION(threshold_s),
		"with --diff: differences from there on; default 1ms"},
	{'t', "time", "FROM-TO", OPTION_STRING, OPTION(time),
		"only this part, counted from the trace's start: '1.5-2', '200ms-', '-10s'"},
	{'m', "machine", "NAME", OPTION_STRING, OPTION(machine), "only this machine"},
	{'n', "top", "N", OPTION_UNSIGNED, OPTION(top),
		"rows of each table, 0 for all; default 10, with --json all"},
	{0, "svg", "FILE", OPTION_STRING, OPTION(svg),
		"draw the waterfall, of one machine, to look at in a browser"},
	{0, "json", NULL, OPTION_FLAG, OPTION(json), "print one JSON document, all times in nanoseconds"},
	{0},
};

/* One trace's machines whose start it holds. */
struct boots {
	struct trace *trace;
	struct boot_view *views;
	size_t nr_views;
	uint64_t damaged;
	struct error damage;
};

static void boots_deinit(struct boots *boots)
{
	for (size_t i = 0; i < boots->nr_views; i++)
		boot_destroy((struct boot *)boots->views[i].boot);
	free(boots->views);
	trace_close(boots->trace);
}

static uint64_t power_on_ns(const struct trace_machine *machine)
{
	int64_t start_ns = machine->info->start_host_ns;

	return start_ns && start_ns > -machine->realtime_offset_ns
		? (uint64_t)(start_ns + machine->realtime_offset_ns)
		: 0;
}

static void feed(void *context, const struct trace_event *event, uint64_t now_ns)
{
	boot_add(context, event->type, event->payload, event->cpu, event->pid, now_ns);
}

/* Of use: the kernel's start, init's, or at least what was executed, of a channel that comes later. */
static bool is_a_boot(const struct boot *boot, const struct trace_machine *machine)
{
	if (boot_has_kernel(boot) || boot_has_init(boot))
		return true;
	return !strcmp(machine->info->channel, "shm") && (boot->processes.execs || boot->initcalls.finished);
}

static int add_machine(struct boots *boots, uint32_t number, const struct boot_options_given *given,
	const struct time_range *range, struct error *error)
{
	struct trace_machine *machine = &boots->trace->machines[number];
	const struct boot_options options = {
		.schema = machine->schema,
		.lost_type = stream_reader_lost_type(),
		.names = &machine->names,
		.nr_cpus = machine_feed_cpus(boots->trace, number),
		.power_on_ns = given->time ? 0 : power_on_ns(machine),
		.until = given->until,
	};
	struct machine_feed machine_feed = {.event = feed};
	struct boot *boot;
	int result = trace_machine_load_names(machine, NAMES_ALL, error);

	if (result < 0)
		return result;
	if (boot_create(&options, &boot) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	machine_feed.context = boot;
	result = machine_feed_run(&machine_feed, boots->trace, number, range, error);
	boot_finish(boot);
	if (machine_feed.damaged && !boots->damaged)
		machine_feed_damage(&machine_feed, &boots->damage);
	boots->damaged += machine_feed.damaged;
	if (result < 0 || !is_a_boot(boot, machine)) {
		boot_destroy(boot);
		return result;
	}
	boots->views[boots->nr_views++] = (struct boot_view){
		.machine = machine,
		.boot = boot,
		.top = given->top == UINT64_MAX ? given->json ? 0 : TOP_DEFAULT : given->top,
	};
	return 0;
}

static int no_boot(const struct boots *boots, const struct boot_options_given *given, struct error *error)
{
	error_set(error, -ENOENT,
		"%s%s%s holds no start of a machine: no initcalls, and no start of its init",
		given->machine ? "machine " : "the trace", given->machine ? given->machine : "",
		given->time ? ", in that time," : "");
	return error_hint(error, "hypertrace run --channel ftrace -e initcall,sched -- true");
}

static int boots_init(struct boots *boots, int count, char **paths, const struct boot_options_given *given,
	const struct time_range *range, struct error *error)
{
	const struct reading_options reading = {.machine = given->machine};
	int machine, result = open_traces(count, paths, &boots->trace, error);

	if (!result)
		result = reading_options_machine(&reading, boots->trace, &machine, error);
	if (result < 0)
		return result;
	boots->views = calloc(boots->trace->nr_machines, sizeof(*boots->views));
	if (!boots->views)
		return error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < boots->trace->nr_machines && !result; i++)
		if (machine < 0 || (uint32_t)machine == i)
			result = add_machine(boots, i, given, range, error);
	return !result && !boots->nr_views ? no_boot(boots, given, error) : result;
}

static int show_svg(const struct boots *boots, const char *path, struct error *error)
{
	if (boots->nr_views == 1)
		return boot_svg(&boots->views[0], path, error);
	error_set(error, -EINVAL, "--svg: the trace holds the start of %zu machines", boots->nr_views);
	return error_hint(
		error, "choose one with --machine, such as --machine %s", boots->views[0].machine->name);
}

static int show(const struct boots *boots, const struct boot_options_given *given, struct error *error)
{
	int result = given->svg ? show_svg(boots, given->svg, error) : 0;

	if (result < 0)
		return result;
	if (given->json) {
		result = boot_json(
			boots->views, boots->nr_views, boots->damaged ? &boots->damage : NULL, stdout);
	} else {
		for (size_t i = 0; i < boots->nr_views; i++) {
			fputs(i ? "\n" : "", stdout);
			boot_text(&boots->views[i], stdout, isatty(STDOUT_FILENO));
		}
	}
	return result < 0 ? error_set(error, result, "out of memory") : 0;
}

static int boot_run(const struct command *self, int argc, char **argv)
{
	struct boot_options_given given = {.top = UINT64_MAX, .threshold_s = 1e-3};
	struct boots boots = {0};
	struct time_range range;
	struct error error = {0};
	bool shown = false;
	int result = options_parse(self, &argc, &argv, &given, &error);

	if (result == 1)
		return 0;
	if (result < 0 || time_range_parse(&range, given.time, &error))
		return show_error(&error, given.json, 2);
	result = boots_init(&boots, argc, argv, &given, &range, &error);
	if (!result) {
		result = show(&boots, &given, &error);
		shown = !result;
		if (!result && boots.damaged) {
			error = boots.damage;
			result = error.code;
		}
	}
	boots_deinit(&boots);
	if (result && shown && given.json)
		return 1; /* the document says what is damaged */
	return result ? show_error(&error, given.json, 1) : 0;
}

const struct command cmd_boot = {
	.name = "boot",
	.summary = "Say what a machine's start took: stages, initcalls, programs",
	.synopsis = "[OPTION]... [TRACE]...",
	.description = "TODO",
	.examples = "  # TODO\n"
		    "  hypertrace boot",
	.options = boot_specs,
	.run = boot_run,
};
