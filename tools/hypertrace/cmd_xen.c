/* SPDX-License-Identifier: MIT */
/* The verb xen: its own verbs, each in its cmd_xen_<verb>.c and one line here. */
#include <errno.h>
#include <string.h>

#include "lib/base/suggest.h"
#include "tools/hypertrace/commands.h"

const struct command *const xen_commands[] = {
	&cmd_xen_dump,
	&cmd_xen_summary,
	&cmd_xen_scatter,
	&cmd_xen_format,
	&cmd_xen_convert,
};
const size_t xen_commands_count = sizeof(xen_commands) / sizeof(xen_commands[0]);

/* Behind "xen ". */
static const char *verb_of(const struct command *command)
{
	return command->name + strlen(cmd_xen.name) + 1;
}

const struct command *find_xen_command(const char *verb)
{
	for (size_t i = 0; i < xen_commands_count; i++)
		if (strcmp(verb_of(xen_commands[i]), verb) == 0)
			return xen_commands[i];
	return NULL;
}

static void show_xen_commands(FILE *out)
{
	fputs("hypertrace xen VERB [OPTION]... reads traces of the Xen hypervisor, made by xentrace.\n\n",
		out);
	for (size_t i = 0; i < xen_commands_count; i++)
		fprintf(out, "  %-10s %s\n", verb_of(xen_commands[i]), xen_commands[i]->summary);
	fputs("\nhypertrace xen VERB --help shows a verb's options and examples.\n", out);
}

static int run_xen(const struct command *self, int argc, char **argv)
{
	const struct command *command;
	struct suggestion suggestion;
	struct error error = {0};
	int result;

	if (argc < 2) {
		show_xen_commands(stderr);
		return 2;
	}
	if (argv[1][0] == '-') { /* it has no option but --help */
		result = options_parse(self, &argc, &argv, NULL, &error);
		if (!result)
			error_set(&error, -EINVAL, "its verb comes first");
		return result == 1 ? 0 : show_error(&error, false, 2);
	}
	command = find_xen_command(argv[1]);
	if (command)
		return command->run(command, argc - 1, argv + 1);
	suggestion = suggestion_for(argv[1], strlen(argv[1]));
	for (size_t i = 0; i < xen_commands_count; i++)
		suggestion_consider(&suggestion, verb_of(xen_commands[i]));
	error_set(&error, -EINVAL, "unknown verb 'xen %s'", argv[1]);
	if (suggestion.best)
		error_hint(&error, "did you mean 'xen %s'? hypertrace xen --help lists the verbs",
			suggestion.best);
	error_hint(&error, "hypertrace xen --help lists the verbs");
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
	.verbs = xen_commands,
	.nr_verbs = sizeof(xen_commands) / sizeof(xen_commands[0]),
	.run = run_xen,
};
