/* SPDX-License-Identifier: MIT */
/* Makes BTF for tests and fuzzers. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/strbuf.h"

/* BTF, type by type; ids count from 1. */
struct btf_maker {
	struct strbuf types, strings;
	uint32_t nr_types;
};

void btf_maker_init(struct btf_maker *maker);
uint32_t btf_maker_name(struct btf_maker *maker, const char *text);
/* `words` follow the type's own three. Returns its id. */
uint32_t btf_maker_add(struct btf_maker *maker, const char *name, uint32_t kind, bool kind_flag,
	uint32_t vlen, uint32_t size_or_type, const uint32_t *words, size_t nr_words);
/* The caller's to free; the maker is then empty. */
uint8_t *btf_maker_finish(struct btf_maker *maker, size_t *bytes);
