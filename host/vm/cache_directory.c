/* SPDX-License-Identifier: MIT */
#include "host/vm/cache_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pwd.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"

int make_directories(const char *path)
{
	cleanup_free char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *slash = copy + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			return -errno;
	}
	return mkdir(copy, 0777) < 0 && errno != EEXIST ? -errno : 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	remove(path);
	return 0;
}

void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int default_path(char **path)
{
	const char *chosen = getenv("HYPERTRACE_CACHE");
	const char *shared = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	struct passwd *user;

	if (chosen && *chosen) {
		cleanup_free char *here = *chosen == '/' ? NULL : getcwd(NULL, 0);

		return here ? asprintf(path, "%s/%s", here, chosen) : asprintf(path, "%s", chosen);
	}
	if (shared && *shared == '/')
		return asprintf(path, "%s/hypertrace", shared);
	if (!home && (user = getpwuid(getuid())))
		home = user->pw_dir;
	return asprintf(path, "%s/.cache/hypertrace", home ? home : "/var/tmp");
}

int cache_directory_init(struct cache_directory *cache, struct error *error)
{
	int result;

	*cache = (struct cache_directory){.lock = -1};
	if (default_path(&cache->path) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	result = make_directories(cache->path);
	if (result < 0) {
		error_set(error, result, "cannot make the cache directory %s: %s", cache->path,
			strerror(-result));
		cache_directory_deinit(cache);
		return error_hint(error, "set HYPERTRACE_CACHE to a directory you may write");
	}
	return 0;
}

void cache_directory_deinit(struct cache_directory *cache)
{
	if (cache->lock >= 0)
		close(cache->lock); /* and so unlocks */
	free(cache->path);
	*cache = (struct cache_directory){.lock = -1};
}

int cache_directory_lock(struct cache_directory *cache, struct error *error)
{
	cleanup_free char *path = NULL;
	int result = 0;

	if (asprintf(&path, "%s/lock", cache->path) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	cache->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (cache->lock < 0)
		result = -errno;
	while (!result && flock(cache->lock, LOCK_EX) < 0)
		if (errno != EINTR)
			result = -errno;
	if (result < 0) {
		error_set(error, result, "cannot lock %s: %s", path, strerror(-result));
		return error_hint(error, "set HYPERTRACE_CACHE to a directory you may write");
	}
	return 0;
}

/* What was being made when its maker was killed: the lock is ours, so nobody else is at work there. */
static void remove_abandoned(const struct cache_directory *cache)
{
	DIR *entries = opendir(cache->path);
	struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		cleanup_free char *path = NULL;

		if (strncmp(entry->d_name, "new-", 4) == 0 &&
			asprintf(&path, "%s/%s", cache->path, entry->d_name) > 0)
			remove_tree(path);
	}
	if (entries)
		closedir(entries);
}

int cache_directory_scratch(const struct cache_directory *cache, char **path, struct error *error)
{
	int code;

	remove_abandoned(cache);
	if (asprintf(path, "%s/new-XXXXXX", cache->path) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	if (mkdtemp(*path))
		return 0;
	code = -errno;
	free(*path);
	*path = NULL;
	return error_set(error, code, "cannot make a directory in %s: %s", cache->path, strerror(-code));
}
