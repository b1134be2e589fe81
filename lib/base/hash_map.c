/* SPDX-License-Identifier: MIT */
#include "lib/base/hash_map.h"

#include <stdlib.h>
#include <string.h>

void hash_map_deinit(struct hash_map *map)
{
	free(map->slots);
	*map = (struct hash_map){0};
}

void hash_map_clear(struct hash_map *map)
{
	if (map->slots)
		memset(map->slots, 0, map->capacity * sizeof(*map->slots));
	map->count = 0;
}

/* The finalizer of MurmurHash3: every bit of the key reaches the low bits. */
static size_t hash(uint64_t key)
{
	key ^= key >> 33;
	key *= 0xff51afd7ed558ccdull;
	key ^= key >> 33;
	key *= 0xc4ceb9fe1a85ec53ull;
	return (size_t)(key ^ key >> 33);
}

/* The key's slot, or the free one where it would go; there always is one. */
static struct hash_map_slot *find(const struct hash_map *map, uint64_t key)
{
	size_t at = hash(key);

	for (;; at++) {
		struct hash_map_slot *slot = &map->slots[at & (map->capacity - 1)];

		if (!slot->used || slot->key == key)
			return slot;
	}
}

static bool grow(struct hash_map *map)
{
	struct hash_map larger = {.capacity = map->capacity ? map->capacity * 2 : 16, .count = map->count};

	larger.slots = calloc(larger.capacity, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < map->capacity; i++)
		if (map->slots[i].used)
			*find(&larger, map->slots[i].key) = map->slots[i];
	free(map->slots);
	*map = larger;
	return true;
}

uint64_t *hash_map_get(const struct hash_map *map, uint64_t key)
{
	struct hash_map_slot *slot;

	if (!map->count)
		return NULL;
	slot = find(map, key);
	return slot->used ? &slot->value : NULL;
}

uint64_t *hash_map_put(struct hash_map *map, uint64_t key)
{
	struct hash_map_slot *slot;

	/* at most three quarters full, so that find() ends soon */
	if (map->count * 4 >= map->capacity * 3 && !grow(map))
		return NULL;
	slot = find(map, key);
	if (!slot->used) {
		*slot = (struct hash_map_slot){.key = key, .used = true};
		map->count++;
	}
	return &slot->value;
}

bool hash_map_next(const struct hash_map *map, size_t *position, uint64_t *key, uint64_t *value)
{
	for (size_t at = *position; at < map->capacity; at++) {
		if (!map->slots[at].used)
			continue;
		*key = map->slots[at].key;
		*value = map->slots[at].value;
		*position = at + 1;
		return true;
	}
	return false;
}
