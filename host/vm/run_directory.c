/* SPDX-License-Identifier: MIT */
#include "host/vm/run_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "host/vm/cache_directory.h"
#include "lib/base/cleanup.h"

#define PREFIX "hypertrace-"

/* Ours, and nobody holds its lock: left behind by a run that was killed with SIGKILL. */
static void remove_if_abandoned(const char *path)
{
	cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
		flock(fd, LOCK_EX | LOCK_NB) == 0)
		remove_tree(path);
}

static void remove_abandoned(const char *parent)
{
	DIR *entries = opendir(parent);
	struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		cleanup_free char *path = NULL;

		if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 &&
			strlen(entry->d_name) == strlen(PREFIX) + 6 &&
			asprintf(&path, "%s/%s", parent, entry->d_name) > 0)
			remove_if_abandoned(path);
	}
	if (entries)
		closedir(entries);
}

/* Between mkdtemp() and flock() another run could take it for abandoned: then try once more. */
static int make_locked(struct run_directory *directory, const char *parent)
{
	for (int attempt = 0; attempt < 3; attempt++) {
		if (asprintf(&directory->path, "%s/" PREFIX "XXXXXX", parent) < 0) {
			directory->path = NULL;
			return -ENOMEM;
		}
		if (!mkdtemp(directory->path)) {
			int code = -errno;

			free(directory->path);
			directory->path = NULL;
			return code;
		}
		directory->lock = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (directory->lock >= 0 && flock(directory->lock, LOCK_EX | LOCK_NB) == 0 &&
			access(directory->path, F_OK) == 0)
			return 0;
		run_directory_deinit(directory);
	}
	return -EAGAIN;
}

int run_directory_init(struct run_directory *directory, struct error *error)
{
	const char *temporary = getenv("TMPDIR");
	int result;

	*directory = (struct run_directory){.lock = -1};
	remove_abandoned("/dev/shm");
	result = make_locked(directory, "/dev/shm");
	if (result < 0)
		result = make_locked(directory, temporary && *temporary == '/' ? temporary : "/tmp");
	if (result < 0) {
		error_set(error, result, "cannot make a directory for the run: %s", strerror(-result));
		return error_hint(error, "make /dev/shm or $TMPDIR writable");
	}
	return 0;
}

void run_directory_deinit(struct run_directory *directory)
{
	if (directory->path)
		remove_tree(directory->path);
	if (directory->lock >= 0)
		close(directory->lock);
	free(directory->path);
	*directory = (struct run_directory){.lock = -1};
}
