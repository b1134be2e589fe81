/* SPDX-License-Identifier: MIT */
/* What the option tables say to people and to shells: --help, mdoc(7) man pages, bash completion. */
#include "tools/hypertrace/options.h"

#include <stdlib.h>
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#define HELP_COLUMN 30

static const char *bold(FILE *out)
{
	return isatty(fileno(out)) ? "\033[1m" : "";
}

static const char *plain(FILE *out)
{
	return isatty(fileno(out)) ? "\033[0m" : "";
}

static void heading(FILE *out, const char *text)
{
	fprintf(out, "\n%s%s%s\n", bold(out), text, plain(out));
}

static void help_line(const char *name, char letter, const char *argument, const char *help, FILE *out)
{
	int width = letter ? fprintf(out, "  -%c, --%s", letter, name) : fprintf(out, "      --%s", name);

	if (argument)
		width += fprintf(out, " %s", argument);
	if (width + 2 > HELP_COLUMN) {
		fputc('\n', out);
		width = 0;
	}
	fprintf(out, "%*s%s\n", HELP_COLUMN - width, "", help);
}

void options_help(const struct command *command, FILE *out)
{
	fprintf(out, "%shypertrace %s%s %s\n\n%s.\n", bold(out), command->name, plain(out), command->synopsis,
	        command->summary);
	if (command->description)
		fprintf(out, "\n%s\n", command->description);
	heading(out, "Options");
	for (const struct option_spec *option = command->options; option && option->name; option++)
		help_line(option->name, option->letter, option->argument, option->help, out);
	help_line("help", 0, NULL, "show this help", out);
	if (command->examples) {
		heading(out, "Examples");
		fprintf(out, "%s\n", command->examples);
	}
}

/* Text as roff takes it: no backslash, and no line that starts with a control character. */
static void man_text(const char *text, FILE *out)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
		line_start = *text == '\n';
	}
	if (!line_start)
		fputc('\n', out);
}

/* As man_text(), but an empty line starts a new paragraph. */
static void man_paragraphs(const char *text, FILE *out)
{
	const char *end;

	while ((end = strstr(text, "\n\n"))) {
		char *paragraph = strndup(text, (size_t)(end - text));

		if (!paragraph)
			return;
		man_text(paragraph, out);
		fputs(".Pp\n", out);
		free(paragraph);
		text = end + 2;
	}
	man_text(text, out);
}

static void man_option(const struct option_spec *option, FILE *out)
{
	fputs(".It ", out);
	if (option->letter)
		fprintf(out, "Fl %c , ", option->letter);
	fprintf(out, "Fl \\-%s", option->name);
	if (option->argument)
		fprintf(out, " Ar \"%s\"", option->argument);
	fputc('\n', out);
	man_text(option->help, out);
}

void options_man(const struct command *command, FILE *out)
{
	fputs(".Dd December 1, 2025\n.Dt HYPERTRACE-", out);
	for (const char *letter = command->name; *letter; letter++)
		fputc(toupper(*letter), out);
	fputs(" 1\n.Os hypertrace\n", out);
	fprintf(out, ".Sh NAME\n.Nm hypertrace-%s\n.Nd %s\n", command->name, command->summary);
	fprintf(out, ".Sh SYNOPSIS\n.Nm hypertrace %s\n", command->name);
	man_text(command->synopsis, out);
	fputs(".Sh DESCRIPTION\n", out);
	man_paragraphs(command->description ? command->description : command->summary, out);
	if (command->options && command->options->name) {
		fputs(".Sh OPTIONS\n.Bl -tag -width Ds\n", out);
		for (const struct option_spec *option = command->options; option->name; option++)
			man_option(option, out);
		fputs(".El\n", out);
	}
	if (command->examples) {
		fputs(".Sh EXAMPLES\n.Bd -literal\n", out);
		man_text(command->examples, out);
		fputs(".Ed\n", out);
	}
	fputs(".Sh SEE ALSO\n.Xr hypertrace 1\n", out);
}

static void completion_words(const struct command *command, FILE *out)
{
	fprintf(out, "\t%s) words=\"--help", command->name);
	for (const struct option_spec *option = command->options; option && option->name; option++)
		fprintf(out, " --%s", option->name);
	fputs("\" ;;\n", out);
}

/* Options from the tables; file names wherever a word does not start with a dash. */
void options_completion(const struct command *const *commands, size_t count, FILE *out)
{
	fputs("# bash completion for hypertrace, made by: hypertrace help --completion\n"
	      "_hypertrace()\n{\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} words=\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W '--help --version",
	        out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, " %s", commands[i]->name);
	fputs("' -- \"$word\"))\n\t\treturn\n\tfi\n"
	      "\tcase ${COMP_WORDS[1]} in\n",
	        out);
	for (size_t i = 0; i < count; i++)
		completion_words(commands[i], out);
	fputs("\tesac\n"
	      "\tcase $word in\n"
	      "\t-*) COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;;\n"
	      "\t*) compopt -o default; COMPREPLY=() ;;\n"
	      "\tesac\n}\n"
	      "complete -F _hypertrace hypertrace\n",
	        out);
}
