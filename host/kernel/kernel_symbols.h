/* SPDX-License-Identifier: MIT */
/* A kernel's symbols as its own kallsyms tables hold them, by run-time address. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "host/kernel/name_index.h"

#define KERNEL_SYMBOLS_MAX           (4u << 20)
#define KERNEL_SYMBOL_NAME_BYTES_MAX 512u /* KSYM_NAME_LEN since 6.1, with the letter */
#define KERNEL_SYMBOLS_TEXT_MAX      (64u << 20)

struct kernel_symbol {
	uint64_t address;
	uint32_t name; /* offset into text: the type's letter ('T', 'd', …), then the name, then a NUL */
};

struct kernel_symbols {
	struct kernel_symbol *symbols; /* by rising address; until 6.14 first the per-CPU ones, as offsets */
	size_t count;
	char *text; /* printable ASCII and NULs */
	size_t text_bytes;
	struct name_index by_name; /* -> index; of equal names the one at the lowest address first */
};

/*
 * Brings symbols that have their `symbols` and `text` into order, and makes by_name. The caller has checked that every
 * name lies within text and ends there. -ENOMEM: deinit them.
 */
int kernel_symbols_index(struct kernel_symbols *symbols);
void kernel_symbols_deinit(struct kernel_symbols *symbols);

/* 0: no such symbol. Of a per-CPU variable until 6.14 it is an offset, which may be 0: guest_kernel_per_cpu(). */
uint64_t kernel_symbols_address(const struct kernel_symbols *symbols, const char *name);

/* The symbol of that name, or NULL. */
const struct kernel_symbol *kernel_symbols_find(const struct kernel_symbols *symbols, const char *name);

/* The symbol at or before an address, without its letter, and how far into it; NULL: none within 1 MiB before it. */
const char *kernel_symbols_name(const struct kernel_symbols *symbols, uint64_t address, uint64_t *offset);
