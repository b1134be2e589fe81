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
		uint64_t hidden = 0;

		if (last && key(&range, by_offset) - key(last, by_offset) < last->bytes)
			hidden = last->bytes - (key(&range, by_offset) - key(last, by_offset));
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

int memory_layout_guess(struct guest_memory *memory, const struct memory_block *blocks, size_t nr_blocks,
	uint64_t hole, const char *order, size_t limit)
{
	/*
	 * Where RAM ends below 4 GiB: 3 GiB QEMU's pc and microvm, cloud-hypervisor; 2 GiB q35 (QEMU 7.2,
	 * hw/i386/pc_q35.c: if there is at least 0xb0000000); 0xd0000000 firecracker, crosvm, kvmtool.
	 */
	const uint64_t holes[] = {hole, 3 * GIB, 2 * GIB, 0xd0000000, 0xe0000000, 0xb0000000, GIB};
	uint64_t total = 0;
	size_t first = memory->nr_layouts;
	char why[64];
	int err = 0;

	if (nr_blocks > MEMORY_BLOCKS_MAX)
		nr_blocks = MEMORY_BLOCKS_MAX;
	for (size_t i = 0; i < nr_blocks; i++)
		total += blocks[i].bytes;
	for (size_t i = 0; !err && i < sizeof(holes) / sizeof(holes[0]); i++) {
		bool again = i > 0 && holes[i] == hole;

		/* what fits below the usual holes is likelier to be whole */
		if (i == (hole && hole < total ? 1 : 0) && total <= 0xe0000000 &&
			memory->nr_layouts - first < limit) {
			snprintf(why, sizeof(why), "one block%s", order);
			err = add_guess(memory, blocks, nr_blocks, UINT64_MAX, why);
		}
		if (err || !holes[i] || again || holes[i] >= total || memory->nr_layouts - first >= limit)
			continue;
		snprintf(why, sizeof(why), "hole from 0x%" PRIx64 " on%s", holes[i], order);
		err = add_guess(memory, blocks, nr_blocks, holes[i], why);
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
