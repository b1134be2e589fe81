/* SPDX-License-Identifier: MIT */
/* The words of TSDL, the language of CTF 1.8's metadata. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tsdl_kind {
	TSDL_END,
	TSDL_WORD,   /* identifier or keyword */
	TSDL_NUMBER, /* decimal digits, no sign */
	TSDL_STRING, /* at..length is between the quotes, escapes as written */
	TSDL_SIGN,   /* punctuation: one character, or ":=" or "..." */
	TSDL_BAD,    /* no such character, or a string or comment that does not end */
};

struct tsdl_token {
	enum tsdl_kind kind;
	const char *at;
	size_t length;
	unsigned line;
};

struct tsdl_lexer {
	const char *at, *end;
	unsigned line; /* from 1 */
};

struct tsdl_token tsdl_next(struct tsdl_lexer *lexer);
bool tsdl_is(const struct tsdl_token *token, const char *text);

/* What is between the quotes, unescaped, cut to room - 1 bytes, NUL-terminated. */
void tsdl_string(const struct tsdl_token *token, char *out, size_t room);
