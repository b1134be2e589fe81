/* SPDX-License-Identifier: MIT */
#include "host/memory/memory_backing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

/* Opens it if it is that file. O_NONBLOCK: something else by that name must not keep us. */
static int open_same(const char *path, const struct memory_map *map)
{
	cleanup_close int fd = -1;
	struct statfs system;
	struct stat status;

	if (stat(path, &status) || !S_ISREG(status.st_mode) || status.st_ino != map->inode ||
		major(status.st_dev) != map->major || minor(status.st_dev) != map->minor)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) || status.st_ino != map->inode || !S_ISREG(status.st_mode))
		return -1;
	/* huge pages are never swapped, so page tables tell all; and a look at an absent one would allocate it */
	if (fstatfs(fd, &system) || system.f_type == HUGETLBFS_MAGIC)
		return -1;
	return take_fd(fd);
}

/* A memfd has no path, but a descriptor of the process leads to it. */
static int open_descriptor(pid_t pid, const struct memory_map *map)
{
	char path[64 + NAME_MAX];
	struct dirent *entry;
	DIR *directory;
	int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	directory = opendir(path);
	while (directory && fd < 0 && (entry = readdir(directory))) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, entry->d_name);
		if (entry->d_name[0] != '.')
			fd = open_same(path, map);
	}
	if (directory)
		closedir(directory);
	return fd;
}

void memory_backing_open(struct memory_backing *backing, pid_t pid, const struct memory_map *map)
{
	char path[64 + PATH_MAX];

	*backing = (struct memory_backing){map->start, map->end, map->offset, -1};
	if (!map->inode)
		return; /* anonymous */
	snprintf(path, sizeof(path), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, pid, map->start, map->end);
	backing->fd = open_same(path, map);
	if (backing->fd < 0)
		backing->fd = open_descriptor(pid, map);
	if (backing->fd < 0 && map->path_length < PATH_MAX) {
		snprintf(path, sizeof(path), "/proc/%d/root%.*s", pid, (int)map->path_length, map->path);
		backing->fd = open_same(path, map);
	}
}
