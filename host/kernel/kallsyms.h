/* SPDX-License-Identifier: MIT */
/*
 * Decodes the tables that a kernel holds its own symbols in, from copies of them (scripts/kallsyms.c and
 * kernel/kallsyms.c of Linux 6.1, 6.12 and later).
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "host/kernel/kernel_symbols.h"
#include "lib/base/error.h"

#define KALLSYMS_TOKENS 256
#define KALLSYMS_TOKEN_TABLE_BYTES \
	(1u << 16) /* what a 16-bit index can reach; the real ones have about 1 KiB */
#define KALLSYMS_NAMES_BYTES_MAX (64u << 20)

struct kallsyms_tables {
	uint32_t count;             /* of symbols */
	uint64_t relative_base;     /* 0: there is none, and offsets count from their own places */
	uint64_t offsets_address;   /* where they lie in the kernel; only needed then */
	const uint32_t *offsets;    /* `count` of them */
	const uint8_t *names;       /* per symbol its length, 1 or 2 bytes, then so many tokens */
	size_t names_bytes;         /* as many as could be read: the kernel does not say */
	const uint8_t *token_table; /* texts, each with its NUL */
	size_t token_table_bytes;
	const uint16_t *token_index; /* KALLSYMS_TOKENS places in token_table */
};

/*
 * Fills *symbols, which is { 0 }. `stext`: where the symbol _stext must come out; it tells which meaning the
 * offsets have. *names_used, unless NULL: bytes of `names` that were needed. -EINVAL: damaged; -E2BIG; -ENOMEM; after
 * an error *symbols is { 0 }.
 */
int kallsyms_decode(struct kernel_symbols *symbols, const struct kallsyms_tables *tables, uint64_t stext,
	size_t *names_used, struct error *error);
