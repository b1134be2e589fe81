/* SPDX-License-Identifier: MIT */
#include "lib/reader/tsdl_lexer.h"

#include <ctype.h>
#include <string.h>

static bool is_word(char c)
{
	return isascii(c) && (isalnum((unsigned char)c) || c == '_');
}

static bool starts_with(const struct tsdl_lexer *lexer, const char *text)
{
	size_t length = strlen(text);

	return (size_t)(lexer->end - lexer->at) >= length && !memcmp(lexer->at, text, length);
}

/* False: a comment that does not end. */
static bool skip_space(struct tsdl_lexer *lexer)
{
	while (lexer->at < lexer->end) {
		if (starts_with(lexer, "/*")) {
			lexer->at += 2;
			while (!starts_with(lexer, "*/")) {
				if (lexer->at == lexer->end)
					return false;
				lexer->line += *lexer->at++ == '\n';
			}
			lexer->at += 2;
		} else if (strchr(" \t\r\n", *lexer->at) && *lexer->at) {
			lexer->line += *lexer->at++ == '\n';
		} else {
			break;
		}
	}
	return true;
}

static struct tsdl_token take(struct tsdl_lexer *lexer, enum tsdl_kind kind, size_t length)
{
	struct tsdl_token token = {kind, lexer->at, length, lexer->line};

	lexer->at += length;
	return token;
}

static struct tsdl_token take_string(struct tsdl_lexer *lexer)
{
	struct tsdl_token token;
	size_t length = 0;

	lexer->at++;
	while (lexer->at + length < lexer->end && lexer->at[length] != '"' && lexer->at[length] != '\n')
		length += lexer->at[length] == '\\' && lexer->at + length + 1 < lexer->end ? 2 : 1;
	if (lexer->at + length >= lexer->end || lexer->at[length] != '"')
		return take(lexer, TSDL_BAD, 0);
	token = take(lexer, TSDL_STRING, length);
	lexer->at++;
	return token;
}

struct tsdl_token tsdl_next(struct tsdl_lexer *lexer)
{
	size_t length = 0;

	if (!skip_space(lexer))
		return take(lexer, TSDL_BAD, 0);
	if (lexer->at == lexer->end)
		return take(lexer, TSDL_END, 0);
	if (*lexer->at == '"')
		return take_string(lexer);
	while (lexer->at + length < lexer->end && is_word(lexer->at[length]))
		length++;
	if (length)
		return take(lexer, isdigit((unsigned char)*lexer->at) ? TSDL_NUMBER : TSDL_WORD, length);
	if (starts_with(lexer, ":="))
		return take(lexer, TSDL_SIGN, 2);
	if (starts_with(lexer, "..."))
		return take(lexer, TSDL_SIGN, 3);
	if (*lexer->at && strchr("{}[]();:=,<>.-", *lexer->at))
		return take(lexer, TSDL_SIGN, 1);
	return take(lexer, TSDL_BAD, 1);
}

bool tsdl_is(const struct tsdl_token *token, const char *text)
{
	return token->kind != TSDL_STRING && token->length == strlen(text) &&
		!memcmp(token->at, text, token->length);
}

void tsdl_string(const struct tsdl_token *token, char *out, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < token->length && used + 1 < room; i++) {
		if (token->at[i] == '\\' && i + 1 < token->length)
			i++;
		out[used++] = token->at[i];
	}
	out[used] = '\0';
}
