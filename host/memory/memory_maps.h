/* SPDX-License-Identifier: MIT */
/* What a process has mapped: /proc/PID/maps. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "lib/base/error.h"

struct memory_map {
	uint64_t start, end, offset, inode;
	unsigned major, minor;
	bool is_readable, is_writable, is_executable, is_shared;
	const char *path; /* not terminated */
	size_t path_length;
};

struct memory_maps {
	char *text;              /* what the paths are in */
	struct memory_map *maps; /* by rising address */
	size_t nr_maps;
};

#define MEMORY_MAPS_EMPTY ((struct memory_maps){0})

/*
 * Takes the text over, also on error. -EINVAL: a line that the kernel would not write, the error says which; -ENOMEM.
 */
int memory_maps_parse(struct memory_maps *maps, char *text, struct error *error);
int memory_maps_read(struct memory_maps *maps, pid_t pid, struct error *error);
void memory_maps_deinit(struct memory_maps *maps);
#define cleanup_memory_maps __attribute__((cleanup(memory_maps_deinit)))

/* Is all of [start, start + bytes) mapped to be read and written? */
bool memory_maps_cover(const struct memory_maps *maps, uint64_t start, uint64_t bytes);
