/* SPDX-License-Identifier: MIT */
#include "lib/writer/trace_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"

/* Metadata and hypertrace.json, old and new beside each other, with the points of hours. */
#define RESERVE_BYTES (256 << 10)

static bool is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	bool empty = directory;

	if (!directory) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	while (empty && (entry = readdir(directory)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	closedir(directory);
	return empty;
}

static int cannot(struct error *error, const char *what, const char *path)
{
	int code = error_set(error, -errno, "%s %s: %s", what, path, strerror(errno));

	error_hint(error, "the trace becomes a new directory there: name another with -o");
	return code;
}

/* A file system that cannot do that has no reserve. */
static void make_reserve(struct trace_dir *dir)
{
	dir->reserve_fd = openat(dir->fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (dir->reserve_fd >= 0 && fallocate(dir->reserve_fd, 0, 0, RESERVE_BYTES))
		trace_dir_use_reserve(dir);
}

void trace_dir_use_reserve(struct trace_dir *dir)
{
	if (dir->reserve_fd >= 0)
		close(dir->reserve_fd);
	dir->reserve_fd = -1;
}

int trace_dir_init(struct trace_dir *dir, const char *path, struct error *error)
{
	*dir = (struct trace_dir){.fd = -1, .reserve_fd = -1, .path = strdup(path)};
	if (!dir->path)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return cannot(error, "create", path);
	dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir->fd < 0)
		return cannot(error, "open", path);
	if (!is_empty(dir->fd)) {
		error_set(error, -EEXIST, "%s: there is something in it", path);
		error_hint(error, "choose another directory with -o, or remove this one");
		return -EEXIST;
	}
	make_reserve(dir);
	return 0;
}

void trace_dir_deinit(struct trace_dir *dir)
{
	trace_dir_use_reserve(dir);
	if (dir->fd >= 0)
		close(dir->fd);
	free(dir->path);
	*dir = (struct trace_dir){.fd = -1, .reserve_fd = -1};
}

static int make_machine(int fd, const char *machine, struct error *error)
{
	cleanup_close int made = -1;

	if (mkdirat(fd, machine, 0777) < 0)
		return error_set(error, -errno, "create: %s", strerror(errno));
	made = openat(fd, machine, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (made < 0)
		return error_set(error, -errno, "open: %s", strerror(errno));
	if (mkdirat(made, "names", 0777) < 0 || mkdirat(made, "names/formats", 0777) < 0)
		return error_set(error, -errno, "create names: %s", strerror(errno));
	return take_fd(made);
}

int trace_dir_add_machine(struct trace_dir *dir, const char *machine, struct error *error)
{
	int result = make_machine(dir->fd, machine, error);

	if (result < 0)
		error_add(error, "%s/%s", dir->path, machine);
	return result;
}

int trace_dir_write_info(struct trace_dir *dir, const struct trace_info *info, struct error *error)
{
	cleanup_free char *text = NULL;
	int code = trace_info_format(info, &text, error);

	if (!code)
		code = file_replace(dir->fd, TRACE_INFO_FILE, text, strlen(text), error);
	if (code)
		error_add(error, "%s", dir->path);
	return code;
}

int trace_uuid(uint8_t uuid[16], struct error *error)
{
	if (getrandom(uuid, 16, 0) != 16)
		return error_set(error, -errno, "random numbers: %s", strerror(errno));
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40); /* RFC 4122, 4.4 */
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	return 0;
}
