/* SPDX-License-Identifier: MIT */
/* A kernel's symbols as its own kallsyms tables hold them, by run-time address. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/base/hash_map.h"

#define KERNEL_SYMBOLS_MAX (4u << 20)

struct kernel_symbol {
	uint64_t address;
	uint32_t name; /* offset into text: the type's letter ('T', 'd', …), then the name, then a NUL */
};

struct kernel_symbols {
	struct kernel_symbol *symbols; /* by rising address */
	size_t count;
	char *text;
	size_t text_bytes;
	struct hash_map by_name; /* hash of the name -> index + 1, the first of equal names; collisions are resolved */
};

void kernel_symbols_deinit(struct kernel_symbols *symbols);

/* 0: no such symbol. */
uint64_t kernel_symbols_address(const struct kernel_symbols *symbols, const char *name);

/* The symbol at or before an address, without its letter, and how far into it; NULL: none within 1 MiB before it. */
const char *kernel_symbols_name(const struct kernel_symbols *symbols, uint64_t address, uint64_t *offset);
