/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "tools/hypertrace/commands.h"
#include "config.h"

static const struct command *const commands[] = {
	&cmd_run, &cmd_record, &cmd_attach, &cmd_detach,      /* make traces */
	&cmd_report, &cmd_dump, &cmd_info,                    /* read them */
	&cmd_graph, &cmd_boot, &cmd_shutdown,                 /* … for one question */
	&cmd_vcpu, &cmd_exits, &cmd_latency, &cmd_clocks,     /* … of guests with their host */
	&cmd_xen,                                             /* … of Xen */
	&cmd_list, &cmd_top, &cmd_dmesg, &cmd_ps, &cmd_panic, /* find guests and look into them */
	&cmd_doctor, &cmd_module, &cmd_bench, &cmd_help,      /* about this machine and this program */
};
const struct verb_list all_verbs = {commands, sizeof(commands) / sizeof(commands[0]), NULL};

void show_commands(FILE *out)
{
	verb_list_show(&all_verbs, "traces guest kernels from their host.", out);
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
	struct error error = {0};

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
	command = verb_list_find(&all_verbs, argv[1]);
	if (command)
		return flush_output(command->run(command, argc - 1, argv + 1));
	verb_list_unknown(&all_verbs, argv[1], &error);
	return show_error(&error, false, 2);
}
