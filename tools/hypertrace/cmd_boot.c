/* SPDX-License-Identifier: MIT */
/* The verb boot: one pass over each machine's events, then what the boot took. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/boot_diff.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/machine_feed.h"
#include "tools/hypertrace/reading_options.h"

#define TOP_DEFAULT 10

struct boot_options_given {
	const char *machine, *time, *until, *svg;
	double threshold_s;
	uint64_t top;
	bool guest_clock, json, diff;
};

#define OPTION(member) offsetof(struct boot_options_given, member)

static const struct option_spec boot_specs[] = {
	{'u', "until", "COMM", OPTION_STRING, OPTION(until),
		"the boot is over where the program of that name is executed; default at the trace's end"},
	{0, "diff", NULL, OPTION_FLAG, OPTION(diff),
		"compare two boots, A and B: what takes longer or shorter in B, what is new, what is gone"},
	{0, "threshold", "TIME", OPTION_SECONDS, OPTION(threshold_s),
		"with --diff: differences from there on; default 1ms"},
	{'t', "time", "FROM-TO", OPTION_STRING, OPTION(time),
		"only this part, counted from the trace's start: '1.5-2', '200ms-', '-10s'"},
	{'m', "machine", "NAME", OPTION_STRING, OPTION(machine), "only this machine"},
	{'n', "top", "N", OPTION_UNSIGNED, OPTION(top),
		"rows of each table, 0 for all; default 10, with --json all"},
	{0, "guest-clock", NULL, OPTION_FLAG, OPTION(guest_clock),
		"time as the guest's clock counts it: steady where the host was busy, exact with --icount"},
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
	struct trace_damage damage;
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
		.power_on_ns = given->time || given->guest_clock ? 0 : power_on_ns(machine),
		.until = given->until,
	};
	struct machine_feed machine_feed = {.event = feed, .guest_clock = given->guest_clock};
	struct boot *boot;
	int result = trace_machine_load_names(machine, NAMES_ALL, error);

	if (result < 0)
		return result;
	if (boot_create(&options, &boot) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	machine_feed.context = boot;
	result = machine_feed_run(&machine_feed, boots->trace, number, range, error);
	boot_finish(boot);
	trace_damage_add(&boots->damage, &machine_feed.damage);
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
		result = boot_json(boots->views, boots->nr_views, &boots->damage, stdout);
	} else {
		for (size_t i = 0; i < boots->nr_views; i++) {
			fputs(i ? "\n" : "", stdout);
			boot_text(&boots->views[i], stdout, isatty(STDOUT_FILENO));
		}
	}
	return result < 0 ? error_set(error, result, "out of memory") : 0;
}

static int show_diff(const struct boots *a, const struct boots *b, char **paths,
	const struct boot_options_given *given, struct error *error)
{
	const struct boot_diff diff = {
		.a = &a->views[0],
		.b = &b->views[0],
		.a_path = paths[0],
		.b_path = paths[1],
		.threshold_ns = (uint64_t)(given->threshold_s * 1e9),
	};
	const struct boots *sides[] = {a, b};
	int result;

	for (int i = 0; i < 2; i++) {
		if (sides[i]->nr_views == 1)
			continue;
		error_set(error, -EINVAL, "%s holds the start of %zu machines", paths[i], sides[i]->nr_views);
		return error_hint(error, "choose one with --machine, such as --machine %s",
			sides[i]->views[0].machine->name);
	}
	result = given->json ? boot_diff_json(&diff, stdout)
			     : boot_diff_text(&diff, stdout, isatty(STDOUT_FILENO));
	return result < 0 ? error_set(error, result, "out of memory") : 0;
}

/* *shown: the result is out; what is damaged is said after it. */
static int report(int argc, char **argv, const struct boot_options_given *given,
	const struct time_range *range, bool *shown, struct error *error)
{
	struct boots boots[2] = {0};
	int result = boots_init(&boots[0], given->diff ? 1 : argc, argv, given, range, error);

	if (!result && given->diff) {
		result = boots_init(&boots[1], 1, argv + 1, given, range, error);
		if (!result)
			result = show_diff(&boots[0], &boots[1], argv, given, error);
	} else if (!result) {
		result = show(&boots[0], given, error);
	}
	*shown = !result;
	for (int i = 0; i < 2; i++) {
		if (!result)
			result = trace_damage_error(&boots[i].damage, error);
		boots_deinit(&boots[i]);
	}
	return result;
}

static int check(int argc, const struct boot_options_given *given, struct error *error)
{
	if (given->diff && argc != 2) {
		error_set(error, -EINVAL, "--diff compares two traces, not %d", argc);
		return error_hint(error, "hypertrace boot --diff BEFORE AFTER");
	}
	if (given->diff && given->svg)
		return error_set(error, -EINVAL, "--svg draws one boot, not the difference of two");
	return 0;
}

static int boot_run(const struct command *self, int argc, char **argv)
{
	struct boot_options_given given = {.top = UINT64_MAX, .threshold_s = 1e-3};
	struct time_range range;
	struct error error = {0};
	bool shown = false;
	int result = options_parse(self, &argc, &argv, &given, &error);

	if (result == 1)
		return 0;
	if (result < 0 || time_range_parse(&range, given.time, &error) || check(argc, &given, &error))
		return show_error(&error, given.json, 2);
	result = report(argc, argv, &given, &range, &shown, &error);
	if (result && shown && given.json)
		return 1; /* the document says what is damaged */
	return result ? show_error(&error, given.json, 1) : 0;
}

const struct command cmd_boot = {
	.name = "boot",
	.summary = "Say what a machine's start took: stages, initcalls, programs",
	.synopsis = "[OPTION]... [TRACE]...",
	.description =
		"Reads a trace that holds the start of a machine, without TRACE hypertrace.data, and says where the "
		"time went: stages from power-on to the trace's end (or to --until), the waterfall of what took "
		"long, initcalls, times without any, programs, and kernel messages that were long in coming.\n\n"
		"An initcall's duration leaves out initcalls nested in it; \"off the CPU\" is the share of its "
		"time in which its task slept or waited for a CPU. Times on CPUs need sched events, programs their "
		"fork and exec, messages printk:console; what a trace does not hold is left out. No duration of a "
		"module's initcall, and no time off the CPU, is measured across a gap of lost events.\n\n"
		"The channel ftrace sees the kernel from its first initcalls on. The channel shm comes with a "
		"module, later: with it there are modules' initcalls and programs only.\n\n"
		"With --diff two boots are compared: stages by name, initcalls by function and module, programs by "
		"name, the n-th with the n-th. The first line says what explains the difference best. Boots with "
		"--icount, read with --guest-clock, hardly differ by themselves.",
	.examples = "  # where does a kernel's start spend its time?\n"
		    "  hypertrace run --channel ftrace -e initcall,sched,printk:console -- true\n"
		    "  hypertrace boot\n"
		    "  # as a drawing, up to the moment sshd is executed\n"
		    "  hypertrace boot t --until sshd --svg boot.svg\n"
		    "  # what made it slower?\n"
		    "  hypertrace boot --diff before after --threshold 5ms\n"
		    "  # the same, exactly: guests whose clock is their count of instructions\n"
		    "  hypertrace run --icount --channel ftrace -e initcall,sched -o before -- true\n"
		    "  hypertrace boot --guest-clock --diff before after\n"
		    "  # the ten slowest initcalls for a script\n"
		    "  hypertrace boot t --json --top 10 | jq '.machines[0].initcalls.rows[].function'",
	.options = boot_specs,
	.run = boot_run,
};
