/* SPDX-License-Identifier: MIT */
#include "tests/unit/xen_maker.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/file.h"

static void put(struct xen_maker *maker, uint32_t word)
{
	if (maker->bytes + 4 > maker->capacity) {
		maker->capacity = maker->capacity ? 2 * maker->capacity : 4096;
		maker->data = realloc(maker->data, maker->capacity);
		if (!maker->data)
			abort();
	}
	word = htole32(word);
	memcpy(maker->data + maker->bytes, &word, sizeof(word));
	maker->bytes += sizeof(word);
}

static void end_window(struct xen_maker *maker)
{
	uint32_t bytes = htole32((uint32_t)(maker->bytes - maker->window - 4));

	if (maker->window)
		memcpy(maker->data + maker->window, &bytes, sizeof(bytes));
	maker->window = 0;
}

void xen_maker_deinit(struct xen_maker *maker)
{
	free(maker->data);
	*maker = (struct xen_maker){0};
}

void xen_maker_window(struct xen_maker *maker, uint32_t pcpu)
{
	end_window(maker);
	put(maker, 0x2001f003);
	put(maker, pcpu);
	maker->window = maker->bytes;
	put(maker, 0);
}

size_t xen_maker_event(
	struct xen_maker *maker, uint64_t tsc, uint32_t code, unsigned n_extra, const uint32_t *extra)
{
	size_t offset = maker->bytes;

	put(maker, code | n_extra << 28 | (tsc ? 1u << 31 : 0));
	if (tsc) {
		put(maker, (uint32_t)tsc);
		put(maker, (uint32_t)(tsc >> 32));
	}
	for (unsigned i = 0; i < n_extra; i++)
		put(maker, extra[i]);
	return offset;
}

int xen_maker_file(struct xen_maker *maker)
{
	int fd = memfd_create("xen trace", MFD_CLOEXEC);

	end_window(maker);
	if (fd < 0 || file_write_all(fd, maker->data, maker->bytes, NULL))
		abort();
	return fd;
}
