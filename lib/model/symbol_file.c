/* SPDX-License-Identifier: MIT */
#include "lib/model/symbol_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"

#define ADDRESS_DIGITS_MAX 16

static int bad_file(struct error *error, const char *what)
{
	error_set(error, -EINVAL, "%s", what);
	return error_hint(error, "System.map, /proc/kallsyms as root reads it, or what nm FILE prints");
}

static int bad_line(struct error *error, size_t line, const char *what)
{
	error_set(error, -EINVAL, "line %zu: %s", line, what);
	return error_hint(error, "a line is ADDRESS TYPE NAME: ffffffff81000000 T _stext");
}

static size_t word_length(const char *at, const char *end)
{
	size_t length = 0;

	while (at + length < end && at[length] != ' ' && at[length] != '\t')
		length++;
	return length;
}

static bool is_hex(const char *at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!strchr("0123456789abcdefABCDEF", at[i]))
			return false;
	return length && length <= ADDRESS_DIGITS_MAX;
}

/* NULL: good, or without an address. */
static const char *check_line(const char *at, const char *end)
{
	size_t length = word_length(at, end);

	if (at < end && !length) { /* nm: "                 U printf" */
		while (at < end && *at == ' ')
			at++;
		return word_length(at, end) == 1 && strchr("Uwv", *at) ? NULL : "no address at its beginning";
	}
	if (!is_hex(at, length))
		return "no address at its beginning";
	at += length;
	if (end - at < 2 || at[0] != ' ' || word_length(at + 1, end) != 1)
		return "no type, which is one letter, behind the address";
	at += 2;
	length = at < end ? word_length(at + 1, end) : 0;
	if (!length || *at != ' ')
		return "no name";
	for (size_t i = 1; i <= length; i++)
		if (at[i] <= ' ' || at[i] > '~' || at[i] == '"' || at[i] == '\\')
			return "a name with a character that no symbol has";
	return NULL;
}

int symbol_file_parse(struct names *names, const char *text, size_t bytes, struct error *error)
{
	const char *at = text, *const end = text + bytes;

	if (bytes > SYMBOL_FILE_LIMIT)
		return error_set(error, -EFBIG, "more than %u MiB", SYMBOL_FILE_LIMIT >> 20);
	if (memchr(text, 0, bytes))
		return bad_file(error, "a NUL byte: this is no text");
	for (size_t line = 1; at < end; line++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *what = check_line(at, newline ? newline : end);

		if (what)
			return bad_line(error, line, what);
		at = newline ? newline + 1 : end;
	}
	if (names_parse_symbols(names, text, bytes))
		return error_set(error, -ENOMEM, "out of memory");
	if (names->nr_symbols)
		return 0;
	return bad_file(error, bytes ? "no symbol has an address" : "is empty");
}

int symbol_file_load(struct names *names, const char *path, struct error *error)
{
	cleanup_free char *text = NULL;
	size_t bytes;
	int code = file_read_small(AT_FDCWD, path, SYMBOL_FILE_LIMIT, &text, &bytes, error);

	if (code)
		return code;
	code = symbol_file_parse(names, text, bytes, error);
	return code ? error_add(error, "%s", path) : 0;
}
