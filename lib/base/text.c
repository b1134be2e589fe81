/* SPDX-License-Identifier: MIT */
#include "lib/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789abcdef";

static bool is_tail(const char *text, size_t bytes, size_t at)
{
	return at < bytes && ((unsigned char)text[at] & 0xc0) == 0x80;
}

/* Table 3-7 of the Unicode standard. */
size_t text_utf8_length(const char *text, size_t bytes)
{
	const unsigned char *at = (const unsigned char *)text;

	if (!bytes)
		return 0;
	if (at[0] < 0x80)
		return 1;
	if (!is_tail(text, bytes, 1))
		return 0;
	if (at[0] >= 0xc2 && at[0] <= 0xdf)
		return 2;
	if (!is_tail(text, bytes, 2))
		return 0;
	if (at[0] >= 0xe0 && at[0] <= 0xef)
		return (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) ? 0 : 3;
	if (!is_tail(text, bytes, 3))
		return 0;
	if (at[0] >= 0xf0 && at[0] <= 0xf4)
		return (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90) ? 0 : 4;
	return 0;
}

static bool is_control(const char *text, size_t length)
{
	unsigned char first = (unsigned char)text[0];

	return first < ' ' || first == 0x7f ||
		(length == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0);
}

static char *put_escaped(char *out, unsigned char c)
{
	*out++ = '\\';
	switch (c) {
	case '\n':
		*out++ = 'n';
		break;
	case '\t':
		*out++ = 't';
		break;
	case '\\':
		*out++ = '\\';
		break;
	default:
		*out++ = 'x';
		*out++ = digits[c >> 4];
		*out++ = digits[c & 15];
	}
	return out;
}

size_t text_escape(char *out, const char *text, size_t bytes)
{
	char *at = out;

	for (size_t i = 0; i < bytes;) {
		size_t length = text_utf8_length(text + i, bytes - i);
		bool raw = length && text[i] != '\\' && !is_control(text + i, length);

		length += !length; /* a malformed byte */
		if (raw)
			memcpy(at, text + i, length), at += length;
		else
			for (size_t j = 0; j < length; j++)
				at = put_escaped(at, (unsigned char)text[i + j]);
		i += length;
	}
	return (size_t)(at - out);
}

size_t text_escape_json(char *out, const char *text, size_t bytes)
{
	char *at = out;

	for (size_t i = 0; i < bytes;) {
		size_t length = text_utf8_length(text + i, bytes - i);
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\') {
			*at++ = '\\';
			*at++ = (char)c;
		} else if (length && c >= ' ' && c != 0x7f) {
			memcpy(at, text + i, length);
			at += length;
		} else {
			memcpy(at, "\\u00", 4);
			at[4] = digits[c >> 4];
			at[5] = digits[c & 15];
			at += 6;
		}
		i += length ? length : 1;
	}
	return (size_t)(at - out);
}

void text_append_json(struct strbuf *out, const char *text)
{
	size_t bytes = strlen(text);
	char *at;

	strbuf_putc(out, '"');
	at = strbuf_reserve(out, 6 * bytes);
	if (at)
		out->length += text_escape_json(at, text, bytes);
	strbuf_putc(out, '"');
}

int text_parse_unsigned(const char *text, size_t bytes, uint64_t max, uint64_t *value)
{
	uint64_t sum = 0;

	if (!bytes)
		return -EINVAL;
	for (size_t i = 0; i < bytes; i++) {
		unsigned digit = (unsigned)(text[i] - '0');

		if (digit > 9)
			return -EINVAL;
		if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, digit, &sum) ||
			sum > max)
			return -ERANGE;
	}
	*value = sum;
	return 0;
}

int text_parse_ns(const char *text, size_t bytes, uint64_t unit_ns, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"ns", 1},
		{"us", 1000},
		{"ms", 1000000},
		{"s", 1000000000},
		{"m", 60000000000},
	};
	char number[40], *end;
	size_t length = bytes;
	double value;

	while (length && isalpha((unsigned char)text[length - 1]))
		length--;
	if (length < bytes) {
		unit_ns = 0;
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (bytes - length == strlen(units[i].name) &&
				!memcmp(text + length, units[i].name, bytes - length))
				unit_ns = units[i].ns;
	}
	if (!unit_ns || !length || length >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, length);
	number[length] = '\0';
	if (strspn(number, "0123456789.") < length)
		return -EINVAL;
	value = strtod(number, &end) * (double)unit_ns;
	if (*end)
		return -EINVAL;
	if (value >= 9.2e18)
		return -ERANGE;
	*ns = (uint64_t)llround(value);
	return 0;
}
