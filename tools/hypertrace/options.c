/* SPDX-License-Identifier: MIT */
/* The parser. Help and man pages, which read the same tables, are in options_text.c, completion in options_completion.c. */
#include "tools/hypertrace/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/suggest.h"

struct cursor {
	const struct command *command;
	int argc, next; /* argv[next] is read next */
	char **argv;
	char *values;
	struct error *error;
};

static int parse_unsigned(const char *text, uint64_t *value, const char **end)
{
	char *stop;

	if (*text < '0' || *text > '9') /* strtoull() accepts signs and blanks */
		return -EINVAL;
	errno = 0;
	*value = strtoull(text, &stop, 0);
	*end = stop;
	return errno ? -ERANGE : 0;
}

static int parse_bytes(const char *text, uint64_t *value)
{
	static const char suffixes[] = "KMGT";
	const char *end, *suffix;
	unsigned int shift;
	int result = parse_unsigned(text, value, &end);

	if (result < 0 || !*end)
		return result;
	suffix = strchr(suffixes, *end == 'k' ? 'K' : *end);
	if (!suffix || (end[1] && strcmp(end + 1, "B") != 0 && strcmp(end + 1, "iB") != 0))
		return -EINVAL;
	shift = 10 * (unsigned int)(suffix - suffixes + 1);
	if (*value > UINT64_MAX >> shift)
		return -ERANGE;
	*value <<= shift;
	return 0;
}

static int parse_seconds(const char *text, double *value)
{
	static const struct {
		const char *suffix;
		double factor;
	} units[] = {{"", 1}, {"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"m", 60}, {"h", 3600}};
	char *end;
	double number = strtod(text, &end);

	if (end == text || !isfinite(number) || number < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].suffix) == 0) {
			*value = number * units[i].factor;
			return 0;
		}
	}
	return -EINVAL;
}

char *string_list_join(const struct string_list *list)
{
	struct strbuf text = STRBUF_EMPTY;

	strbuf_puts(&text, "");
	for (size_t i = 0; i < list->count; i++)
		strbuf_printf(&text, "%s%s", i ? "," : "", list->items[i]);
	if (!text.failed)
		return text.data;
	strbuf_deinit(&text);
	return NULL;
}

static int store_list(struct string_list *list, const char *text)
{
	if (list->count == STRING_LIST_MAX)
		return -E2BIG;
	list->items[list->count++] = text;
	return 0;
}

/* `words` are separated by '|'. */
static int store_choice(const char *words, const char *text, unsigned *choice)
{
	size_t length = strlen(text);

	for (unsigned i = 0;; i++) {
		size_t end = strcspn(words, "|");

		if (end == length && memcmp(words, text, length) == 0) {
			*choice = i + 1;
			return 0;
		}
		if (!words[end])
			return -EINVAL;
		words += end + 1;
	}
}

static int store(const struct option_spec *option, char *values, const char *text)
{
	void *value = values + option->offset;
	const char *end;
	int result;

	switch (option->kind) {
	case OPTION_FLAG:
		*(bool *)value = true;
		return 0;
	case OPTION_STRING:
		*(const char **)value = text;
		return 0;
	case OPTION_LIST:
		return store_list(value, text);
	case OPTION_UNSIGNED:
		result = parse_unsigned(text, value, &end);
		return result < 0 ? result : *end ? -EINVAL : 0;
	case OPTION_BYTES:
		return parse_bytes(text, value);
	case OPTION_SECONDS:
		return parse_seconds(text, value);
	case OPTION_CHOICE:
		return store_choice(option->argument, text, value);
	}
	return -EINVAL;
}

static int refuse_value(const struct option_spec *option, const char *text, struct error *error)
{
	switch (option->kind) {
	case OPTION_BYTES:
		error_set(error, -EINVAL, "--%s: '%s' is not a number of bytes", option->name, text);
		return error_hint(error, "for example 64K, 32M or 1G");
	case OPTION_SECONDS:
		error_set(error, -EINVAL, "--%s: '%s' is not a time", option->name, text);
		return error_hint(error, "for example 10, 2.5s, 500ms or 1m");
	case OPTION_CHOICE:
		return error_set(
			error, -EINVAL, "--%s: '%s' is not one of %s", option->name, text, option->argument);
	default:
		return error_set(error, -EINVAL, "--%s: '%s' is not a whole number", option->name, text);
	}
}

static int store_checked(struct cursor *cursor, const struct option_spec *option, const char *text)
{
	int result = store(option, cursor->values, text);

	if (result == -E2BIG)
		return error_set(cursor->error, result, "--%s may be given at most %d times", option->name,
			STRING_LIST_MAX);
	if (result == -ERANGE)
		return error_set(cursor->error, result, "--%s: '%s' is too large", option->name, text);
	return result < 0 ? refuse_value(option, text, cursor->error) : 0;
}

/* The option's value is `attached` ("--name=VALUE", "-nVALUE") or else the next word. */
static int take_value(struct cursor *cursor, const struct option_spec *option, const char *attached)
{
	if (!attached && cursor->next < cursor->argc)
		attached = cursor->argv[cursor->next++];
	if (!attached)
		return error_set(
			cursor->error, -EINVAL, "--%s needs a value: %s", option->name, option->argument);
	return store_checked(cursor, option, attached);
}

static int unknown_long(struct cursor *cursor, const char *name, size_t length)
{
	struct suggestion suggestion = suggestion_for(name, length);

	for (const struct option_spec *option = cursor->command->options; option && option->name; option++)
		suggestion_consider(&suggestion, option->name);
	error_set(cursor->error, -EINVAL, "unknown option --%.*s", (int)length, name);
	if (suggestion.best)
		error_hint(cursor->error, "did you mean --%s? See hypertrace %s --help", suggestion.best,
			cursor->command->name);
	return -EINVAL;
}

static int parse_long(struct cursor *cursor, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);

	if (!cursor->command->no_help && length == 4 && memcmp(word, "help", 4) == 0)
		return 1;
	for (const struct option_spec *option = cursor->command->options; option && option->name; option++) {
		if (strncmp(option->name, word, length) != 0 || option->name[length])
			continue;
		if (option->kind != OPTION_FLAG)
			return take_value(cursor, option, equals ? equals + 1 : NULL);
		if (equals)
			return error_set(cursor->error, -EINVAL, "--%s takes no value", option->name);
		return store_checked(cursor, option, NULL);
	}
	return unknown_long(cursor, word, length);
}

static const struct option_spec *find_letter(const struct command *command, char letter)
{
	for (const struct option_spec *option = command->options; option && option->name; option++) {
		if (option->letter == letter)
			return option;
	}
	return NULL;
}

/* "-vq", "-o FILE", "-oFILE", "-vo FILE" */
static int parse_letters(struct cursor *cursor, const char *letters)
{
	for (; *letters; letters++) {
		const struct option_spec *option = find_letter(cursor->command, *letters);
		int result;

		if (!option && *letters == 'h' && !cursor->command->no_help)
			return 1;
		if (!option)
			return error_set(cursor->error, -EINVAL, "unknown option -%c", *letters);
		if (option->kind != OPTION_FLAG)
			return take_value(cursor, option, letters[1] ? letters + 1 : NULL);
		result = store_checked(cursor, option, NULL);
		if (result)
			return result;
	}
	return 0;
}

static int parse_word(struct cursor *cursor, const char *word)
{
	return word[1] == '-' ? parse_long(cursor, word + 2) : parse_letters(cursor, word + 1);
}

int options_parse(const struct command *command, int *argc, char ***argv, void *values, struct error *error)
{
	struct cursor cursor = {
		.command = command,
		.argc = *argc,
		.next = 1,
		.argv = *argv,
		.values = values,
		.error = error,
	};
	int operands = 0; /* gathered at the front of argv: never ahead of what is read */

	while (cursor.next < cursor.argc) {
		char *word = cursor.argv[cursor.next++];
		int result;

		if (strcmp(word, "--") == 0)
			break;
		if (word[0] != '-' || !word[1]) {
			cursor.argv[operands++] = word;
			continue;
		}
		result = parse_word(&cursor, word);
		if (result == 1)
			options_help(command, stdout);
		else if (result < 0)
			error_hint(error, "see hypertrace %s --help", command->name);
		if (result)
			return result;
	}
	while (cursor.next < cursor.argc)
		cursor.argv[operands++] = cursor.argv[cursor.next++];
	cursor.argv[operands] = NULL;
	*argc = operands;
	if (operands && command->no_operands) {
		error_set(error, -EINVAL, "'%s' is one word too many", cursor.argv[0]);
		return error_hint(error, "hypertrace %s takes options only: see hypertrace %s --help",
			command->name, command->name);
	}
	return 0;
}
