/* SPDX-License-Identifier: MIT */
/* A file that says it is the dump of a guest. Whatever is in it: ranges in order, reads within, a search that ends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/memory/guest_memory.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/dump_maker.h"

const char fuzz_name[] = "guest_dump";

static struct dump_maker maker;

/* Of a guest; of one with ranges that overlap and continue; raw; without notes of QEMU. */
size_t fuzz_seed(size_t index, const uint8_t **data)
{
	*data = maker.bytes;
	if (index >= 4)
		return 0;
	dump_maker_init(&maker, 5);
	for (unsigned i = 0; i < 4; i++)
		memcpy(dump_maker_add(&maker, index == 1 ? i * 3000 : (uint64_t)i << 32, 5000), "page", 4);
	if (index == 2)
		memset(maker.bytes, 0, 64);
	if (index == 3)
		maker.headers[0].p_filesz /= 2;
	return maker.size;
}

#define MUST(condition) ((condition) ? (void)0 : fail(#condition))

static void fail(const char *condition)
{
	fprintf(stderr, "not so: %s\n", condition);
	abort();
}

static void check_layout(struct guest_memory *memory, size_t index)
{
	const struct guest_memory_layout *layout = &memory->layouts[index];
	uint64_t end = 0;
	uint8_t byte;

	guest_memory_use_layout(memory, index);
	for (size_t i = 0; i < layout->nr_ranges; i++) {
		const struct guest_memory_range *range = &layout->ranges[i];
		int first = guest_memory_read(memory, range->physical, &byte, 1);
		int last = guest_memory_read(memory, range->physical + range->bytes - 1, &byte, 1);

		MUST(range->bytes && range->physical >= end);
		MUST(range->physical + range->bytes > range->physical);
		MUST((first == 0 || first == -EIO) && (last == 0 || last == -EIO));
		MUST(guest_memory_read_offset(memory, range->offset, &byte, 1) == first);
		if (range->physical > end)
			MUST(guest_memory_read(memory, range->physical - 1, &byte, 1) == -EFAULT);
		end = range->physical + range->bytes;
	}
	MUST(guest_memory_end(memory) == end);
	MUST(guest_memory_read(memory, end, &byte, 1) == -EFAULT);
}

static void search(const struct guest_memory *memory, const char *prefix, size_t size)
{
	uint64_t cursor = 0, offset, before = 0;
	size_t count = 0, bytes = strlen(prefix) + 1; /* the NUL, too: pages of zeros are found by "" */
	char text[16];

	while (guest_memory_find_page(memory, prefix, bytes, &cursor, &offset) == 1) {
		MUST(cursor > before);
		before = cursor;
		MUST(!guest_memory_read_offset(memory, offset, text, bytes) && !memcmp(text, prefix, bytes));
		MUST(++count <= size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guest_memory memory;
	struct error error = {0};
	char path[64];
	int fd = memfd_create("dump", MFD_CLOEXEC), code;

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	code = guest_memory_open_file(&memory, path, &error);
	if (!code) {
		MUST(memory.nr_layouts && memory.nr_registers <= GUEST_MEMORY_CPUS_MAX);
		for (size_t i = 0; i < memory.nr_layouts; i++)
			check_layout(&memory, i);
		search(&memory, "page", size);
		search(&memory, "", size);
		guest_memory_deinit(&memory);
	} else {
		MUST(error.text[0] && error.code == code && memory.fd == -1);
	}
	close(fd);
	return 0;
}
