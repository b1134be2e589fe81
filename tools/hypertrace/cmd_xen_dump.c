/* SPDX-License-Identifier: MIT */
/* The verb xen dump: merged events of a Xen trace, one line each. */
#include <signal.h>
#include <unistd.h>

#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/xen_dump.h"

struct dump_options {
	const char *events, *pcpus, *domains, *vcpus, *time, *cpu_hz;
	struct string_list symbols;
	bool raw, json, count, svm;
};

static const struct option_spec dump_specs[] = {
	{'e', "events", "LIST", OPTION_STRING, offsetof(struct dump_options, events),
		"only these: names of events, classes (sched, pv, hvm, …), schedulers (csched2, …), numbers (0x28004)"},
	{'t', "time", "FROM-TO", OPTION_STRING, offsetof(struct dump_options, time),
		"only that part, in seconds (or ms, us, m) from the first event"},
	{0, "pcpu", "LIST", OPTION_STRING, offsetof(struct dump_options, pcpus),
		"only of these pCPUs: 0-3,8"},
	{0, "domain", "LIST", OPTION_STRING, offsetof(struct dump_options, domains),
		"only what happened while these domains ran or what names them: 0,1"},
	{0, "vcpu", "LIST", OPTION_STRING, offsetof(struct dump_options, vcpus),
		"the same of vCPUs: d1v0,d1v1"},
	{0, "cpu-hz", "HZ", OPTION_STRING, offsetof(struct dump_options, cpu_hz), XEN_CPU_HZ_HELP},
	{0, "svm", NULL, OPTION_FLAG, offsetof(struct dump_options, svm), XEN_SVM_HELP},
	{0, "symbols", "FILE[:DOMAIN]", OPTION_LIST, offsetof(struct dump_options, symbols),
		XEN_SYMBOLS_HELP},
	{0, "raw", NULL, OPTION_FLAG, offsetof(struct dump_options, raw),
		"events as recorded: number, TSC, extra words"},
	{'c', "count", NULL, OPTION_FLAG, offsetof(struct dump_options, count),
		"print the number of events instead"},
	{0, "json", NULL, OPTION_FLAG, offsetof(struct dump_options, json),
		"print one JSON object a line; the first has the TSC's frequency"},
	{0},
};

static int run_dump(const struct command *self, int argc, char **argv)
{
	struct dump_options options = {0};
	struct xen_dump dump = {.fd = STDOUT_FILENO};
	struct error error = {0};
	const char *path;
	double hz;
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	if (result < 0 || xen_input_operand(argc, argv, &path, &error) ||
		(options.cpu_hz && xen_clock_parse_hz(options.cpu_hz, &hz, &error)) ||
		xen_choice_init(&dump.choice, options.events, options.pcpus, options.domains, options.vcpus,
			options.time, &error) ||
		xen_symbols_parse(&dump.symbols, &options.symbols, &error)) {
		xen_symbols_deinit(&dump.symbols);
		return show_error(&error, options.json, 2);
	}
	dump.raw = options.raw;
	dump.json = options.json;
	dump.count = options.count;
	dump.svm = options.svm;
	signal(SIGPIPE, SIG_IGN);
	result = xen_symbols_load(&dump.symbols, &error);
	if (!result)
		result = xen_input_open(&dump.input, path, options.cpu_hz, &error);
	if (!result) {
		if (!dump.json && !dump.count)
			xen_input_say_clock(&dump.input);
		result = xen_dump_run(&dump, &error);
		if (!result)
			result = xen_input_account(&dump.input, &error);
		xen_input_close(&dump.input);
	}
	xen_symbols_deinit(&dump.symbols);
	return result ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_xen_dump = {
	.name = "xen dump",
	.summary = "Print the events of a Xen trace, one line each, in the order of time",
	.synopsis = "[OPTION]... [FILE]",
	.description =
		"Reads what xentrace wrote, of Xen 4.17 to 4.20; without FILE, or with -, from standard input. A line has the time, the "
		"pCPU, the vCPU that ran there (- between two, ? as long as none was seen), the event and its fields; events that are not "
		"known are shown by number. The events of all pCPUs are merged by their TSC, in one pass and little memory, "
		"however large the file is.\n\n"
		"An event without a TSC has the time of the one before it on its pCPU. lost_records stands where the loss began, with "
		"the time at which it had ended.\n\n"
		"What is whole in a damaged file is printed; then follows an error that says how much was skipped, where and "
		"why, and the exit status is 1.",
	.examples = "  # everything, in the pager\n"
		    "  hypertrace xen dump xen.trace | less\n"
		    "  # what Xen's scheduler did about domain 1 in the third second\n"
		    "  hypertrace xen dump xen.trace -e sched --domain 1 --time 2-3\n"
		    "  # where in the guests' kernels the exits happened\n"
		    "  hypertrace xen dump xen.trace -e pv,hvm --symbols System.map\n"
		    "  # hypercalls of one vCPU, for a program\n"
		    "  hypertrace xen dump xen.trace -e hypercall --vcpu d1v0 --json",
	.options = dump_specs,
	.run = run_dump,
};
