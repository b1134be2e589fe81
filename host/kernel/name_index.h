/* SPDX-License-Identifier: MIT */
/*
 * Names to numbers, for tables that are made once and have up to some millions of names: two arrays, no text of its
 * own. The names are a guest's, so the hash is seeded with a secret: a guest cannot choose names that collide.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name_index {
	uint32_t *first; /* per bucket: a number + 1, or 0 */
	uint32_t *next;  /* per number: the next one + 1 in its bucket, or 0 */
	uint32_t count;  /* numbers are below this */
	uint32_t mask;   /* buckets - 1 */
	uint64_t seed;
};

/* For numbers 0 to count - 1, count < UINT32_MAX. -ENOMEM. */
int name_index_init(struct name_index *index, uint32_t count);
void name_index_deinit(struct name_index *index);

/* Each number once. Of equal names the one added last is found first. */
void name_index_add(struct name_index *index, uint32_t number, const char *name, size_t bytes);

/*
 * for (position = name_index_find(…); name_index_next(index, &position, &number);) compare(number);
 * The caller compares: numbers whose names differ come, too.
 */
uint32_t name_index_find(const struct name_index *index, const char *name, size_t bytes);
bool name_index_next(const struct name_index *index, uint32_t *position, uint32_t *number);
