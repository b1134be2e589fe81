/* SPDX-License-Identifier: MIT */
#include "host/collect/guest_copies.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGES_MAX 8192

void guest_copies_deinit(struct guest_copies *copies)
{
	uint64_t page, copy;

	for (size_t at = 0; hash_map_next(&copies->pages, &at, &page, &copy);)
		free((void *)(uintptr_t)copy);
	hash_map_deinit(&copies->pages);
}

/* The copy of a page, made if need be. */
static int copy_of(struct guest_copies *copies, uint64_t page, const uint8_t **copy)
{
	uint64_t *known = hash_map_get(&copies->pages, page);
	uint8_t *made;
	int code;

	if (known) {
		*copy = (const uint8_t *)(uintptr_t)*known;
		return 0;
	}
	if (copies->pages.count >= PAGES_MAX)
		guest_copies_deinit(copies);
	made = malloc(GUEST_PAGE_BYTES);
	if (!made)
		return -ENOMEM;
	code = guest_kernel_read(copies->kernel, page * GUEST_PAGE_BYTES, made, GUEST_PAGE_BYTES);
	known = code ? NULL : hash_map_put(&copies->pages, page);
	if (!known) {
		free(made);
		return code ? code : -ENOMEM;
	}
	*known = (uintptr_t)made;
	*copy = made;
	return 0;
}

int guest_copies_read(struct guest_copies *copies, uint64_t address, void *data, size_t bytes)
{
	uint8_t *at = data;

	while (bytes) {
		const size_t skip = (size_t)(address % GUEST_PAGE_BYTES);
		const size_t part = bytes < GUEST_PAGE_BYTES - skip ? bytes : GUEST_PAGE_BYTES - skip;
		const uint8_t *copy;
		int code = copy_of(copies, address / GUEST_PAGE_BYTES, &copy);

		if (code)
			return code;
		memcpy(at, copy + skip, part);
		at += part;
		address += part;
		bytes -= part;
	}
	return 0;
}

int guest_copies_u64(struct guest_copies *copies, uint64_t address, uint64_t *value)
{
	return guest_copies_read(copies, address, value, sizeof(*value));
}

int guest_copies_text(struct guest_copies *copies, uint64_t address, char *text, size_t size)
{
	size_t used = 0;

	while (used + 1 < size) {
		int code = guest_copies_read(copies, address + used, text + used, 1);

		if (code)
			return code;
		if (!text[used++])
			return 0;
	}
	text[used] = '\0';
	return 0;
}
