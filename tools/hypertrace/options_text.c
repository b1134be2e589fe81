/* SPDX-License-Identifier: MIT */
/* What the option tables say to people: --help, mdoc(7) man pages. What they say to shells: options_completion.c. */
#include "tools/hypertrace/options.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HYPERTRACE_DATE "November 20, 2026" /* of the man pages, as man/hypertrace.1 */

#define HELP_COLUMN   30 /* where the options' help begins */
#define HELP_WIDTH    100
#define MAN_WIDTH     72 /* a \- is two characters */
#define LETTER_INDENT "      "

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

/* Breaks lines between words; further lines begin at `indent`, where the first one is already. */
static void wrap(const char *text, int indent, FILE *out)
{
	int column = indent;

	while (*text) {
		int blank = column > indent, length;

		if (*text == '\n') {
			fputc('\n', out);
			column = indent;
			text++;
			continue;
		}
		length = (int)strcspn(text += *text == ' ', " \n");
		if (blank && column + blank + length > HELP_WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
			blank = 0;
		}
		column += fprintf(out, "%*s%.*s", blank, "", length, text);
		text += length;
	}
	fputc('\n', out);
}

static void help_option(const struct option_spec *option, FILE *out)
{
	int width = option->letter ? fprintf(out, "  -%c, --%s", option->letter, option->name)
				   : fprintf(out, LETTER_INDENT "--%s", option->name);

	if (option->argument)
		width += fprintf(out, " %s", option->argument);
	if (width + 2 > HELP_COLUMN) {
		fputc('\n', out);
		width = 0;
	}
	fprintf(out, "%*s", HELP_COLUMN - width, "");
	wrap(option->help, HELP_COLUMN, out);
}

static const struct option_spec help_spec = {'h', "help", NULL, OPTION_FLAG, 0, "show this help"};

void options_help(const struct command *command, FILE *out)
{
	fprintf(out, "%shypertrace %s%s %s\n\n%s.\n", bold(out), command->name, plain(out), command->synopsis,
		command->summary);
	if (command->description) {
		fputc('\n', out);
		wrap(command->description, 0, out);
	}
	heading(out, "Options");
	for (const struct option_spec *option = command->options; option && option->name; option++)
		help_option(option, out);
	help_option(&help_spec, out);
	if (command->examples) {
		heading(out, "Examples");
		fprintf(out, "%s\n", command->examples);
	}
}

static void man_char(char c, FILE *out)
{
	fputs(c == '\\' ? "\\e" : c == '-' ? "\\-" : (char[]){c, '\0'}, out);
}

/* Text as it stands, but no line may start with a control character. */
static void man_lines(const char *text, FILE *out)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		man_char(*text, out);
		line_start = *text == '\n';
	}
	if (!line_start)
		fputc('\n', out);
}

/* Text to be filled: each sentence on lines of its own, none longer than 80. */
static void man_fill(const char *text, FILE *out)
{
	size_t column = 0;

	while (*text) {
		size_t length = strcspn(text, " ");
		bool sentence =
			length > 1 && text[length] && text[length - 1] == '.' && text[length - 2] != '.';

		if (column && column + 1 + length > MAN_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		column += length + (column != 0);
		if (column > length)
			fputc(' ', out);
		else if (*text == '.' || *text == '\'')
			fputs("\\&", out);
		for (size_t i = 0; i < length; i++)
			man_char(text[i], out);
		if (sentence)
			fputc('\n', out);
		column = sentence ? 0 : column;
		text += length;
		text += *text == ' ';
	}
	if (column)
		fputc('\n', out);
}

/* An empty line starts a new paragraph; one that has lines keeps them. */
static void man_paragraphs(const char *text, FILE *out)
{
	while (*text) {
		const char *gap = strstr(text, "\n\n");
		size_t length = gap ? (size_t)(gap - text) : strlen(text);
		char *paragraph = strndup(text, length);
		bool lines = paragraph && strchr(paragraph, '\n');

		if (!paragraph)
			return;
		fputs(lines ? ".Bd -literal\n" : "", out);
		(lines ? man_lines : man_fill)(paragraph, out);
		fputs(lines ? ".Ed\n" : "", out);
		fputs(gap ? ".Pp\n" : "", out);
		free(paragraph);
		text += length + (gap ? 2 : 0);
	}
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
	man_fill(option->help, out);
}

void options_man(const struct command *command, FILE *out)
{
	fputs(".Dd " HYPERTRACE_DATE "\n.Dt HYPERTRACE-", out);
	for (const char *letter = command->name; *letter; letter++)
		fputc(*letter == ' ' ? '-' : toupper(*letter), out);
	fputs(" 1\n.Os\n", out);
	fputs(".Sh NAME\n.Nm hypertrace-", out);
	for (const char *letter = command->name; *letter; letter++)
		fputc(*letter == ' ' ? '-' : *letter, out);
	fprintf(out, "\n.Nd %c%s\n", tolower(command->summary[0]), command->summary + 1);
	fprintf(out, ".Sh SYNOPSIS\n.Nm hypertrace %s\n", command->name);
	man_lines(command->synopsis, out);
	fputs(".Sh DESCRIPTION\n", out);
	if (command->description) {
		man_paragraphs(command->description, out);
	} else {
		fprintf(out, "%s.\n", command->summary);
	}
	fputs(".Sh OPTIONS\n.Bl -tag -width Ds\n", out);
	for (const struct option_spec *option = command->options; option && option->name; option++)
		man_option(option, out);
	man_option(&help_spec, out);
	fputs(".El\n", out);
	if (command->examples) {
		fputs(".Sh EXAMPLES\n.Bd -literal\n", out);
		man_lines(command->examples, out);
		fputs(".Ed\n", out);
	}
	fputs(".Sh SEE ALSO\n.Xr hypertrace 1\n", out);
}
