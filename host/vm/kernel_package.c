/* SPDX-License-Identifier: MIT */
#include "host/vm/kernel_package.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "host/vm/cache_directory.h"
#include "host/vm/kernel_archive.h"
#include "host/vm/kernel_release.h"
#include "lib/base/cleanup.h"

void kernel_package_deinit(struct kernel_package *package)
{
	free(package->release);
	free(package->vmlinuz);
	free(package->headers);
	*package = (struct kernel_package){0};
}

/* Takes the kernel `release` from below `root` ("" or a directory of the cache) if it is whole there. */
static int take(struct kernel_package *package, const char *root, const char *release, bool need_headers)
{
	struct kernel_package found = {.release = strdup(release)};
	cleanup_free char *makefile = NULL;

	if (!found.release || asprintf(&found.vmlinuz, "%s/boot/vmlinuz-%s", root, release) < 0 ||
		asprintf(&found.headers, "%s/usr/src/linux-headers-%s", root, release) < 0 ||
		asprintf(&makefile, "%s/Makefile", found.headers) < 0)
		return -ENOMEM;
	if (access(makefile, R_OK) < 0) {
		free(found.headers);
		found.headers = NULL;
	}
	if (access(found.vmlinuz, R_OK) < 0 || (need_headers && !found.headers)) {
		kernel_package_deinit(&found);
		return -ENOENT;
	}
	*package = found;
	return 0;
}

/* The newest release in `directory` that fits; names there are `prefix` + release. To be freed; NULL: none. */
static char *newest_in(const char *directory, const char *prefix, const char *name)
{
	DIR *entries = opendir(directory);
	char *best = NULL;
	struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		const char *release = entry->d_name + strlen(prefix);

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0 ||
			!kernel_release_fits(release, name))
			continue;
		if (!best || strverscmp(release, best) > 0) {
			free(best);
			best = strdup(release);
		}
	}
	if (entries)
		closedir(entries);
	return best;
}

static int find_cached(
	struct kernel_package *package, const struct cache_directory *cache, const struct kernel_wish *wish)
{
	cleanup_free char *kernels = NULL, *release = NULL, *root = NULL;

	if (asprintf(&kernels, "%s/kernels", cache->path) < 0)
		return -ENOMEM;
	release = newest_in(kernels, "", wish->name);
	if (!release)
		return -ENOENT;
	if (asprintf(&root, "%s/%s", kernels, release) < 0)
		return -ENOMEM;
	return take(package, root, release, wish->need_headers);
}

static int find_installed(struct kernel_package *package, const struct kernel_wish *wish)
{
	cleanup_free char *release = newest_in("/boot", "vmlinuz-", wish->name);

	return release ? take(package, "", release, wish->need_headers) : -ENOENT;
}

static int find_or_fetch(struct kernel_package *package, const struct kernel_wish *wish, struct error *error)
{
	struct cache_directory cache;
	int result = cache_directory_init(&cache, error);

	if (result < 0)
		return result;
	result = find_cached(package, &cache, wish);
	if (result == -ENOENT)
		result = find_installed(package, wish);
	if (result != -ENOENT) {
		cache_directory_deinit(&cache);
		return result < 0 ? error_set(error, result, "out of memory") : 0;
	}
	result = cache_directory_lock(&cache, error);
	if (!result && find_cached(package, &cache, wish) < 0) { /* nobody fetched it while we waited */
		result = kernel_archive_fetch(&cache, wish->name, wish->progress, error);
		if (!result && find_cached(package, &cache, wish) < 0)
			result = error_set(
				error, -EIO, "kernel %s: the packages lack a kernel or headers", wish->name);
	}
	cache_directory_deinit(&cache);
	return result;
}

static int default_headers(struct kernel_package *package)
{
	cleanup_free char *makefile = NULL;

	if (asprintf(&package->headers, "/lib/modules/%s/build", package->release) < 0 ||
		asprintf(&makefile, "%s/Makefile", package->headers) < 0)
		return -ENOMEM;
	if (access(makefile, R_OK) == 0)
		return 0;
	free(package->headers);
	package->headers = NULL;
	return -ENOENT;
}

static int check_headers(struct kernel_package *package, const struct kernel_wish *wish, struct error *error)
{
	cleanup_free char *makefile = NULL;

	if (wish->headers) {
		package->headers = realpath(wish->headers, NULL);
		if (!package->headers || asprintf(&makefile, "%s/Makefile", package->headers) < 0 ||
			access(makefile, R_OK) < 0) {
			error_set(error, -ENOENT, "%s holds no kernel headers: no Makefile", wish->headers);
			return error_hint(
				error, "give the directory that /lib/modules/RELEASE/build points to");
		}
		return 0;
	}
	if (default_headers(package) < 0 && wish->need_headers) {
		error_set(error, -ENOENT, "no headers for kernel %s", package->release);
		return error_hint(
			error, "give them with --headers DIR, or install linux-headers-%s", package->release);
	}
	return 0;
}

static int use_file(struct kernel_package *package, const struct kernel_wish *wish, struct error *error)
{
	int result = kernel_release_read(wish->name, &package->release, error);

	if (result < 0)
		return result;
	package->vmlinuz = realpath(wish->name, NULL);
	if (!package->vmlinuz)
		return error_set(error, -errno, "%s: %s", wish->name, strerror(errno));
	return check_headers(package, wish, error);
}

int kernel_package_find(struct kernel_package *package, const struct kernel_wish *wish, struct error *error)
{
	int result;

	*package = (struct kernel_package){0};
	if (!strchr(wish->name, '/')) {
		if (kernel_release_is_name(wish->name))
			return find_or_fetch(package, wish, error);
		error_set(error, -EINVAL, "'%s' is neither a kernel series nor a release", wish->name);
		return error_hint(error,
			"give a series such as 6.12, a release as uname -r prints it, or the path of "
			"a vmlinuz such as ./vmlinuz");
	}
	result = use_file(package, wish, error);
	if (result < 0)
		kernel_package_deinit(package);
	return result;
}
