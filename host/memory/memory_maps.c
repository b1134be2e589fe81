/* SPDX-License-Identifier: MIT */
#include "host/memory/memory_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"

#define TEXT_BYTES_MAX (64u << 20)

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
