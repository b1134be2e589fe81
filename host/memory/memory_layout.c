/* SPDX-License-Identifier: MIT */
#include "host/memory/memory_layout.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIB    (UINT64_C(1) << 30)
#define FOUR_G (4 * GIB)

static uint64_t key(const struct guest_memory_range *range, bool by_offset)
{
	return by_offset ? range->offset : range->physical;
}

static int compare(const struct guest_memory_range *a, const struct guest_memory_range *b, bool by_offset)
{
	uint64_t x = key(a, by_offset), y = key(b, by_offset);

	if (x != y)
		return x < y ? -1 : 1;
	return a->bytes > b->bytes ? -1 : a->bytes < b->bytes; /* the longest first: it hides the others */
}

static int compare_physical(const void *a, const void *b)
{
	return compare(a, b, false);
}

static int compare_offset(const void *a, const void *b)
{
	return compare(a, b, true);
}

size_t memory_ranges_tidy(struct guest_memory_range *ranges, size_t nr_ranges, bool by_offset)
{
	struct guest_memory_range *last = NULL;
	size_t kept = 0;

	if (nr_ranges)
		qsort(ranges, nr_ranges, sizeof(*ranges), by_offset ? compare_offset : compare_physical);
	for (size_t i = 0; i < nr_ranges; i++) {
		struct guest_memory_range range = ranges[i];
		/* the last one may begin behind this one, where it was hidden itself */
		uint64_t end = last ? key(last, by_offset) + last->bytes : 0;
		uint64_t hidden = end > key(&range, by_offset) ? end - key(&range, by_offset) : 0;

		if (hidden >= range.bytes)
			continue;
		range.physical += hidden;
		range.offset += hidden;
		range.bytes -= hidden;
		if (last && range.physical - last->physical == last->bytes &&
			range.offset - last->offset == last->bytes) {
			last->bytes += range.bytes;
			continue;
		}
		last = &ranges[kept++];
		*last = range;
	}
	return kept;
}

const struct guest_memory_range *memory_ranges_find(
	const struct guest_memory_range *ranges, size_t nr_ranges, uint64_t at, bool by_offset)
{
	size_t low = 0, high = nr_ranges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct guest_memory_range *range = &ranges[middle];

		if (at < key(range, by_offset))
			high = middle;
		else if (at - key(range, by_offset) >= range->bytes)
			low = middle + 1;
		else
			return range;
	}
	return NULL;
}

int memory_layout_add(struct guest_memory *memory, const struct guest_memory_range *ranges, size_t nr_ranges,
	const char *why)
{
	struct guest_memory_layout *layout = &memory->layouts[memory->nr_layouts];

	if (memory->nr_layouts == GUEST_MEMORY_LAYOUTS_MAX)
		return -ENOSPC;
	layout->ranges = malloc((nr_ranges ? nr_ranges : 1) * sizeof(*ranges));
	if (!layout->ranges)
		return -ENOMEM;
	if (nr_ranges)
		memcpy(layout->ranges, ranges, nr_ranges * sizeof(*ranges));
	layout->nr_ranges = memory_ranges_tidy(layout->ranges, nr_ranges, false);
	snprintf(layout->why, sizeof(layout->why), "%s", why);
	memory->nr_layouts++;
	return 0;
}

/* The blocks one behind the other from 0 on, what does not fit below the hole from 4 GiB on. */
static int add_guess(struct guest_memory *memory, const struct memory_block *blocks, size_t nr_blocks,
	uint64_t hole, const char *why)
{
	struct guest_memory_range ranges[MEMORY_BLOCKS_MAX + 1];
	uint64_t physical = 0;
	size_t count = 0;

	for (size_t i = 0; i < nr_blocks; i++) {
		uint64_t offset = blocks[i].offset, left = blocks[i].bytes;

		while (left && count < MEMORY_BLOCKS_MAX + 1) {
			uint64_t bytes = left;

			if (physical < hole && bytes > hole - physical)
				bytes = hole - physical;
			ranges[count++] = (struct guest_memory_range){physical, bytes, offset};
			physical += bytes;
			offset += bytes;
			left -= bytes;
			if (physical == hole)
				physical = FOUR_G;
		}
	}
	return memory_layout_add(memory, ranges, count, why);
}

/*
 * Where RAM ends below 4 GiB: 3 GiB in QEMU's pc and microvm, cloud-hypervisor, firecracker since 1.13; 2 GiB in q35;
 * 0xd0000000 in crosvm, kvmtool and firecracker before. The others: limits by option (max-ram-below-4g).
 */
static const uint64_t usual_holes[] = {3 * GIB, 2 * GIB, 0xd0000000, 0xe0000000, 0xb0000000, GIB};
#define NR_HOLES (sizeof(usual_holes) / sizeof(usual_holes[0]))

/* A VMM that maps what is below the hole by itself tells where it is. */
static uint64_t hole_behind(const struct memory_block *block)
{
	for (size_t i = 0; i < NR_HOLES; i++)
		if (block->bytes == usual_holes[i])
			return usual_holes[i];
	return 0;
}

int memory_layout_guess(struct guest_memory *memory, const struct memory_block *blocks, size_t nr_blocks,
	uint64_t hole, const char *order, size_t limit)
{
	size_t first = memory->nr_layouts, nr_begins = 0;
	uint64_t begins[NR_HOLES + 2], total = 0; /* UINT64_MAX: no hole */
	char why[sizeof(memory->layouts[0].why)];
	int err = 0;

	if (nr_blocks > MEMORY_BLOCKS_MAX)
		nr_blocks = MEMORY_BLOCKS_MAX;
	for (size_t i = 0; i < nr_blocks; i++)
		total += blocks[i].bytes;
	if (!hole && nr_blocks > 1)
		hole = hole_behind(&blocks[0]);
	if (hole)
		begins[nr_begins++] = hole;
	if (total < 0xe0000000) /* what fits below all holes but the rare ones is likelier to be whole */
		begins[nr_begins++] = UINT64_MAX;
	for (size_t i = 0; i < NR_HOLES; i++)
		if (usual_holes[i] != hole && usual_holes[i] < total)
			begins[nr_begins++] = usual_holes[i];
	for (size_t i = 0; !err && i < nr_begins && memory->nr_layouts - first < limit; i++) {
		if (begins[i] == UINT64_MAX)
			snprintf(why, sizeof(why), "%s%s", nr_blocks > 1 ? "without a hole" : "one block",
				order);
		else
			snprintf(why, sizeof(why), "hole from 0x%" PRIx64 " on%s", begins[i], order);
		err = add_guess(memory, blocks, nr_blocks, begins[i], why);
	}
	return err == -ENOSPC ? 0 : err;
}

int memory_layout_places(struct guest_memory *memory)
{
	size_t count = 0;

	for (size_t i = 0; i < memory->nr_layouts; i++)
		count += memory->layouts[i].nr_ranges;
	memory->places = malloc((count ? count : 1) * sizeof(*memory->places));
	if (!memory->places)
		return -ENOMEM;
	count = 0;
	for (size_t i = 0; i < memory->nr_layouts; i++) {
		const struct guest_memory_layout *layout = &memory->layouts[i];

		for (size_t j = 0; j < layout->nr_ranges; j++) {
			struct guest_memory_range *place = &memory->places[count++];

			*place = layout->ranges[j];
			/* its place in a page; so that the same bytes of several layouts become one again */
			place->physical =
				place->offset + ((place->physical - place->offset) & (GUEST_PAGE_BYTES - 1));
		}
	}
	memory->nr_places = memory_ranges_tidy(memory->places, count, true);
	return 0;
}
