/* SPDX-License-Identifier: MIT */
/*
 * Rows found by a 64-bit key, of any struct that begins with that key. A trace may be made up by a guest, so
 * there are at most `limit` rows: what finds no room, or no memory, shares the row `others`. Rows never move.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "lib/base/hash_map.h"

#define CAPPED_TABLE_OTHERS     UINT64_MAX /* the key of the row `others` */
#define CAPPED_TABLE_CHUNK_ROWS 16u

struct capped_table {
	struct hash_map index; /* key -> row */
	char **chunks;         /* of CAPPED_TABLE_CHUNK_ROWS rows each */
	void *others;
	size_t row_bytes, count, limit;
	uint64_t last_key; /* of `last`: traces repeat themselves */
	void *last;
};

/* -ENOMEM; the table is good for capped_table_deinit() all the same. */
int capped_table_init(struct capped_table *table, size_t row_bytes, size_t limit);
void capped_table_deinit(struct capped_table *table);

void *capped_table_at_slow(struct capped_table *table, uint64_t key);

/* The row of a key, made with zeros behind the key if there was none; or `others`. Never NULL. */
static inline void *capped_table_at(struct capped_table *table, uint64_t key)
{
	if (__builtin_expect(table->last && table->last_key == key, 1))
		return table->last;
	return capped_table_at_slow(table, key);
}

/* Rows by number, below table->count, in the order they were made. */
static inline void *capped_table_row(const struct capped_table *table, size_t number)
{
	return table->chunks[number / CAPPED_TABLE_CHUNK_ROWS] +
		number % CAPPED_TABLE_CHUNK_ROWS * table->row_bytes;
}

/*
 * All rows (`others` is not among them) in the order of `compare`, as in qsort() with elements `const void
 * *`; heap, the caller's to free. NULL: no rows, or no memory.
 */
const void **capped_table_sorted(
	const struct capped_table *table, int (*compare)(const void *, const void *));
