/* SPDX-License-Identifier: MIT */
/* Files, whole: every short read, short write and EINTR handled once. */
#pragma once
#include <stddef.h>
#include <sys/types.h>
#include "lib/base/error.h"

/* Writes all of it. Negative errno; the text says "write: …", the caller adds which file. */
int file_write_all(int fd, const void *data, size_t bytes, struct error *error);

/* Reads up to `bytes` at `offset`; fewer only at the end of the file. Returns the count, or a negative errno. */
ssize_t file_read_at(int fd, void *data, size_t bytes, off_t offset);

/*
 * Reads a whole file of at most `limit` bytes, also one that has no size (/proc, /sys). `path` is relative to
 * dir_fd (AT_FDCWD: the working directory). *data is NUL-terminated and the caller's to free; *bytes, unless
 * NULL, is without that NUL. -EFBIG: more than limit. The error names the path.
 */
int file_read_small(
	int dir_fd, const char *path, size_t limit, char **data, size_t *bytes, struct error *error);

/* Creates or replaces a file, so that at every moment the old or the new one is there, whole. */
int file_replace(int dir_fd, const char *path, const void *data, size_t bytes, struct error *error);
