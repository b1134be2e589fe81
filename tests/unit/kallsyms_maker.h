/* SPDX-License-Identifier: MIT */
/* Makes kallsyms tables, as scripts/kallsyms.c of Linux lays them out, for tests and fuzzers. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/strbuf.h"

struct maker_symbol {
	char type;
	const char *name;
	uint64_t address;
};

struct kallsyms_maker {
	uint32_t count;
	uint64_t relative_base;
	uint32_t *offsets;
	struct strbuf names, tokens;
	uint16_t index[256];
};

/* Symbols by rising address. is_absolute: with CONFIG_KALLSYMS_ABSOLUTE_PERCPU. */
void kallsyms_maker_init(struct kallsyms_maker *maker, const struct maker_symbol *symbols, size_t count,
	uint64_t relative_base, bool is_absolute);
void kallsyms_maker_deinit(struct kallsyms_maker *maker);
