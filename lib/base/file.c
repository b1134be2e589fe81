/* SPDX-License-Identifier: MIT */
#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <limits.h>

#include "lib/base/cleanup.h"

int file_write_all(int fd, const void *data, size_t bytes, struct error *error)
{
	const char *at = data;

	while (bytes) {
		ssize_t done = write(fd, at, bytes);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return error_set(error, -errno, "write: %s", strerror(errno));
		at += done;
		bytes -= (size_t)done;
	}
	return 0;
}

ssize_t file_read_at(int fd, void *data, size_t bytes, off_t offset)
{
	size_t total = 0;

	while (total < bytes) {
		ssize_t done = pread(fd, (char *)data + total, bytes - total, offset + (off_t)total);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (!done)
			break;
		total += (size_t)done;
	}
	return (ssize_t)total;
}

/* Reads to the end; the buffer doubles up to one byte more than the limit, which tells a file that is too large. */
static int read_to_end(int fd, size_t limit, char **data, size_t *bytes)
{
	size_t capacity = limit < 4096 ? limit + 1 : 4096, used = 0;
	cleanup_free char *buffer = malloc(capacity + 1);

	if (!buffer)
		return -ENOMEM;
	for (;;) {
		ssize_t done = read(fd, buffer + used, capacity - used);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (!done)
			break;
		used += (size_t)done;
		if (used > limit)
			return -EFBIG;
		if (used == capacity) {
			size_t larger = capacity > limit / 2 ? limit + 1 : capacity * 2;
			char *grown = realloc(buffer, larger + 1);

			if (!grown)
				return -ENOMEM;
			buffer = grown;
			capacity = larger;
		}
	}
	buffer[used] = '\0';
	*data = take_pointer(buffer);
	*bytes = used;
	return 0;
}

int file_read_small(
	int dir_fd, const char *path, size_t limit, char **data, size_t *bytes, struct error *error)
{
	cleanup_close int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	int code;

	if (fd < 0)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	code = read_to_end(fd, limit, data, &used);
	if (code == -EFBIG)
		return error_set(error, code, "%s: larger than %zu bytes", path, limit);
	if (code)
		return error_set(error, code, "%s: %s", path, strerror(-code));
	if (bytes)
		*bytes = used;
	return 0;
}

static int write_and_rename(int dir_fd, const char *path, const char *temporary, const void *data,
	size_t bytes, struct error *error)
{
	cleanup_close int fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int code;

	if (fd < 0)
		return error_set(error, -errno, "create: %s", strerror(errno));
	code = file_write_all(fd, data, bytes, error);
	if (code)
		return code;
	/* else a crash of the machine could leave the new name with nothing in it */
	if (fdatasync(fd) < 0 && errno != EINVAL && errno != EROFS)
		return error_set(error, -errno, "sync: %s", strerror(errno));
	if (renameat(dir_fd, temporary, dir_fd, path) < 0)
		return error_set(error, -errno, "rename: %s", strerror(errno));
	return 0;
}

int file_replace(int dir_fd, const char *path, const void *data, size_t bytes, struct error *error)
{
	char temporary[PATH_MAX];
	int code, length;

	length = snprintf(temporary, sizeof(temporary), "%s.new", path);
	if (length < 0 || (size_t)length >= sizeof(temporary))
		return error_set(error, -ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	code = write_and_rename(dir_fd, path, temporary, data, bytes, error);
	if (code) {
		unlinkat(dir_fd, temporary, 0);
		error_add(error, "%s", path);
	}
	return code;
}
