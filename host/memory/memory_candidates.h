/* SPDX-License-Identifier: MIT */
/* Which mappings of a process may be the RAM of a guest, and in which order. */
#pragma once
#include "host/memory/memory_layout.h"
#include "host/memory/memory_maps.h"

/*
 * Mappings that are written and not run, of at least 16 MiB, no heap, no stack, no library. Pieces of one file that
 * continue each other are one. Returns the number, at most MEMORY_BLOCKS_MAX, the largest first.
 */
size_t memory_candidates_find(const struct memory_maps *maps, struct memory_map *candidates);

/*
 * Adds the layouts that these candidates (at least one) may make up, the likeliest first: the largest alone, and those
 * that are about as large, in the orders in which VMMs map them. `command_line` is the VMM's, NUL-separated. -ENOMEM.
 */
int memory_candidates_guess(struct guest_memory *memory, const struct memory_map *candidates, size_t nr_candidates,
	const char *command_line, size_t command_line_bytes);
