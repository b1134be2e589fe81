/* SPDX-License-Identifier: MIT */
#include "host/vm/cpio_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int archive_failed(struct cpio_writer *writer, struct error *error)
{
	const char *text = archive_error_string(writer->archive);
	int code = archive_errno(writer->archive);

	error_set(error, code ? -code : -EIO, "cannot write the guest's initramfs: %s",
		text ? text : "unknown");
	return error_hint(error, "is there room in /dev/shm, or else in $TMPDIR?");
}

int cpio_writer_init(struct cpio_writer *writer, const char *path, struct error *error)
{
	*writer = (struct cpio_writer){.archive = archive_write_new()};
	if (!writer->archive)
		return error_set(error, -ENOMEM, "out of memory");
	if (archive_write_set_format_cpio_newc(writer->archive) != ARCHIVE_OK ||
		archive_write_open_filename(writer->archive, path) != ARCHIVE_OK) {
		int code = archive_failed(writer, error);

		cpio_writer_deinit(writer);
		return code;
	}
	return 0;
}

void cpio_writer_deinit(struct cpio_writer *writer)
{
	tdestroy(writer->names, free);
	if (writer->archive)
		archive_write_free(writer->archive);
	*writer = (struct cpio_writer){0};
}

int cpio_writer_finish(struct cpio_writer *writer, struct error *error)
{
	return archive_write_close(writer->archive) == ARCHIVE_OK ? 0 : archive_failed(writer, error);
}

bool cpio_writer_has(const struct cpio_writer *writer, const char *name)
{
	return tfind(name, &writer->names, by_name) != NULL;
}

/* 1: new, and now taken; 0: was there already. */
static int take_name(struct cpio_writer *writer, const char *name, struct error *error)
{
	char *copy = strdup(name), **slot = copy ? tsearch(copy, &writer->names, by_name) : NULL;

	if (!slot) {
		free(copy);
		return error_set(error, -ENOMEM, "out of memory");
	}
	if (*slot == copy)
		return 1;
	free(copy);
	return 0;
}

static int make_parents(struct cpio_writer *writer, const char *name, struct error *error)
{
	const char *slash = strrchr(name, '/');
	cleanup_free char *parent = NULL;

	if (!slash || slash == name)
		return 0;
	parent = strndup(name, (size_t)(slash - name));
	return parent ? cpio_writer_directory(writer, parent, error)
		      : error_set(error, -ENOMEM, "out of memory");
}

struct content {
	mode_t mode;
	const char *target; /* of a symbolic link */
	const char *bytes;  /* of a text */
	int fd;             /* of a file; -1 */
	size_t size;
};

/* A file that shrinks meanwhile is filled up with zeros by libarchive; what it grows by is left out. */
static int copy_descriptor(struct cpio_writer *writer, int fd, size_t size, struct error *error)
{
	char buffer[65536];
	off_t offset = 0;

	while ((size_t)offset < size) {
		size_t wanted =
			size - (size_t)offset < sizeof(buffer) ? size - (size_t)offset : sizeof(buffer);
		ssize_t count = pread(fd, buffer, wanted, offset);

		if (count < 0)
			return error_set(error, -errno, "read: %s", strerror(errno));
		if (count == 0)
			break;
		if (archive_write_data(writer->archive, buffer, (size_t)count) < 0)
			return archive_failed(writer, error);
		offset += count;
	}
	return 0;
}

static int add(
	struct cpio_writer *writer, const char *name, const struct content *content, struct error *error)
{
	struct archive_entry *entry;
	int result = make_parents(writer, name, error);

	if (result < 0 || (result = take_name(writer, name, error)) <= 0)
		return result;
	entry = archive_entry_new();
	if (!entry)
		return error_set(error, -ENOMEM, "out of memory");
	archive_entry_set_pathname(entry, name + 1);
	archive_entry_set_mode(entry, content->mode);
	archive_entry_set_size(entry, (la_int64_t)content->size);
	archive_entry_set_nlink(entry, 1);
	if (content->target)
		archive_entry_set_symlink(entry, content->target);
	result = archive_write_header(writer->archive, entry) == ARCHIVE_OK ? 0
									    : archive_failed(writer, error);
	archive_entry_free(entry);
	if (!result && content->bytes &&
		archive_write_data(writer->archive, content->bytes, content->size) < 0)
		result = archive_failed(writer, error);
	if (!result && content->fd >= 0)
		result = copy_descriptor(writer, content->fd, content->size, error);
	return result;
}

int cpio_writer_directory(struct cpio_writer *writer, const char *name, struct error *error)
{
	return add(writer, name, &(struct content){.mode = S_IFDIR | 0755, .fd = -1}, error);
}

int cpio_writer_text(
	struct cpio_writer *writer, const char *name, const char *bytes, size_t count, struct error *error)
{
	return add(writer, name,
		&(struct content){.mode = S_IFREG | 0644, .bytes = bytes, .size = count, .fd = -1}, error);
}

int cpio_writer_link(struct cpio_writer *writer, const char *name, const char *target, struct error *error)
{
	return add(
		writer, name, &(struct content){.mode = S_IFLNK | 0777, .target = target, .fd = -1}, error);
}

int cpio_writer_descriptor(
	struct cpio_writer *writer, const char *name, int fd, mode_t mode, struct error *error)
{
	struct stat status;
	struct content content = {.mode = S_IFREG | mode, .fd = fd};

	if (fstat(fd, &status) < 0)
		return error_set(error, -errno, "%s: %s", name, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return error_set(error, -EINVAL, "%s: not a file", name);
	content.size = (size_t)status.st_size;
	if (content.size > UINT32_MAX)
		return error_set(error, -EFBIG, "%s: larger than 4 GiB, which no initramfs can hold", name);
	return add(writer, name, &content, error);
}

int cpio_writer_file(struct cpio_writer *writer, const char *name, const char *local, struct error *error)
{
	cleanup_close int fd = open(local, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return error_set(error, -errno, "%s: %s", local, strerror(errno));
	return cpio_writer_descriptor(writer, name, fd, status.st_mode & 07777, error);
}
