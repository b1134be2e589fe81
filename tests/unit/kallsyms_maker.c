/* SPDX-License-Identifier: MIT */
#include "tests/unit/kallsyms_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every printable byte is a token of itself; others are pairs, as the compression makes them. */
static void make_tokens(struct kallsyms_maker *maker)
{
	for (unsigned i = 0; i < 256; i++) {
		char text[8] = {(char)i};

		if (i <= ' ' || i > '~')
			snprintf(text, sizeof(text), "%s", i == 1 ? "__" : i == 200 ? "init" : "");
		maker->index[i] = (uint16_t)maker->tokens.length;
		strbuf_append(&maker->tokens, text, strlen(text) + 1);
	}
}

static void put_name(struct kallsyms_maker *maker, const struct maker_symbol *symbol)
{
	uint8_t tokens[512] = {(uint8_t)symbol->type};
	size_t count = 1;

	for (const char *at = symbol->name; *at;) {
		if (!strncmp(at, "__", 2)) {
			tokens[count++] = 1;
			at += 2;
		} else if (!strncmp(at, "init", 4)) {
			tokens[count++] = 200;
			at += 4;
		} else {
			tokens[count++] = (uint8_t)*at++;
		}
	}
	if (count > 127)
		strbuf_putc(&maker->names, (char)(0x80 | (count & 0x7f)));
	strbuf_putc(&maker->names, (char)(count > 127 ? count >> 7 : count));
	strbuf_append(&maker->names, tokens, count);
}

void kallsyms_maker_init(struct kallsyms_maker *maker, const struct maker_symbol *list, size_t count,
	uint64_t relative_base, bool is_absolute)
{
	*maker = (struct kallsyms_maker){.count = (uint32_t)count, .relative_base = relative_base};
	maker->offsets = calloc(count ? count : 1, sizeof(*maker->offsets));
	if (!maker->offsets)
		abort();
	make_tokens(maker);
	for (size_t i = 0; i < count; i++) {
		const uint64_t address = list[i].address;

		put_name(maker, &list[i]);
		if (!is_absolute)
			maker->offsets[i] = (uint32_t)(address - relative_base);
		else
			maker->offsets[i] =
				(uint32_t)(address < relative_base ? address : relative_base - 1 - address);
	}
}

void kallsyms_maker_deinit(struct kallsyms_maker *maker)
{
	free(maker->offsets);
	strbuf_deinit(&maker->names);
	strbuf_deinit(&maker->tokens);
}
