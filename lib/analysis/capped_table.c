/* SPDX-License-Identifier: MIT */
#include "lib/analysis/capped_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void set_key(void *row, uint64_t key)
{
	memcpy(row, &key, sizeof(key));
}

int capped_table_init(struct capped_table *table, size_t row_bytes, size_t limit)
{
	size_t nr_chunks = (limit + CAPPED_TABLE_CHUNK_ROWS - 1) / CAPPED_TABLE_CHUNK_ROWS;

	*table = (struct capped_table){.row_bytes = row_bytes, .limit = limit};
	table->others = calloc(1, row_bytes);
	table->chunks = calloc(nr_chunks, sizeof(*table->chunks));
	if (!table->others || !table->chunks)
		return -ENOMEM;
	set_key(table->others, CAPPED_TABLE_OTHERS);
	return 0;
}

void capped_table_deinit(struct capped_table *table)
{
	for (size_t i = 0; i < table->count; i += CAPPED_TABLE_CHUNK_ROWS)
		free(table->chunks[i / CAPPED_TABLE_CHUNK_ROWS]);
	free(table->chunks);
	free(table->others);
	hash_map_deinit(&table->index);
	*table = (struct capped_table){0};
}

static void *add(struct capped_table *table, uint64_t key)
{
	char **chunk = &table->chunks[table->count / CAPPED_TABLE_CHUNK_ROWS];
	uint64_t *place;
	void *row;

	if (table->count % CAPPED_TABLE_CHUNK_ROWS == 0) {
		free(*chunk); /* left by a put that found no memory */
		*chunk = calloc(CAPPED_TABLE_CHUNK_ROWS, table->row_bytes);
		if (!*chunk)
			return NULL;
	}
	place = hash_map_put(&table->index, key);
	if (!place)
		return NULL;
	row = capped_table_row(table, table->count++);
	set_key(row, key);
	*place = (uintptr_t)row;
	return row;
}

void *capped_table_at_slow(struct capped_table *table, uint64_t key)
{
	uint64_t *found = hash_map_get(&table->index, key);
	void *row = NULL;

	if (found)
		row = (void *)(uintptr_t)*found;
	else if (table->count < table->limit && key != CAPPED_TABLE_OTHERS)
		row = add(table, key);
	if (!row)
		return table->others;
	table->last_key = key;
	table->last = row;
	return row;
}

const void **capped_table_sorted(const struct capped_table *table, int (*compare)(const void *, const void *))
{
	const void **rows;

	if (!table->count)
		return NULL;
	rows = malloc(table->count * sizeof(*rows));
	if (!rows)
		return NULL;
	for (size_t i = 0; i < table->count; i++)
		rows[i] = capped_table_row(table, i);
	qsort(rows, table->count, sizeof(*rows), compare);
	return rows;
}
