/* SPDX-License-Identifier: MIT */
/* Directives: https://docs.python.org/2/library/stdtypes.html#string-formatting */
#include "lib/model/xen_format_rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/model/xen_format.h"

#define DIGITS_MAX 24 /* of 64 bits, octal, with a 0 before */

/* --- reading --- */

struct cursor {
	const char *at, *end, *begin;
	unsigned column; /* of begin */
};

static unsigned column_of(const struct cursor *cursor)
{
	return cursor->column + (unsigned)(cursor->at - cursor->begin);
}

static int find_field(const char *name, size_t length)
{
	static const char *const names[] = {"cpu", "tsc", "reltsc", "event"};

	for (int i = 0; i < XEN_FORMAT_FIELD_EXTRA; i++)
		if (strlen(names[i]) == length && !memcmp(names[i], name, length))
			return i;
	if (length == 1 && *name >= '1' && *name <= '7')
		return XEN_FORMAT_FIELD_EXTRA + *name - '1';
	return -1;
}

/* "(name)" */
static int parse_name(struct cursor *cursor, struct xen_format_part *part, struct error *error)
{
	const char *begin = cursor->at + 1, *close;
	char shown[4 * 32 + 1];
	int field;

	if (cursor->at == cursor->end || *cursor->at != '(')
		return error_set(error, -EINVAL,
			"column %u: a %% without (name) behind it; %%%% is a percent sign",
			column_of(cursor));
	close = memchr(begin, ')', (size_t)(cursor->end - begin));
	if (!close)
		return error_set(error, -EINVAL, "column %u: no ) after %%(", column_of(cursor));
	field = find_field(begin, (size_t)(close - begin));
	if (field < 0) {
		size_t length = (size_t)(close - begin) < 32 ? (size_t)(close - begin) : 32;

		shown[text_escape(shown, begin, length)] = 0;
		error_set(error, -EINVAL, "column %u: no field '%s'", column_of(cursor), shown);
		return error_hint(error, "fields are cpu, tsc, reltsc, event and 1 to 7");
	}
	part->field = (uint8_t)field;
	cursor->at = close + 1;
	return 0;
}

static void parse_flags(struct cursor *cursor, struct xen_format_part *part)
{
	for (; cursor->at < cursor->end; cursor->at++) {
		switch (*cursor->at) {
		case '#':
			part->alternate = true;
			break;
		case '0':
			part->zero = true;
			break;
		case '-':
			part->left = true;
			break;
		case ' ':
			part->space = true;
			break;
		case '+':
			part->plus = true;
			break;
		default:
			return;
		}
	}
}

static int parse_number(struct cursor *cursor, unsigned *value, struct error *error)
{
	*value = 0;
	for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9'; cursor->at++) {
		*value = *value * 10 + (unsigned)(*cursor->at - '0');
		if (*value > XEN_FORMAT_WIDTH_MAX)
			return error_set(error, -EINVAL, "column %u: wider than %d", column_of(cursor),
				XEN_FORMAT_WIDTH_MAX);
	}
	return 0;
}

static int parse_widths(struct cursor *cursor, struct xen_format_part *part, struct error *error)
{
	unsigned value;
	int result = parse_number(cursor, &value, error);

	if (result)
		return result;
	part->width = (uint16_t)value;
	part->precision = -1;
	if (cursor->at == cursor->end || *cursor->at != '.')
		return 0;
	cursor->at++;
	result = parse_number(cursor, &value, error);
	part->precision = (int16_t)value;
	return result;
}

/* Behind the %. */
static int parse_directive(struct cursor *cursor, struct xen_format_part *part, struct error *error)
{
	int result = parse_name(cursor, part, error);

	if (result)
		return result;
	parse_flags(cursor, part);
	result = parse_widths(cursor, part, error);
	if (result)
		return result;
	while (cursor->at < cursor->end && memchr("hlL", *cursor->at, 3))
		cursor->at++; /* sizes mean nothing, as in Python */
	if (cursor->at == cursor->end || !*cursor->at || !strchr("diuoxXcsreEfFgG", *cursor->at)) {
		error_set(error, -EINVAL, "column %u: %s", column_of(cursor),
			cursor->at == cursor->end ? "the line ends in a directive" : "no conversion");
		return error_hint(error, "conversions are d i u o x X c s r e E f F g G: %%(cpu)d, %%(1)08x");
	}
	part->conversion = *cursor->at++;
	if (part->conversion == 'i' || part->conversion == 'u')
		part->conversion = 'd';
	if (part->conversion == 'r')
		part->conversion = 's';
	return 0;
}

static struct xen_format_part *add_part(struct xen_format_rule *rule, uint32_t text)
{
	struct xen_format_part *parts = reallocarray(rule->parts, rule->nr_parts + 1, sizeof(*parts));

	if (!parts)
		return NULL;
	rule->parts = parts;
	parts[rule->nr_parts] = (struct xen_format_part){.text = text, .field = XEN_FORMAT_FIELDS};
	return &parts[rule->nr_parts++];
}

int xen_format_rule_parse(
	struct xen_format_rule *rule, const char *text, size_t bytes, unsigned column, struct error *error)
{
	struct cursor cursor = {text, text + bytes, text, column};
	struct xen_format_part *part;
	uint32_t length = 0;
	int result = 0;

	*rule = (struct xen_format_rule){.text = malloc(bytes + 1)};
	part = rule->text ? add_part(rule, 0) : NULL;
	while (part && !result && cursor.at < cursor.end) {
		char c = *cursor.at++;

		if (c == '%' && cursor.at < cursor.end && *cursor.at == '%') {
			cursor.at++;
		} else if (c == '%') {
			result = parse_directive(&cursor, part, error);
			part = add_part(rule, length);
			continue;
		}
		rule->text[length++] = c;
		part->length++;
	}
	if (!part && !result)
		result = error_set(error, -ENOMEM, "out of memory");
	if (result)
		xen_format_rule_deinit(rule);
	return result;
}

void xen_format_rule_deinit(struct xen_format_rule *rule)
{
	free(rule->text);
	free(rule->parts);
	*rule = (struct xen_format_rule){0};
}

/* --- writing --- */

static char *repeat(char *at, char c, size_t count)
{
	memset(at, c, count);
	return at + count;
}

/* `body` after `prefix` (a sign, 0x), in the width: with zeros between the two, or spaces before or behind. */
static void put_padded(struct strbuf *out, const struct xen_format_part *part, const char *prefix,
	size_t zeros, const char *body, size_t bytes)
{
	const size_t prefix_bytes = strlen(prefix);
	size_t used = prefix_bytes + zeros + bytes, pad = part->width > used ? part->width - used : 0;
	char *at;

	if (part->zero && !part->left && part->conversion != 's' && part->conversion != 'c') {
		zeros += pad;
		used += pad;
		pad = 0;
	}
	at = strbuf_reserve(out, used + pad);
	if (!at)
		return;
	if (!part->left)
		at = repeat(at, ' ', pad);
	at = mempcpy(at, prefix, prefix_bytes);
	at = mempcpy(repeat(at, '0', zeros), body, bytes);
	if (part->left)
		at = repeat(at, ' ', pad);
	out->length = (size_t)(at - out->data);
}

/* With a base that the compiler knows: it divides without dividing. */
static inline char *put_digits(char *end, uint64_t value, unsigned base, const char *digits)
{
	do
		*--end = digits[value % base];
	while (value /= base);
	return end;
}

static const char *sign_of(const struct xen_format_part *part, bool negative)
{
	return negative ? "-" : part->plus ? "+" : part->space ? " " : "";
}

static void put_integer(
	struct strbuf *out, const struct xen_format_part *part, uint64_t magnitude, bool negative)
{
	const bool upper = part->conversion == 'X';
	const unsigned base = part->conversion == 'd' ? 10 : part->conversion == 'o' ? 8 : 16;
	char digits[DIGITS_MAX], prefix[4];
	const char *const names = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char *const end = digits + DIGITS_MAX;
	char *at = base == 10 ? put_digits(end, magnitude, 10, names)
		: base == 16  ? put_digits(end, magnitude, 16, names)
			      : put_digits(end, magnitude, 8, names);
	size_t bytes = (size_t)(end - at);

	strcpy(prefix, sign_of(part, negative));
	if (part->alternate && base == 16)
		strcat(prefix, upper ? "0X" : "0x");
	else if (part->alternate && base == 8 && magnitude)
		strcat(prefix, "0");
	put_padded(out, part, prefix, part->precision > (int)bytes ? (size_t)part->precision - bytes : 0, at,
		bytes);
}

static void put_real(struct strbuf *out, const struct xen_format_part *part, double value)
{
	const int precision = part->precision < 0 ? 6 : part->precision;
	/* a double's 309 digits before the point, and those behind it */
	char format[] = {'%', '.', '*', part->conversion, 0},
	     alternate[] = {'%', '#', '.', '*', part->conversion, 0};
	char text[320 + XEN_FORMAT_WIDTH_MAX];
	int length = snprintf(text, sizeof(text), part->alternate ? alternate : format, precision,
		value < 0 ? -value : value);

	put_padded(out, part, sign_of(part, value < 0), 0, text, length > 0 ? (size_t)length : 0);
}

static void put_text(struct strbuf *out, const struct xen_format_part *part, const char *text, size_t bytes)
{
	if (part->precision >= 0 && (size_t)part->precision < bytes)
		bytes = (size_t)part->precision;
	put_padded(out, part, "", 0, text, bytes);
}

/* A trace's numbers may be anything: what no terminal should get is escaped. */
static void put_character(struct strbuf *out, const struct xen_format_part *part, uint64_t value)
{
	char c = (char)value, text[4];

	if (value < 0x80)
		put_padded(out, part, "", 0, text, text_escape(text, &c, 1));
	else
		put_padded(out, part, "", 0, "?", 1);
}

static void put_as_text(
	struct strbuf *out, const struct xen_format_part *part, const struct xen_format_value *value)
{
	char text[64];
	int length;

	if (value->is_real) {
		length = snprintf(text, sizeof(text), "%.12g", value->real);
		if (!strpbrk(text, ".en")) /* nan, inf */
			length += snprintf(text + length, sizeof(text) - (size_t)length, ".0");
	} else {
		length = snprintf(text, sizeof(text), "%s%llu", value->negative ? "-" : "",
			(unsigned long long)value->magnitude);
	}
	put_text(out, part, text, (size_t)length);
}

static void put_value(
	struct strbuf *out, const struct xen_format_part *part, const struct xen_format_value *value)
{
	double real = value->is_real ? value->real
		: value->negative    ? -(double)value->magnitude
				     : (double)value->magnitude;
	uint64_t whole = !value->is_real ? value->magnitude
		: value->real >= 0x1p64  ? UINT64_MAX
		: value->real > 0        ? (uint64_t)value->real
					 : 0;

	switch (part->conversion) {
	case 'd':
	case 'o':
	case 'x':
	case 'X':
		put_integer(out, part, whole, value->negative);
		break;
	case 'c':
		put_character(out, part, value->negative ? UINT64_MAX : whole);
		break;
	case 's':
		put_as_text(out, part, value);
		break;
	default:
		put_real(out, part, real);
		break;
	}
}

void xen_format_rule_put(const struct xen_format_rule *rule,
	const struct xen_format_value values[XEN_FORMAT_FIELDS], struct strbuf *out)
{
	for (uint32_t i = 0; i < rule->nr_parts; i++) {
		const struct xen_format_part *part = &rule->parts[i];

		strbuf_append(out, rule->text + part->text, part->length);
		if (part->field < XEN_FORMAT_FIELDS)
			put_value(out, part, &values[part->field]);
	}
}
