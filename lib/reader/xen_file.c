/* SPDX-License-Identifier: MIT */
#include "lib/reader/xen_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"

#define COPY_BYTES (256u << 10)

/* An unlinked file, so that nothing is left behind however this process ends. */
static int open_temporary(struct error *error)
{
	const char *directory = getenv("TMPDIR");
	int fd;

	if (!directory || !*directory)
		directory = "/var/tmp";
	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0) {
		int code = -errno;

		error_set(error, code, "no temporary file in %s: %s", directory, strerror(-code));
		return error_hint(error, "set TMPDIR to a directory with room for the whole trace");
	}
	return fd;
}

static int copy_to_temporary(struct xen_file *file, struct error *error)
{
	cleanup_free uint8_t *buffer = malloc(COPY_BYTES);
	cleanup_close int copy = -1;
	ssize_t got;

	if (!buffer)
		return error_set(error, -ENOMEM, "out of memory");
	copy = open_temporary(error);
	if (copy < 0)
		return copy;
	while ((got = read(file->fd, buffer, COPY_BYTES)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_set(error, -errno, "read: %s", strerror(errno));
		if (file_write_all(copy, buffer, (size_t)got, error))
			return error_add(error, "temporary copy");
		file->size += (uint64_t)got;
	}
	if (file->owned)
		close(file->fd);
	file->fd = take_fd(copy);
	file->owned = true;
	return 0;
}

static int look_at(struct xen_file *file, struct error *error)
{
	struct stat status;

	if (fstat(file->fd, &status))
		return error_set(error, -errno, "%s", strerror(errno));
	if (S_ISDIR(status.st_mode))
		return error_set(error, -EISDIR, "%s", strerror(EISDIR));
	if (!S_ISREG(status.st_mode))
		return copy_to_temporary(file, error);
	file->size = (uint64_t)status.st_size;
	return 0;
}

int xen_file_init_fd(struct xen_file *file, int fd, const char *name, struct error *error)
{
	*file = (struct xen_file){.fd = fd, .name = strdup(name)};
	if (!file->name)
		return error_set(error, -ENOMEM, "out of memory");
	if (look_at(file, error)) {
		xen_file_deinit(file);
		return error_add(error, "%s", name);
	}
	return 0;
}

int xen_file_init(struct xen_file *file, const char *path, struct error *error)
{
	*file = (struct xen_file){.fd = -1};
	if (strcmp(path, "-") == 0)
		return xen_file_init_fd(file, STDIN_FILENO, "standard input", error);
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	file->owned = true;
	file->name = strdup(path);
	if (!file->name || look_at(file, error)) {
		if (!file->name)
			error_set(error, -ENOMEM, "out of memory");
		xen_file_deinit(file);
		return error_add(error, "%s", path);
	}
	return 0;
}

void xen_file_deinit(struct xen_file *file)
{
	if (file->owned && file->fd >= 0)
		close(file->fd);
	free(file->name);
	*file = (struct xen_file){.fd = -1};
}

void xen_view_init(struct xen_view *view, const struct xen_file *file, size_t capacity)
{
	*view = (struct xen_view){.file = file, .capacity = capacity};
}

void xen_view_deinit(struct xen_view *view)
{
	free(view->buffer);
	view->buffer = NULL;
	view->bytes = 0;
}

int64_t xen_view_load(struct xen_view *view, uint64_t offset, size_t wanted, struct error *error)
{
	const struct xen_file *file = view->file;
	size_t room;
	ssize_t got;

	if (offset >= file->size)
		return 0;
	/* at the end of the file there may be fewer than wanted, and more will not come */
	if (offset >= view->offset && offset < view->offset + view->bytes &&
		(offset + wanted <= view->offset + view->bytes || view->offset + view->bytes >= file->size))
		return (int64_t)(view->offset + view->bytes - offset);
	if (!view->buffer) {
		view->buffer = malloc(view->capacity + XEN_VIEW_SLACK);
		if (!view->buffer)
			return error_set(error, -ENOMEM, "out of memory");
	}
	room = view->capacity < file->size - offset ? view->capacity : (size_t)(file->size - offset);
	got = file_read_at(file->fd, view->buffer, room, (off_t)offset);
	view->offset = offset;
	view->bytes = got < 0 ? 0 : (size_t)got;
	if (got < 0) {
		error_set(error, (int)got, "read: %s", strerror((int)-got));
		return error_add(error, "%s", file->name);
	}
	return got;
}
