/* SPDX-License-Identifier: MIT */
#include "tests/unit/btf_maker.h"

#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

void btf_maker_init(struct btf_maker *maker)
{
	*maker = (struct btf_maker){0};
	strbuf_putc(&maker->strings, '\0');
}

uint32_t btf_maker_name(struct btf_maker *maker, const char *text)
{
	const uint32_t at = (uint32_t)maker->strings.length;

	if (!text)
		return 0;
	strbuf_append(&maker->strings, text, strlen(text) + 1);
	return at;
}

uint32_t btf_maker_add(struct btf_maker *maker, const char *name, uint32_t kind, bool kind_flag,
	uint32_t vlen, uint32_t size_or_type, const uint32_t *words, size_t nr_words)
{
	const uint32_t type[] = {
		btf_maker_name(maker, name), kind << 24 | (uint32_t)kind_flag << 31 | vlen, size_or_type};

	strbuf_append(&maker->types, type, sizeof(type));
	strbuf_append(&maker->types, words, nr_words * sizeof(*words));
	return ++maker->nr_types;
}

uint8_t *btf_maker_finish(struct btf_maker *maker, size_t *bytes)
{
	const struct btf_header header = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(header),
		.type_len = (uint32_t)maker->types.length,
		.str_off = (uint32_t)maker->types.length,
		.str_len = (uint32_t)maker->strings.length,
	};
	uint8_t *data;

	*bytes = sizeof(header) + maker->types.length + maker->strings.length;
	data = malloc(*bytes);
	if (!data || maker->types.failed || maker->strings.failed)
		abort();
	memcpy(data, &header, sizeof(header));
	memcpy(data + sizeof(header), maker->types.data, maker->types.length);
	memcpy(data + sizeof(header) + maker->types.length, maker->strings.data, maker->strings.length);
	strbuf_deinit(&maker->types);
	strbuf_deinit(&maker->strings);
	return data;
}
