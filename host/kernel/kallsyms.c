/* SPDX-License-Identifier: MIT */
#include "host/kernel/kallsyms.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Most tokens are short: those are copied at this width, whatever their length, into a buffer with room for it. */
#define SHORT_TOKEN_BYTES 16

struct token {
	const uint8_t *text;
	uint32_t length;
	uint8_t copy[SHORT_TOKEN_BYTES];
};

struct decoder {
	const struct kallsyms_tables *tables;
	struct token tokens[KALLSYMS_TOKENS];
	struct kernel_symbols *symbols;
	size_t text_capacity;
	size_t at;    /* in names */
	size_t stext; /* index of _stext, or SIZE_MAX */
};

/* Every token once: printable, so that every name is. */
static int take_tokens(struct decoder *decoder, struct error *error)
{
	const struct kallsyms_tables *tables = decoder->tables;

	for (unsigned i = 0; i < KALLSYMS_TOKENS; i++) {
		struct token *token = &decoder->tokens[i];
		const size_t begin = tables->token_index[i], left = tables->token_table_bytes - begin;
		const uint8_t *end;

		if (begin >= tables->token_table_bytes)
			return error_set(error, -EINVAL, "kallsyms: token %u is at %zu of %zu", i, begin,
				tables->token_table_bytes);
		token->text = tables->token_table + begin;
		end = memchr(token->text, '\0',
			left < KERNEL_SYMBOL_NAME_BYTES_MAX ? left : KERNEL_SYMBOL_NAME_BYTES_MAX);
		if (!end)
			return error_set(error, -EINVAL, "kallsyms: token %u at %zu has no end", i, begin);
		token->length = (uint32_t)(end - token->text);
		for (uint32_t n = 0; n < token->length; n++)
			if (token->text[n] <= ' ' || token->text[n] > '~')
				return error_set(error, -EINVAL,
					"kallsyms: token %u at %zu holds byte 0x%02x", i, begin,
					token->text[n]);
		if (token->length <= SHORT_TOKEN_BYTES)
			memcpy(token->copy, token->text, token->length);
	}
	return 0;
}

/* Room for one more name, whatever its length. */
static int reserve_text(struct decoder *decoder, struct error *error)
{
	struct kernel_symbols *symbols = decoder->symbols;
	const size_t need = symbols->text_bytes + KERNEL_SYMBOL_NAME_BYTES_MAX + SHORT_TOKEN_BYTES + 1;
	size_t larger;
	char *grown;

	if (need <= decoder->text_capacity)
		return 0;
	if (need > KERNEL_SYMBOLS_TEXT_MAX)
		return error_set(
			error, -E2BIG, "kallsyms: more than %u bytes of names", KERNEL_SYMBOLS_TEXT_MAX);
	/* 32 bytes a name are enough for kernels we know */
	larger = decoder->text_capacity ? decoder->text_capacity * 2
					: (size_t)decoder->tables->count * 32 + 2 * need;
	grown = realloc(symbols->text, larger);
	if (!grown)
		return error_set(error, -ENOMEM, "kallsyms: %s", strerror(ENOMEM));
	symbols->text = grown;
	decoder->text_capacity = larger;
	return 0;
}

/* How many tokens the next name has; -1: the table ends. Longer ones have a second byte since 6.1. */
static int32_t take_length(struct decoder *decoder)
{
	const struct kallsyms_tables *tables = decoder->tables;
	uint32_t length;

	if (decoder->at >= tables->names_bytes)
		return -1;
	length = tables->names[decoder->at++];
	if (length & 0x80) {
		if (decoder->at >= tables->names_bytes)
			return -1;
		length = (length & 0x7f) | (uint32_t)tables->names[decoder->at++] << 7;
	}
	return tables->names_bytes - decoder->at < length ? -1 : (int32_t)length;
}

/* Writes the next name behind the text. Its length, with its letter; 0: none, or too long. */
static uint32_t take_name(struct decoder *decoder, char *out)
{
	const int32_t nr_tokens = take_length(decoder);
	uint32_t length = 0;

	for (int32_t i = 0; i < nr_tokens; i++) {
		const struct token *token = &decoder->tokens[decoder->tables->names[decoder->at++]];

		if (token->length >= KERNEL_SYMBOL_NAME_BYTES_MAX - length)
			return 0;
		if (token->length <= SHORT_TOKEN_BYTES)
			memcpy(out + length, token->copy, SHORT_TOKEN_BYTES);
		else
			memcpy(out + length, token->text, token->length);
		length += token->length;
	}
	return length;
}

static int take_names(struct decoder *decoder, struct error *error)
{
	struct kernel_symbols *symbols = decoder->symbols;

	for (uint32_t i = 0; i < decoder->tables->count; i++) {
		const size_t at = decoder->at;
		uint32_t length;
		char *name;
		int code = reserve_text(decoder, error);

		if (code)
			return code;
		name = symbols->text + symbols->text_bytes;
		length = take_name(decoder, name);
		if (length < 2)
			return error_set(
				error, -EINVAL, "kallsyms: symbol %u at %zu of its names is damaged", i, at);
		name[length] = '\0';
		if (length == 7 && !memcmp(name + 1, "_stext", 6))
			decoder->stext = i;
		symbols->symbols[i].name = (uint32_t)symbols->text_bytes;
		symbols->text_bytes += length + 1;
		symbols->count++;
	}
	return 0;
}

/* With KALLSYMS_ABSOLUTE_PERCPU (x86-64 until 6.14): positive is an absolute value, negative counts from base - 1. */
static uint64_t address_absolute(const struct kallsyms_tables *tables, uint32_t i)
{
	const int32_t offset = (int32_t)tables->offsets[i];

	return offset >= 0 ? (uint64_t)offset : tables->relative_base - 1 - (uint64_t)(int64_t)offset;
}

static uint64_t address_relative(const struct kallsyms_tables *tables, uint32_t i)
{
	return tables->relative_base + tables->offsets[i];
}

/* Without a base, which kernels after 6.15 gave up: an offset counts from the place where it is. */
static uint64_t address_by_place(const struct kallsyms_tables *tables, uint32_t i)
{
	return tables->offsets_address + UINT64_C(4) * i + (uint64_t)(int64_t)(int32_t)tables->offsets[i];
}

static int take_addresses(struct decoder *decoder, uint64_t stext, struct error *error)
{
	static uint64_t (*const with_base[])(const struct kallsyms_tables *, uint32_t) = {
		address_absolute, address_relative};
	const struct kallsyms_tables *tables = decoder->tables;
	uint64_t (*address)(const struct kallsyms_tables *, uint32_t) = address_by_place;

	if (decoder->stext == SIZE_MAX)
		return error_set(error, -EINVAL, "kallsyms: no _stext among %u symbols", tables->count);
	for (size_t i = 0; tables->relative_base && i < 2; i++) {
		address = with_base[i];
		if (address(tables, (uint32_t)decoder->stext) == stext)
			break;
	}
	if (address(tables, (uint32_t)decoder->stext) != stext)
		return error_set(error, -EINVAL, "kallsyms: _stext is at 0x%llx, not at 0x%llx",
			(unsigned long long)address(tables, (uint32_t)decoder->stext),
			(unsigned long long)stext);
	for (uint32_t i = 0; i < tables->count; i++)
		decoder->symbols->symbols[i].address = address(tables, i);
	return 0;
}

static int decode(struct decoder *decoder, uint64_t stext, struct error *error)
{
	struct kernel_symbols *symbols = decoder->symbols;
	const uint32_t count = decoder->tables->count;
	int code;

	if (!count || count > KERNEL_SYMBOLS_MAX)
		return error_set(error, count ? -E2BIG : -EINVAL, "kallsyms: %u symbols, 1 to %u can be read",
			count, KERNEL_SYMBOLS_MAX);
	symbols->symbols = malloc(count * sizeof(*symbols->symbols));
	if (!symbols->symbols)
		return error_set(error, -ENOMEM, "kallsyms: %s", strerror(ENOMEM));
	code = take_tokens(decoder, error);
	if (!code)
		code = take_names(decoder, error);
	if (!code)
		code = take_addresses(decoder, stext, error);
	if (!code && kernel_symbols_index(symbols))
		code = error_set(error, -ENOMEM, "kallsyms: %s", strerror(ENOMEM));
	return code;
}

int kallsyms_decode(struct kernel_symbols *symbols, const struct kallsyms_tables *tables, uint64_t stext,
	size_t *names_used, struct error *error)
{
	struct decoder decoder = {.tables = tables, .symbols = symbols, .stext = SIZE_MAX};
	int code = decode(&decoder, stext, error);

	if (code)
		kernel_symbols_deinit(symbols);
	else if (names_used)
		*names_used = decoder.at;
	return code;
}
