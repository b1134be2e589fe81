/* SPDX-License-Identifier: MIT */
#include "host/memory/memory_candidates.h"
#include "host/memory/memory_hole.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATE_BYTES_MIN (UINT64_C(16) << 20)
#define ARENA_BYTES         (UINT64_C(64) << 20) /* glibc's HEAP_MAX_SIZE, and their alignment */
#define KVMTOOL_HOLE        0xd0000000
#define MUCH_SMALLER        8 /* a mapping so many times smaller than the largest is something else */

/* How many layouts at most, so that all kinds have a chance: GUEST_MEMORY_LAYOUTS_MAX in all. */
#define LAYOUTS_ONE     5
#define LAYOUTS_SEVERAL 8
#define LAYOUTS_OTHERS  3
#define OTHER_BYTES_MIN (UINT64_C(32) << 20)

static bool begins(const struct memory_map *map, const char *text)
{
	return map->path_length >= strlen(text) && !memcmp(map->path, text, strlen(text));
}

/* A heap of malloc() for a thread: what it uses, then the rest of its 64 MiB without any permission. */
static bool is_arena(const struct memory_map *map, const struct memory_map *next)
{
	uint64_t end = map->start + ARENA_BYTES;

	return next && !map->path_length && map->start % ARENA_BYTES == 0 && next->start == map->end &&
		next->end == end && !next->is_readable && !next->is_writable;
}

static bool may_be_ram(const struct memory_map *map, const struct memory_map *next)
{
	static const char *const devices[] = {"/dev/shm/", "/dev/hugepages", "/dev/zero", "/dev/dax"};

	if (map->end - map->start < CANDIDATE_BYTES_MIN || !map->is_readable || !map->is_writable ||
		map->is_executable || is_arena(map, next))
		return false;
	if (begins(map, "[") && !begins(map, "[anon"))
		return false; /* [heap], [stack] */
	if (begins(map, "anon_inode:") || begins(map, "/memfd:tcg-jit"))
		return false;
	if (!map->is_shared && memmem(map->path, map->path_length, ".so", 3))
		return false;
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (begins(map, devices[i]))
			return true;
	return !begins(map, "/dev/"); /* a device's registers */
}

static bool same_file(const struct memory_map *a, const struct memory_map *b)
{
	return a->inode && a->inode == b->inode && a->major == b->major && a->minor == b->minor;
}

/* Does `map`, behind it in memory, continue it? */
static bool continues(const struct memory_map *first, const struct memory_map *map)
{
	return same_file(first, map) && map->offset > first->offset &&
		map->offset - first->offset == map->start - first->start;
}

/*
 * The mapping with all that continues it, also behind pieces of anonymous memory: firecracker puts them into a
 * snapshot's mapping when its balloon grows. Returns what comes next.
 */
static size_t join(const struct memory_maps *maps, size_t first, struct memory_map *whole)
{
	size_t end = first + 1;

	*whole = maps->maps[first];
	if (!whole->inode)
		return end;
	for (size_t i = end; i < maps->nr_maps && maps->maps[i].start == maps->maps[i - 1].end; i++) {
		const struct memory_map *map = &maps->maps[i];

		if (!map->is_readable || !map->is_writable || map->is_executable ||
			(map->inode && !continues(whole, map)))
			break;
		if (map->inode) {
			whole->end = map->end;
			end = i + 1;
		}
	}
	return end;
}

/* The same part of a file, mapped once more? */
static bool is_copy(const struct memory_map *map, const struct memory_map *others, size_t nr_others)
{
	for (size_t i = 0; i < nr_others; i++)
		if (same_file(map, &others[i]) &&
			map->offset < others[i].offset + (others[i].end - others[i].start) &&
			others[i].offset < map->offset + (map->end - map->start))
			return true;
	return false;
}

static int compare_bytes(const void *a, const void *b)
{
	const struct memory_map *x = a, *y = b;
	uint64_t left = x->end - x->start, right = y->end - y->start;

	return left > right ? -1 : left < right ? 1 : x->start > y->start ? -1 : x->start < y->start;
}

size_t memory_candidates_find(const struct memory_maps *maps, struct memory_map *candidates)
{
	struct memory_map all[MEMORY_BLOCKS_MAX + 1];
	size_t count = 0;

	for (size_t i = 0, next; i < maps->nr_maps; i = next) {
		struct memory_map whole;

		next = join(maps, i, &whole);
		if (!may_be_ram(&whole, next < maps->nr_maps ? &maps->maps[next] : NULL) ||
			is_copy(&whole, all, count))
			continue;
		all[count++] = whole;
		qsort(all, count, sizeof(all[0]), compare_bytes);
		if (count > MEMORY_BLOCKS_MAX)
			count = MEMORY_BLOCKS_MAX; /* the smallest goes */
	}
	memcpy(candidates, all, count * sizeof(all[0]));
	return count;
}

static int compare_descending(const void *a, const void *b)
{
	const struct memory_map *x = a, *y = b;

	return x->start > y->start ? -1 : x->start < y->start;
}

static int compare_ascending(const void *a, const void *b)
{
	return compare_descending(b, a);
}

static int compare_file_offset(const void *a, const void *b)
{
	const struct memory_map *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

struct guess {
	struct guest_memory *memory;
	struct memory_map maps[MEMORY_BLOCKS_MAX];
	size_t nr_maps;
	const char *command_line;
	size_t command_line_bytes;
};

/* Layouts of the first `count` maps in that order, NULL: as they are. */
static int guess_order(struct guess *guess, size_t count, int (*order)(const void *, const void *),
	const char *why, size_t limit)
{
	struct memory_block blocks[MEMORY_BLOCKS_MAX];
	uint64_t total = 0;

	if (order)
		qsort(guess->maps, count, sizeof(guess->maps[0]), order);
	for (size_t i = 0; i < count; i++) {
		blocks[i] = (struct memory_block){
			guess->maps[i].start, guess->maps[i].end - guess->maps[i].start};
		total += blocks[i].bytes;
	}
	return memory_layout_guess(guess->memory, blocks, count,
		memory_hole_guess(guess->command_line, guess->command_line_bytes, total), why, limit);
}

/*
 * Several mappings. QEMU (one for each NUMA node), firecracker and cloud-hypervisor map the lower RAM first, and the
 * kernel gives out addresses downwards; crosvm maps pieces of one file; kvmtool maps 4 GiB of addresses and more as
 * one, then takes the hole out.
 */
static int guess_several(struct guess *guess, size_t limit)
{
	const struct memory_map *maps = guess->maps;
	bool is_one_file = true, is_one_space;
	int err;

	for (size_t i = 1; i < guess->nr_maps; i++)
		is_one_file &= same_file(&maps[0], &maps[i]);
	if (is_one_file)
		return guess_order(guess, guess->nr_maps, compare_file_offset, ", by file offset", limit);
	qsort(guess->maps, guess->nr_maps, sizeof(guess->maps[0]), compare_ascending);
	is_one_space = guess->nr_maps == 2 && maps[0].end - maps[0].start == KVMTOOL_HOLE &&
		maps[1].start - maps[0].start == UINT64_C(4) << 30;
	err = guess_order(guess, guess->nr_maps, is_one_space ? NULL : compare_descending,
		is_one_space ? ", upwards" : ", downwards", (limit + 1) / 2);
	if (err)
		return err;
	return guess_order(guess, guess->nr_maps, is_one_space ? compare_descending : compare_ascending,
		is_one_space ? ", downwards" : ", upwards", limit / 2);
}

/*
 * Two anonymous mappings are one to the kernel where they touch, and the lower RAM, which came first, is the end of it
 * (cloud-hypervisor).
 */
static int guess_merged(struct guess *guess, const struct memory_map *map)
{
	const uint64_t holes[] = {UINT64_C(3) << 30, 0xd0000000};
	int err = 0;

	for (size_t i = 0; !err && !map->inode && i < sizeof(holes) / sizeof(holes[0]); i++) {
		uint64_t bytes = map->end - map->start;
		struct memory_block blocks[] = {
			{map->end - holes[i], holes[i]}, {map->start, bytes - holes[i]}};

		if (bytes > holes[i])
			err = memory_layout_guess(
				guess->memory, blocks, 2, holes[i], ", upper part first", 1);
	}
	return err;
}

static int guess_one(struct guess *guess, const struct memory_map *map, size_t limit)
{
	int err;

	guess->maps[0] = *map;
	err = guess_order(guess, 1, NULL, "", limit - 2);
	return err ? err : guess_merged(guess, map);
}

/* Something that is larger than the RAM, such as the window of a shared file system, must not hide it. */
static int guess_others(struct guess *guess, const struct memory_map *candidates, size_t nr_candidates)
{
	char why[32];
	int err = 0;

	for (size_t i = 1; !err && i <= LAYOUTS_OTHERS && i < nr_candidates; i++) {
		guess->maps[0] = candidates[i];
		snprintf(why, sizeof(why), ", mapping %zu by size", i + 1);
		if (candidates[i].end - candidates[i].start >= OTHER_BYTES_MIN)
			err = guess_order(guess, 1, NULL, why, 1);
	}
	return err;
}

int memory_candidates_guess(struct guest_memory *memory, const struct memory_map *candidates,
	size_t nr_candidates, const char *command_line, size_t command_line_bytes)
{
	struct guess guess = {
		.memory = memory, .command_line = command_line, .command_line_bytes = command_line_bytes};
	uint64_t largest = candidates[0].end - candidates[0].start;
	bool are_alike = true;
	int err = 0;

	while (guess.nr_maps < nr_candidates && guess.nr_maps < MEMORY_BLOCKS_MAX) {
		const struct memory_map *map = &candidates[guess.nr_maps];

		if (map->end - map->start < largest / MUCH_SMALLER)
			break;
		/* what was made by another call, such as a device's memory in a file, is hardly RAM as well */
		are_alike &= map->is_shared == candidates[0].is_shared && !map->inode == !candidates[0].inode;
		guess.maps[guess.nr_maps++] = *map;
	}
	if (guess.nr_maps == 1)
		err = guess_one(&guess, &candidates[0], LAYOUTS_ONE + LAYOUTS_SEVERAL);
	else if (are_alike)
		err = guess_several(&guess, LAYOUTS_SEVERAL);
	else
		err = guess_one(&guess, &candidates[0], LAYOUTS_ONE);
	if (!err && guess.nr_maps > 1)
		err = are_alike ? guess_one(&guess, &candidates[0], LAYOUTS_ONE)
				: guess_several(&guess, LAYOUTS_SEVERAL);
	return err ? err : guess_others(&guess, candidates, nr_candidates);
}
