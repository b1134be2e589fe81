/* SPDX-License-Identifier: MIT */
/* What tells where a VMM has its guest's RAM: the first byte chooses mappings, QEMU's monitor, or a command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/memory/memory_candidates.h"
#include "host/memory/memory_hole.h"
#include "host/memory/memory_layout.h"
#include "host/memory/memory_maps.h"
#include "host/memory/memory_mtree.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_name[] = "guest_maps";

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static const char *const seeds[] = {
		"m55d4226a9000-55d422ab0000 r--p 00001000 fe:10 10977332    /usr/bin/qemu-system-x86_64\n"
		"7f83f0000000-7f83f0a13000 rw-p 00000000 00:00 0 \n"
		"7f83f0a13000-7f83f4000000 ---p 00000000 00:00 0 \n"
		"7f83f7e00000-7f8417e00000 rw-p 00000000 00:00 0 \n"
		"7f8417e00000-7f8417e01000 ---p 00000000 00:00 0 \n",
		"m100000000-140000000 rw-s c0000000 00:01 5    /memfd:ram (deleted)\n"
		"200000000-2c0000000 rw-s 00000000 00:01 5    /memfd:ram (deleted)\n",
		"m10000000-14000000 rw-p 00000000 fe:00 5    /snapshot\n14000000-14010000 rw-p 00000000 00:00 0 \n"
		"14010000-20000000 rw-p 04010000 fe:00 5    /snapshot\n",
		"tFlatView #1\n AS \"memory\", root: system\n Root memory region: system\n"
		"  0000000000000000-000000000009ffff (prio 0, ram): pc.ram KVM\n"
		"  00000000000c0000-00000000000c9fff (prio 0, rom): pc.ram @00000000000c0000 KVM\n"
		"  0000000000100000-0000000000ffffff (prio 0, ram): pc.ram @0000000000100000 KVM\n\n",
		"tHost virtual address for 0x0 (pc.ram) is 0x7f83f7e00000\r\n",
		"cqemu-system-x86_64 -machine q35,max-ram-below-4g=1G -m 6G",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return 0;
	*data = (const uint8_t *)seeds[index];
	return strlen(seeds[index]);
}

#define MUST(condition) ((condition) ? (void)0 : fail(#condition))

static void fail(const char *condition)
{
	fprintf(stderr, "not so: %s\n", condition);
	abort();
}

static void check_layouts(struct guest_memory *memory)
{
	MUST(memory->nr_layouts > 0);
	for (size_t i = 0; i < memory->nr_layouts; i++) {
		const struct guest_memory_layout *layout = &memory->layouts[i];
		uint64_t end = 0;

		MUST(layout->nr_ranges && layout->why[0]);
		for (size_t j = 0; j < layout->nr_ranges; j++) {
			const struct guest_memory_range *range = &layout->ranges[j];

			MUST(range->bytes && range->physical >= end);
			end = range->physical + range->bytes;
		}
	}
}

static void use_maps(char *text)
{
	struct memory_map candidates[MEMORY_BLOCKS_MAX];
	struct guest_memory memory = GUEST_MEMORY_NONE;
	struct error error = {0};
	struct memory_maps maps;
	size_t count;

	if (memory_maps_parse(&maps, text, &error)) {
		MUST(error.text[0]);
		return;
	}
	count = memory_candidates_find(&maps, candidates);
	MUST(count <= MEMORY_BLOCKS_MAX);
	for (size_t i = 0; i < count; i++) {
		MUST(candidates[i].start < candidates[i].end);
		MUST(!i ||
			candidates[i].end - candidates[i].start <=
				candidates[i - 1].end - candidates[i - 1].start);
		MUST(memory_maps_cover(&maps, candidates[i].start, candidates[i].end - candidates[i].start));
	}
	if (count) {
		MUST(!memory_candidates_guess(&memory, candidates, count, NULL, 0));
		check_layouts(&memory);
		MUST(!memory_layout_places(&memory));
	}
	guest_memory_deinit(&memory);
	memory_maps_deinit(&maps);
}

static void use_monitor(const char *text)
{
	struct memory_mtree_range ranges[MEMORY_MTREE_RANGES_MAX];
	int count = memory_mtree_parse(text, ranges);
	uint64_t end = 0, address;

	MUST(count <= MEMORY_MTREE_RANGES_MAX);
	for (int i = 0; i < count; i++) {
		MUST(ranges[i].bytes && ranges[i].physical >= end);
		end = ranges[i].physical + ranges[i].bytes;
	}
	memory_mtree_parse_address(text, &address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	MUST(text);
	if (*data == 'm') {
		use_maps(text); /* and frees it */
		return 0;
	}
	if (*data == 't')
		use_monitor(text);
	free(text);
	if (*data == 'c') {
		text = malloc(size);
		MUST(text);
		for (size_t i = 1; i < size; i++)
			text[i - 1] = data[i] == ' ' ? '\0' : (char)data[i];
		text[size - 1] = '\0';
		MUST(memory_hole_guess(text, size - 1, UINT64_C(6) << 30) <= UINT64_C(4) << 30);
		free(text);
	}
	return 0;
}
