/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "tools/hypertrace/commands.h"
#include "lib/base/suggest.h"
#include "config.h"

const struct command *const commands[] = {
	&cmd_run, &cmd_record, &cmd_attach, &cmd_detach,      /* make traces */
	&cmd_report, &cmd_dump, &cmd_info,                    /* read them */
	&cmd_graph, &cmd_boot, &cmd_shutdown,                 /* … for one question */
	&cmd_vcpu, &cmd_exits, &cmd_latency, &cmd_clocks,     /* … of guests with their host */
	&cmd_xen,                                             /* … of Xen */
	&cmd_list, &cmd_top, &cmd_dmesg, &cmd_ps, &cmd_panic, /* find guests and look into them */
	&cmd_doctor, &cmd_module, &cmd_bench, &cmd_help,      /* about this machine and this program */
};
const size_t commands_count = sizeof(commands) / sizeof(commands[0]);

const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < commands_count; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

void show_commands(FILE *out)
{
	fputs("hypertrace VERB [OPTION]... traces guest kernels from their host.\n\n", out);
	for (size_t i = 0; i < commands_count; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nhypertrace VERB --help shows a verb's options and examples.\n", out);
}

static int unknown_verb(const char *name)
{
	struct suggestion suggestion = suggestion_for(name, strlen(name));
	struct error error = {0};

	for (size_t i = 0; i < commands_count; i++)
		suggestion_consider(&suggestion, commands[i]->name);
	error_set(&error, -EINVAL, "unknown verb '%s'", name);
	if (suggestion.best)
		error_hint(&error, "did you mean '%s'? hypertrace --help lists the verbs", suggestion.best);
	error_hint(&error, "hypertrace --help lists the verbs");
	return show_error(&error, false, 2);
}

/* What was printed may not have arrived: a full disk, a closed pipe. `dump | head` has seen enough. */
static int flush_output(int status)
{
	struct error error = {0};

	if ((fflush(stdout) == 0 && !ferror(stdout)) || status || errno == EPIPE)
		return status;
	error_set(&error, errno ? -errno : -EIO, "cannot write: %s", strerror(errno ? errno : EIO));
	return show_error(&error, false, 1);
}

int main(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		show_commands(stderr);
		return 2;
	}
	if (strcmp(argv[1], "--version") == 0)
		return flush_output(printf("hypertrace %s\n", HYPERTRACE_VERSION) < 0);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		show_commands(stdout);
		return flush_output(0);
	}
	command = find_command(argv[1]);
	return command ? flush_output(command->run(command, argc - 1, argv + 1)) : unknown_verb(argv[1]);
}
