/* SPDX-License-Identifier: MIT */
/*
 * 64-bit keys to 64-bit values (or pointers, cast), open addressing. Starts as { 0 }. Entries are not removed
 * singly.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_map_slot {
	uint64_t key, value;
	bool used;
};

struct hash_map {
	struct hash_map_slot *slots;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

void hash_map_deinit(struct hash_map *map);

/* Forgets every entry and keeps the memory. */
void hash_map_clear(struct hash_map *map);

/* The value's place, or NULL: no such key. Valid until the next hash_map_put(). */
uint64_t *hash_map_get(const struct hash_map *map, uint64_t key);

/*
 * The value's place, made with value 0 if there was none. NULL: no memory. Valid until the next
 * hash_map_put().
 */
uint64_t *hash_map_put(struct hash_map *map, uint64_t key);

/* Walks all entries, in no order: start with *position = 0; false after the last. */
bool hash_map_next(const struct hash_map *map, size_t *position, uint64_t *key, uint64_t *value);
