/* SPDX-License-Identifier: MIT */
/*
 * Writing numbers and text, as fast as it goes: each puts something at `at`, where there is room, and returns
 * the place behind it. No NUL is written.
 */
#pragma once
#include <stdint.h>
#include <string.h>
#include "lib/base/text.h"

static inline char *put_bytes(char *at, const void *text, size_t bytes)
{
	memcpy(at, text, bytes);
	return at + bytes;
}

#define put_literal(at, text) put_bytes(at, text, sizeof(text) - 1)

static inline char *put_string(char *at, const char *text)
{
	return put_bytes(at, text, strlen(text));
}

/* Foreign text. Room for 4 * bytes. */
static inline char *put_foreign(char *at, const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] >= 0x7f || text[i] == '\\')
			return at + text_escape(at, text, bytes);
	return put_bytes(at, text, bytes);
}

static inline char *put_two_digits(char *at, unsigned value)
{
	static const char digits[] =
		"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
		"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
		"8081828384858687888990919293949596979899";

	return put_bytes(at, digits + 2 * value, 2);
}

/* Exactly nine digits. */
static inline char *put_nanoseconds(char *at, uint32_t value)
{
	uint32_t high = value / 10000, low = value % 10000;

	*at++ = (char)('0' + high / 10000);
	high %= 10000;
	at = put_two_digits(at, high / 100);
	at = put_two_digits(at, high % 100);
	at = put_two_digits(at, low / 100);
	return put_two_digits(at, low % 100);
}

static inline char *put_unsigned(char *at, uint64_t value)
{
	char reversed[20], *last = reversed + sizeof(reversed), *from = last;

	if (value < 10) {
		*at = (char)('0' + value);
		return at + 1;
	}
	while (value >= 100) {
		from -= 2;
		put_two_digits(from, (unsigned)(value % 100));
		value /= 100;
	}
	if (value >= 10)
		put_two_digits(from -= 2, (unsigned)value);
	else
		*--from = (char)('0' + value);
	return put_bytes(at, from, (size_t)(last - from));
}

static inline char *put_signed(char *at, int64_t value)
{
	if (value >= 0)
		return put_unsigned(at, (uint64_t)value);
	*at++ = '-';
	return put_unsigned(at, 0 - (uint64_t)value);
}

static inline char *put_hex(char *at, uint64_t value)
{
	unsigned digits = value ? (67u - (unsigned)__builtin_clzll(value)) / 4 : 1;

	at = put_literal(at, "0x");
	for (unsigned i = digits; i--; value >>= 4)
		at[i] = "0123456789abcdef"[value & 15];
	return at + digits;
}

/* Microseconds with three decimals. */
static inline char *put_us(char *at, uint64_t ns)
{
	unsigned rest = (unsigned)(ns % 1000);

	at = put_unsigned(at, ns / 1000);
	*at++ = '.';
	*at++ = (char)('0' + rest / 100);
	return put_two_digits(at, rest % 100);
}
