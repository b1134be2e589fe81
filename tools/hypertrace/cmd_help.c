/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "tools/hypertrace/commands.h"

struct help_options {
	bool man;
	bool completion;
};

static const struct option_spec help_specs[] = {
	{0, "man", NULL, OPTION_FLAG, offsetof(struct help_options, man),
		"print the verb's man page, as mdoc"},
	{0, "completion", NULL, OPTION_FLAG, offsetof(struct help_options, completion),
		"print the completion script for bash"},
	{0},
};

static int help_run(const struct command *self, int argc, char **argv)
{
	struct help_options options = {0};
	const struct command *command = NULL;
	struct error error = {0};
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result)
		return result == 1 ? 0 : show_error(&error, false, 2);
	if (argc > 0 && !(command = verb_list_find(&all_verbs, argv[0]))) {
		verb_list_unknown(&all_verbs, argv[0], &error);
		return show_error(&error, false, 2);
	}
	if (argc > 1 && command->verbs) {
		const struct verb_list *list = command->verbs;

		command = verb_list_find(list, argv[1]);
		if (!command) {
			verb_list_unknown(list, argv[1], &error);
			return show_error(&error, false, 2);
		}
	}
	if (options.man && !command) {
		error_set(&error, -EINVAL, "help --man needs a verb");
		return show_error(&error, false, 2);
	}
	if (options.completion)
		options_completion(&all_verbs, stdout);
	else if (options.man)
		options_man(command, stdout);
	else if (command)
		options_help(command, stdout);
	else
		show_commands(stdout);
	return 0;
}

static const char *name_at(size_t index)
{
	return index < all_verbs.count ? all_verbs.verbs[index]->name : NULL;
}

const struct command cmd_help = {
	.name = "help",
	.summary = "Show the verbs, one verb's help, or its man page",
	.synopsis = "[--man] [VERB] | --completion",
	.examples = "  # read the man page of a verb before it is installed\n"
		    "  hypertrace help --man run | man -l -\n"
		    "  # complete verbs and options in this shell\n"
		    "  . <(hypertrace help --completion)",
	.options = help_specs,
	.operand = name_at,
	.run = help_run,
};
