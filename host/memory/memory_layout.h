/* SPDX-License-Identifier: MIT */
/* Layouts, as the openers make them: known ranges, or guesses where the RAM of a PC lies. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "host/memory/guest_memory.h"

#define MEMORY_BLOCKS_MAX 64

/* Bytes that lie together at an offset; their physical address is to be guessed. */
struct memory_block {
	uint64_t offset, bytes;
};

/*
 * Sorts ranges by physical address (or by offset) and cuts what overlaps: the one that begins lower keeps all of its
 * own, so an address is in one range only. Neighbours that continue each other become one. Returns how many are left.
 */
size_t memory_ranges_tidy(struct guest_memory_range *ranges, size_t nr_ranges, bool by_offset);

/* The range that holds `at`, a physical address (or an offset), or NULL. The ranges are tidy in that order. */
const struct guest_memory_range *memory_ranges_find(
	const struct guest_memory_range *ranges, size_t nr_ranges, uint64_t at, bool by_offset);

/* A layout of these ranges, which are copied and made tidy. -ENOMEM; -ENOSPC: no more layouts. */
int memory_layout_add(struct guest_memory *memory, const struct guest_memory_range *ranges, size_t nr_ranges,
	const char *why);

/*
 * Guesses for blocks that are the RAM in this order. `hole`: where that VMM is known to begin its hole below 4 GiB;
 * 0: unknown. No more than `limit` layouts. -ENOMEM.
 */
int memory_layout_guess(struct guest_memory *memory, const struct memory_block *blocks, size_t nr_blocks,
	uint64_t hole, const char *order, size_t limit);

/* Fills memory->places from the ranges of all layouts. -ENOMEM. */
int memory_layout_places(struct guest_memory *memory);
