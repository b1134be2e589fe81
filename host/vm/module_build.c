/* SPDX-License-Identifier: MIT */
#include "host/vm/module_build.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "host/vm/cache_directory.h"
#include "host/vm/process.h"
#include "host/vm/source_tree.h"
#include "lib/base/cleanup.h"

#define MODULE "hypertrace.ko"

static int find_sources(struct source_tree *tree, const char *source, struct error *error)
{
	if (source)
		return source_tree_init(tree, source, error);
	if (source_tree_init(tree, HYPERTRACE_SOURCE_ROOT, error) == 0)
		return 0;
	source_tree_deinit(tree);
	return source_tree_init(tree, HYPERTRACE_DATA_ROOT, error);
}

/* The tail that fits into an error: compilers repeat themselves. */
static const char *tail(const char *text, size_t bytes)
{
	size_t length = text ? strlen(text) : 0;
	const char *start = length > bytes ? strchr(text + length - bytes, '\n') : NULL;

	return start ? start + 1 : length ? text : "";
}

static int make(const char *scratch, const struct kernel_package *kernel, struct error *error)
{
	cleanup_free char *directory = NULL, *output = NULL, *jobs = NULL;
	/* the module's own BTF would need pahole, and nobody reads it */
	const char *argv[] = {"make", "-s", NULL, "-C", kernel->headers, NULL,
		"CONFIG_DEBUG_INFO_BTF_MODULES=", "modules", NULL};
	int status;

	if (asprintf(&directory, "M=%s/guest/module", scratch) < 0 ||
		asprintf(&jobs, "-j%ld", sysconf(_SC_NPROCESSORS_ONLN)) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	argv[2] = jobs;
	argv[5] = directory;
	status = process_run(argv, NULL, &output, error);
	if (status < 0)
		return error_hint(error, "install the Debian packages make and gcc-12");
	if (status == 0)
		return 0;
	error_set(error, -EIO, "the build for %s failed (make: status %d)\n%s", kernel->release, status,
		tail(output, ERROR_TEXT_BYTES - 256));
	return error_hint(
		error, "the compiler is the kernel's own: it needs the Debian packages gcc-12 and make");
}

/* Only the module itself is kept. `entry` is its directory in the cache. */
static int keep(const char *scratch, const char *entry, struct error *error)
{
	cleanup_free char *built = NULL, *kept = NULL, *path = NULL;

	if (asprintf(&built, "%s/guest/module/" MODULE, scratch) < 0 ||
		asprintf(&kept, "%s/kept", scratch) < 0 || asprintf(&path, "%s/" MODULE, kept) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	if (make_directories(kept) < 0 || rename(built, path) < 0)
		return error_set(error, -errno, "the build made no " MODULE ": %s", strerror(errno));
	remove_tree(entry);
	if (rename(kept, entry) < 0)
		return error_set(error, -errno, "cannot put %s into the cache: %s", entry, strerror(errno));
	return 0;
}

static int build(const struct cache_directory *cache, const struct kernel_package *kernel,
	const struct source_tree *tree, const char *entry, struct error *error)
{
	cleanup_free char *scratch = NULL, *modules = NULL;
	int result = cache_directory_scratch(cache, &scratch, error);

	if (result < 0)
		return result;
	if (asprintf(&modules, "%s/modules", cache->path) > 0)
		make_directories(modules);
	if ((result = source_tree_copy(tree, scratch, error)) == 0 &&
		(result = make(scratch, kernel, error)) == 0)
		result = keep(scratch, entry, error);
	remove_tree(scratch);
	return result;
}

/* *path is set in any case; whether the module is there, access() tells. */
static int look_up(const struct cache_directory *cache, const struct kernel_package *kernel,
	const struct source_tree *tree, char **entry, char **path, struct error *error)
{
	uint64_t hash;
	int result = source_tree_hash(tree, &hash, error);

	if (result < 0)
		return result;
	if (asprintf(entry, "%s/modules/%s-%016" PRIx64, cache->path, kernel->release, hash) < 0 ||
		asprintf(path, "%s/" MODULE, *entry) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	return 0;
}

static int find_or_build(char **path, const struct kernel_package *kernel, const struct source_tree *tree,
	void (*progress)(const char *text), struct error *error)
{
	cleanup_free char *entry = NULL, *module = NULL;
	struct cache_directory cache;
	char text[256];
	int result = cache_directory_init(&cache, error);

	if (!result)
		result = look_up(&cache, kernel, tree, &entry, &module, error);
	if (!result && access(module, R_OK) < 0)
		result = cache_directory_lock(&cache, error);
	if (!result && access(module, R_OK) < 0) { /* nobody built it while we waited */
		snprintf(text, sizeof(text), "building " MODULE " for %s (once)", kernel->release);
		if (progress)
			progress(text);
		result = build(&cache, kernel, tree, entry, error);
	}
	cache_directory_deinit(&cache);
	if (!result)
		*path = take_pointer(module);
	return result;
}

int module_build(char **path, const struct kernel_package *kernel, const char *source,
	void (*progress)(const char *text), struct error *error)
{
	struct source_tree tree;
	int result;

	if (!kernel->headers)
		return error_set(error, -ENOENT, "no headers for kernel %s", kernel->release);
	result = find_sources(&tree, source, error);
	if (!result)
		result = find_or_build(path, kernel, &tree, progress, error);
	source_tree_deinit(&tree);
	return result < 0 ? error_add(error, "cannot make the guest module") : 0;
}
