/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_memory.h"

#include <errno.h>
#include <stdlib.h>

#define PAGES_MAX (1u << 17) /* remembered */

void ftrace_memory_deinit(struct ftrace_memory *memory)
{
	hash_map_deinit(&memory->pages);
	free(memory->scratch);
	*memory = (struct ftrace_memory){0};
}

void ftrace_memory_forget(struct ftrace_memory *memory)
{
	hash_map_clear(&memory->pages);
}

int ftrace_memory_reserve(struct ftrace_memory *memory, size_t bytes)
{
	uint8_t *larger;

	if (bytes <= memory->scratch_bytes)
		return 0;
	larger = realloc(memory->scratch, bytes);
	if (!larger)
		return -ENOMEM;
	memory->scratch = larger;
	memory->scratch_bytes = bytes;
	return 0;
}

/* Of a page outside of the direct map. */
static int find_page(struct ftrace_memory *memory, uint64_t page, uint64_t *physical)
{
	uint64_t *known = hash_map_get(&memory->pages, page), bytes;
	int code;

	if (known) {
		*physical = *known;
		return 0;
	}
	code = guest_kernel_translate(memory->kernel, page * GUEST_PAGE_BYTES, physical, &bytes);
	if (code)
		return code;
	if (memory->pages.count >= PAGES_MAX)
		hash_map_clear(&memory->pages);
	known = hash_map_put(&memory->pages, page);
	if (!known)
		return -ENOMEM;
	*known = *physical;
	return 0;
}

int ftrace_memory_read(struct ftrace_memory *memory, uint64_t address, void *data, size_t bytes)
{
	const struct guest_kernel *kernel = memory->kernel;
	uint8_t *at = data;

	if (kernel->page_offset && address >= kernel->page_offset &&
		address - kernel->page_offset < guest_memory_end(kernel->memory))
		return guest_kernel_read(kernel, address, data, bytes);
	while (bytes) {
		const uint32_t skip = (uint32_t)(address % GUEST_PAGE_BYTES);
		const size_t part = bytes < GUEST_PAGE_BYTES - skip ? bytes : GUEST_PAGE_BYTES - skip;
		uint64_t physical;
		int code = find_page(memory, address / GUEST_PAGE_BYTES, &physical);

		if (!code)
			code = guest_memory_read(kernel->memory, physical + skip, at, part);
		if (code)
			return code;
		at += part;
		address += part;
		bytes -= part;
	}
	return 0;
}
