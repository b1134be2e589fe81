/* SPDX-License-Identifier: MIT */
#include "host/memory/guest_memory.h"
#include "host/memory/memory_backing.h"
#include "host/memory/memory_layout.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

bool guest_memory_has_ended(const struct guest_memory *memory)
{
	struct pollfd ended = {.fd = memory->pid_fd, .events = POLLIN};

	return memory->pid_fd >= 0 && poll(&ended, 1, 0) > 0;
}

/* All of it, or why not. Offsets of processes and files are below 2^63. */
static int read_all(const struct guest_memory *memory, uint64_t offset, void *data, size_t bytes)
{
	char *at = data;

	while (bytes) {
		ssize_t done = pread(memory->fd, at, bytes, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0 && !memory->pid)
			return -EIO;
		/* 0: the address space is gone, which is so a little earlier than the process */
		if (done <= 0)
			return !done || guest_memory_has_ended(memory) ? -ESRCH : -EFAULT;
		at += done;
		offset += (uint64_t)done;
		bytes -= (size_t)done;
	}
	return 0;
}

static int read_ranges(const struct guest_memory *memory, const struct guest_memory_range *ranges,
	size_t nr_ranges, uint64_t from, void *data, size_t bytes, bool by_offset)
{
	const struct guest_memory_range *range = memory_ranges_find(ranges, nr_ranges, from, by_offset);
	char *at = data;

	while (bytes) {
		uint64_t skip, part;
		int err;

		if (!range || range == ranges + nr_ranges)
			return -EFAULT;
		skip = from - (by_offset ? range->offset : range->physical);
		if (skip >= range->bytes)
			return -EFAULT; /* a gap, or the end of the addresses */
		part = range->bytes - skip;
		if (part > bytes)
			part = bytes;
		err = read_all(memory, range->offset + skip, at, part);
		if (err)
			return err;
		at += part;
		from += part;
		bytes -= part;
		range++;
	}
	return 0;
}

int guest_memory_read(const struct guest_memory *memory, uint64_t physical, void *data, size_t bytes)
{
	const struct guest_memory_layout *layout = &memory->layouts[memory->current];

	return read_ranges(memory, layout->ranges, layout->nr_ranges, physical, data, bytes, false);
}

int guest_memory_read_offset(const struct guest_memory *memory, uint64_t offset, void *data, size_t bytes)
{
	return read_ranges(memory, memory->places, memory->nr_places, offset, data, bytes, true);
}

void guest_memory_use_layout(struct guest_memory *memory, size_t layout)
{
	if (layout < memory->nr_layouts)
		memory->current = layout;
}

uint64_t guest_memory_end(const struct guest_memory *memory)
{
	const struct guest_memory_layout *layout = &memory->layouts[memory->current];
	const struct guest_memory_range *last = layout->ranges + layout->nr_ranges - 1;

	return layout->nr_ranges ? last->physical + last->bytes : 0;
}

void guest_memory_deinit(struct guest_memory *memory)
{
	for (size_t i = 0; i < memory->nr_layouts; i++)
		free(memory->layouts[i].ranges);
	for (size_t i = 0; i < memory->nr_backings; i++)
		if (memory->backings[i].fd >= 0)
			close(memory->backings[i].fd);
	free(memory->backings);
	free(memory->registers);
	free(memory->places);
	if (memory->fd >= 0)
		close(memory->fd);
	if (memory->pid_fd >= 0)
		close(memory->pid_fd);
	if (memory->pagemap_fd >= 0)
		close(memory->pagemap_fd);
	*memory = GUEST_MEMORY_NONE;
}
