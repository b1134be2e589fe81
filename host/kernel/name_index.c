/* SPDX-License-Identifier: MIT */
#include "host/kernel/name_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS_MIN 16u

static uint64_t mix(uint64_t value, uint64_t factor)
{
	__uint128_t product = (__uint128_t)value * factor;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Eight bytes at a time; the secret enters every product, so that collisions cannot be made in advance. */
static uint64_t hash(uint64_t seed, const char *name, size_t bytes)
{
	uint64_t state = seed ^ bytes, word;

	for (; bytes >= 8; bytes -= 8, name += 8) {
		memcpy(&word, name, 8);
		state = mix(state ^ word, seed | 1);
	}
	word = 0;
	memcpy(&word, name, bytes);
	return mix(state ^ word, (seed ^ 0x9e3779b97f4a7c15u) | 1);
}

int name_index_init(struct name_index *index, uint32_t count)
{
	uint32_t buckets = BUCKETS_MIN;

	*index = (struct name_index){.count = count};
	while (buckets < count && buckets < UINT32_C(1) << 30)
		buckets *= 2;
	index->mask = buckets - 1;
	index->first = calloc(buckets, sizeof(*index->first));
	index->next = calloc((size_t)count + 1, sizeof(*index->next));
	if (!index->first || !index->next) {
		name_index_deinit(index);
		return -ENOMEM;
	}
	if (getrandom(&index->seed, sizeof(index->seed), GRND_NONBLOCK) != sizeof(index->seed))
		index->seed = (uintptr_t)index->next ^ (uintptr_t)index << 24; /* ASLR: better than nothing */
	return 0;
}

void name_index_deinit(struct name_index *index)
{
	free(index->first);
	free(index->next);
	*index = (struct name_index){0};
}

void name_index_add(struct name_index *index, uint32_t number, const char *name, size_t bytes)
{
	uint32_t *first = &index->first[hash(index->seed, name, bytes) & index->mask];

	index->next[number] = *first;
	*first = number + 1;
}

uint32_t name_index_find(const struct name_index *index, const char *name, size_t bytes)
{
	return index->first ? index->first[hash(index->seed, name, bytes) & index->mask] : 0;
}

bool name_index_next(const struct name_index *index, uint32_t *position, uint32_t *number)
{
	if (!*position)
		return false;
	*number = *position - 1;
	*position = index->next[*number];
	return true;
}
