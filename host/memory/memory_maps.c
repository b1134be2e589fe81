/* SPDX-License-Identifier: MIT */
#include "host/memory/memory_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"

#define TEXT_BYTES_MAX      (64u << 20)
#define CANDIDATE_BYTES_MIN (UINT64_C(16) << 20)
#define ARENA_BYTES         (UINT64_C(64) << 20) /* glibc's HEAP_MAX_SIZE, and their alignment */

/* A number and the character behind it. */
static bool take_number(const char **at, int base, char behind, uint64_t *value)
{
	unsigned digits = 0;

	*value = 0;
	for (;; (*at)++, digits++) {
		char c = **at;
		unsigned digit = c >= '0' && c <= '9'        ? (unsigned)(c - '0')
			: c >= 'a' && c <= 'f' && base == 16 ? (unsigned)(c - 'a') + 10
							     : 16;

		if (digit >= (unsigned)base)
			break;
		if (*value > (UINT64_MAX - digit) / (unsigned)base)
			return false;
		*value = *value * (unsigned)base + digit;
	}
	if (!digits || **at != behind)
		return false;
	++*at;
	return true;
}

static bool take_permissions(const char **at, struct memory_map *map)
{
	const char *p = *at;

	if (strnlen(p, 5) < 5 || !strchr("r-", p[0]) || !strchr("w-", p[1]) || !strchr("x-", p[2]) ||
		!strchr("sp", p[3]) || p[4] != ' ')
		return false;
	map->is_readable = p[0] == 'r';
	map->is_writable = p[1] == 'w';
	map->is_executable = p[2] == 'x';
	map->is_shared = p[3] == 's';
	*at += 5;
	return true;
}

/* START-END PERMISSIONS OFFSET MAJOR:MINOR INODE PATH, see proc_pid_maps(5). */
static bool parse_line(const char *line, struct memory_map *map)
{
	const char *at = line;
	uint64_t major, minor;

	if (!take_number(&at, 16, '-', &map->start) || !take_number(&at, 16, ' ', &map->end) ||
		!take_permissions(&at, map) || !take_number(&at, 16, ' ', &map->offset) ||
		!take_number(&at, 16, ':', &major) || !take_number(&at, 16, ' ', &minor) ||
		(!take_number(&at, 10, ' ', &map->inode) && *at))
		return false;
	at += strspn(at, " ");
	map->major = (unsigned)major;
	map->minor = (unsigned)minor;
	map->path = at;
	map->path_length = strlen(at);
	return map->start < map->end;
}

int memory_maps_parse(struct memory_maps *maps, char *text, struct error *error)
{
	size_t capacity = 1, number = 0;

	*maps = (struct memory_maps){.text = text};
	for (const char *at = text; *at; at++)
		capacity += *at == '\n';
	maps->maps = calloc(capacity, sizeof(*maps->maps));
	if (!maps->maps) {
		memory_maps_deinit(maps);
		return error_set(error, -ENOMEM, "no memory");
	}
	for (char *line = text, *next; *line; line = next) {
		struct memory_map *map = &maps->maps[maps->nr_maps];
		size_t length = strcspn(line, "\n");

		next = line + length + (line[length] == '\n');
		line[length] = '\0';
		number++;
		if (!parse_line(line, map) || (maps->nr_maps && map->start < map[-1].end)) {
			memory_maps_deinit(maps);
			return error_set(error, -EINVAL, "line %zu is no mapping", number);
		}
		maps->nr_maps++;
	}
	return 0;
}

int memory_maps_read(struct memory_maps *maps, pid_t pid, struct error *error)
{
	char path[64], *text;
	int err;

	*maps = MEMORY_MAPS_EMPTY;
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	err = file_read_small(AT_FDCWD, path, TEXT_BYTES_MAX, &text, NULL, error);
	if (err)
		return err;
	err = memory_maps_parse(maps, text, error);
	if (err)
		error_add(error, "%s", path);
	return err;
}

void memory_maps_deinit(struct memory_maps *maps)
{
	free(maps->text);
	free(maps->maps);
	*maps = MEMORY_MAPS_EMPTY;
}

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

/*
 * Does `map` continue `last`, with `gap` bytes of something else in between? Firecracker replaces pieces of a
 * snapshot's mapping by anonymous memory when its balloon grows.
 */
static bool continues(const struct memory_map *last, const struct memory_map *map)
{
	return same_file(last, map) && map->offset > last->offset &&
		map->offset - last->offset == map->start - last->start;
}

/* The map that ends where `last` does when all that continues it is added; everything between must be RAM as well. */
static size_t join(const struct memory_maps *maps, size_t first, struct memory_map *whole)
{
	size_t end = first + 1;

	*whole = maps->maps[first];
	for (size_t i = first + 1; i < maps->nr_maps && maps->maps[i].start == maps->maps[i - 1].end; i++) {
		const struct memory_map *map = &maps->maps[i];

		if (!map->is_readable || !map->is_writable || map->is_executable)
			break;
		if (!same_file(whole, map) && map->inode)
			break;
		if (continues(whole, map)) {
			whole->end = map->end;
			end = i + 1;
		}
	}
	return end;
}

static int compare_bytes(const void *a, const void *b)
{
	const struct memory_map *x = a, *y = b;
	uint64_t left = x->end - x->start, right = y->end - y->start;

	return left > right ? -1 : left < right ? 1 : x->start > y->start ? -1 : x->start < y->start;
}

size_t memory_maps_candidates(const struct memory_maps *maps, struct memory_map *candidates)
{
	struct memory_map all[MEMORY_BLOCKS_MAX + 1];
	size_t count = 0;

	for (size_t i = 0, next; i < maps->nr_maps; i = next) {
		struct memory_map whole;

		next = join(maps, i, &whole);
		if (!may_be_ram(&whole, next < maps->nr_maps ? &maps->maps[next] : NULL))
			continue;
		all[count++] = whole;
		qsort(all, count, sizeof(all[0]), compare_bytes);
		if (count > MEMORY_BLOCKS_MAX)
			count = MEMORY_BLOCKS_MAX; /* the smallest goes */
	}
	memcpy(candidates, all, count * sizeof(all[0]));
	return count;
}

bool memory_maps_cover(const struct memory_maps *maps, uint64_t start, uint64_t bytes)
{
	uint64_t left = bytes;

	for (size_t i = 0; i < maps->nr_maps && left; i++) {
		const struct memory_map *map = &maps->maps[i];
		uint64_t part;

		if (start < map->start || start >= map->end)
			continue;
		if (!map->is_readable || !map->is_writable)
			return false;
		part = map->end - start < left ? map->end - start : left;
		start += part;
		left -= part;
	}
	return !left;
}
