/* SPDX-License-Identifier: MIT */
/* The verb xen: its own verbs, each in its cmd_xen_<verb>.c and one line here. */
#include <errno.h>

#include "tools/hypertrace/commands.h"

static const struct command *const xen_commands[] = {
	&cmd_xen_dump,
	&cmd_xen_summary,
	&cmd_xen_scatter,
	&cmd_xen_format,
	&cmd_xen_convert,
};
const struct verb_list xen_verbs = {xen_commands, sizeof(xen_commands) / sizeof(xen_commands[0]), "xen"};

static int run_xen(const struct command *self, int argc, char **argv)
{
	const struct command *command;
	struct error error = {0};
	int result;

	if (argc < 2) {
		verb_list_show(&xen_verbs, "reads traces of the Xen hypervisor, made by xentrace.", stderr);
		return 2;
	}
	if (argv[1][0] == '-') { /* it has no option but --help */
		result = options_parse(self, &argc, &argv, NULL, &error);
		if (!result)
			error_set(&error, -EINVAL, "its verb comes first");
		return result == 1 ? 0 : show_error(&error, false, 2);
	}
	command = verb_list_find(&xen_verbs, argv[1]);
	if (command)
		return command->run(command, argc - 1, argv + 1);
	verb_list_unknown(&xen_verbs, argv[1], &error);
	return show_error(&error, false, 2);
}

const struct command cmd_xen = {
	.name = "xen",
	.summary = "Read traces of the Xen hypervisor: events, sums, pictures, conversion",
	.synopsis = "VERB [OPTION]...",
	.description =
		"Reads what xentrace wrote in dom0, on any machine; a trace that is damaged or in part, too. Each verb has its own "
		"help: hypertrace xen VERB --help, and page, for example hypertrace-xen-dump(1).\n\n"
		"  dump     the events, one a line, decoded\n"
		"  summary  sums by domain, vCPU and pCPU: runstates, waits, exits, hypercalls, memory\n"
		"  scatter  single happenings over time, as rows or drawn\n"
		"  format   the events as text by one's own rules\n"
		"  convert  a trace that all other verbs read",
	.examples = "  # in dom0: ten seconds of all events\n"
		    "  xentrace -D -e all -T 10 xen.trace\n"
		    "  # events, one a line\n"
		    "  hypertrace xen dump xen.trace | less\n"
		    "  # what domains and their vCPUs did\n"
		    "  hypertrace xen summary xen.trace",
	.verbs = &xen_verbs,
	.run = run_xen,
};
