/* SPDX-License-Identifier: MIT */
/* What the option tables say to bash: verbs, options, and the words that some options and operands are made of. */
#include "tools/hypertrace/options.h"
#include "tools/hypertrace/verb_list.h"

typedef void say_command(const struct command *command, FILE *out);

/* Of all verbs, and the verbs behind them. */
static void each(const struct verb_list *list, say_command *say, FILE *out)
{
	for (size_t i = 0; i < list->count; i++) {
		say(list->verbs[i], out);
		if (list->verbs[i]->verbs)
			each(list->verbs[i]->verbs, say, out);
	}
}

static void say_names(const struct verb_list *list, FILE *out)
{
	for (size_t i = 0; i < list->count; i++)
		fprintf(out, "%s%s", i ? " " : "", verb_word(list->verbs[i]));
}

/* Options, those of them that want an argument, and words for operands. */
static void say_words(const struct command *command, FILE *out)
{
	const char *word;

	fprintf(out, "\t'%s')\n\t\twords=\"--help", command->name);
	for (const struct option_spec *option = command->options; option && option->name; option++)
		fprintf(out, " --%s", option->name);
	fputs("\" wanting=\"", out);
	for (const struct option_spec *option = command->options; option && option->name; option++) {
		if (option->kind == OPTION_FLAG)
			continue;
		fprintf(out, " --%s", option->name);
		if (option->letter)
			fprintf(out, " -%c", option->letter);
	}
	fputs(" \" operands=\" ", out);
	for (size_t i = 0; command->operand && (word = command->operand(i)); i++)
		fprintf(out, "%s ", word);
	fprintf(out, "\"%s ;;\n", command->same_operands ? " same=1" : "");
}

/* What may stand behind an option that wants one of some words, or behind a verb that wants another. */
static void say_choices(const struct command *command, FILE *out)
{
	for (const struct option_spec *option = command->options; option && option->name; option++) {
		if (option->kind != OPTION_CHOICE)
			continue;
		fprintf(out, "\t'%s --%s'", command->name, option->name);
		if (option->letter)
			fprintf(out, " | '%s -%c'", command->name, option->letter);
		fputs(") values=\"", out);
		for (const char *at = option->argument; *at; at++)
			fputc(*at == '|' ? ' ' : *at, out);
		fputs("\" ;;\n", out);
	}
	if (!command->verbs)
		return;
	fprintf(out, "\t'%s %s' | 'help %s') values=\"", command->name, command->name, command->name);
	say_names(command->verbs, out);
	fputs("\" ;;\n", out);
}

/* The name of a verb behind another has both words. */
static void say_two_words(const struct command *command, FILE *out)
{
	if (command->verbs)
		fprintf(out, "\t%s) [ \"$COMP_CWORD\" -eq 2 ] || verb=\"$verb ${COMP_WORDS[2]}\" ;;\n",
			command->name);
}

void options_completion(const struct verb_list *verbs, FILE *out)
{
	fputs("# bash completion for hypertrace, made by: hypertrace help --completion\n"
	      "_hypertrace()\n{\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]}\n"
	      "\tlocal words= wanting= operands= same= values= before\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"",
		out);
	say_names(verbs, out);
	fputs(" --help --version\" -- \"$word\"))\n"
	      "\t\treturn\n\tfi\n"
	      "\tcase $verb in\n",
		out);
	each(verbs, say_two_words, out);
	fputs("\tesac\n\tcase $verb in\n", out);
	each(verbs, say_words, out);
	fputs("\tesac\n\tcase \"$verb $last\" in\n", out);
	each(verbs, say_choices, out);
	/* an operand's words only once, unless each is of them, and not where an option wants its argument */
	fputs("\tesac\n"
	      "\tfor before in \"${COMP_WORDS[@]:2:COMP_CWORD-2}\"; do\n"
	      "\t\t[[ $same || $operands != *\" $before \"* ]] || operands=\n"
	      "\tdone\n"
	      "\t[[ $wanting != *\" $last \"* ]] || operands=\n"
	      "\tcase $word in\n"
	      "\t-*) values=$words ;;\n"
	      "\t*) values=${values:-$operands} ;;\n"
	      "\tesac\n"
	      "\t[ -z \"$values\" ] || COMPREPLY=($(compgen -W \"$values\" -- \"$word\"))\n}\n"
	      "complete -o bashdefault -o default -F _hypertrace hypertrace\n",
		out);
}
