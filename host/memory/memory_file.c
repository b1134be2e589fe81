/* SPDX-License-Identifier: MIT */
#include "host/memory/guest_memory.h"
#include "host/memory/memory_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_raw(struct guest_memory *memory, uint64_t bytes)
{
	struct memory_block block = {0, bytes};

	memory->is_live = true; /* for all we know */
	return memory_layout_guess(memory, &block, 1, 0, "", GUEST_MEMORY_LAYOUTS_MAX);
}

int guest_memory_open_file(struct guest_memory *memory, const char *path, struct error *error)
{
	struct stat status;
	int err = 0;

	*memory = GUEST_MEMORY_NONE;
	snprintf(memory->name, sizeof(memory->name), "%s", path);
	memory->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (memory->fd < 0 || fstat(memory->fd, &status))
		err = error_set(error, -errno, "%s: %s", path, strerror(errno));
	if (!err) {
		err = open_raw(memory, (uint64_t)status.st_size);
		if (!err)
			err = memory_layout_places(memory);
		if (err)
			error_set(error, err, "%s: %s", path, strerror(-err));
	}
	if (err)
		guest_memory_deinit(memory);
	return err;
}
