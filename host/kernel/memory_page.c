/* SPDX-License-Identifier: MIT */
#include "host/kernel/memory_page.h"

#include <unistd.h>

#include "host/memory/memory_backing.h"
#include "lib/base/file.h"

/* Documentation/admin-guide/mm/pagemap.rst: present, or swapped */
#define EXISTS (UINT64_C(3) << 62)

static bool is_mapped(const struct guest_memory *memory, uint64_t address)
{
	uint64_t entry;

	if (memory->pagemap_fd < 0 ||
		file_read_at(memory->pagemap_fd, &entry, sizeof(entry),
			(off_t)(address / GUEST_PAGE_BYTES * sizeof(entry))) != sizeof(entry))
		return true;
	return entry & EXISTS;
}

bool memory_page_is_touched(const struct guest_memory *memory, uint64_t offset)
{
	if (!memory->pid || is_mapped(memory, offset))
		return true; /* a hole of a file is read without being filled */
	/* a shared page may be there and not be mapped by this process */
	for (size_t i = 0; i < memory->nr_backings; i++) {
		const struct memory_backing *backing = &memory->backings[i];
		const uint64_t page = offset & ~(uint64_t)(GUEST_PAGE_BYTES - 1);
		off_t at;

		if (offset < backing->start || offset >= backing->end || backing->fd < 0)
			continue;
		at = (off_t)(page - backing->start + backing->file_offset);
		return lseek(backing->fd, at, SEEK_DATA) == at;
	}
	return false;
}
