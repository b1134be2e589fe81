/* SPDX-License-Identifier: MIT */
#include "host/vm/kernel_archive.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "host/vm/kernel_release.h"
#include "host/vm/process.h"
#include "lib/base/cleanup.h"

#define MAX_PACKAGES 8 /* image, headers, common headers, kbuild */

struct package_list {
	size_t count;
	char *names[MAX_PACKAGES];
};

static void package_list_deinit(struct package_list *list)
{
	while (list->count)
		free(list->names[--list->count]);
}

static int package_list_add(struct package_list *list, const char *prefix, const char *name, size_t length)
{
	if (list->count == MAX_PACKAGES)
		return -E2BIG;
	if (asprintf(&list->names[list->count], "%s%.*s", prefix, (int)length, name) < 0)
		return -ENOMEM;
	list->count++;
	return 0;
}

/* `output` has lines "package - description". Whether one is exactly `prefix` + `release`. */
static bool has_package(const char *output, const char *prefix, const char *release)
{
	cleanup_free char *start = NULL;

	if (asprintf(&start, "%s%s - ", prefix, release) < 0)
		return false;
	for (const char *hit = output; (hit = strstr(hit, start)); hit++)
		if (hit == output || hit[-1] == '\n')
			return true;
	return false;
}

static const char image_prefix[] = "linux-image-", headers_prefix[] = "linux-headers-";

/* The newest release for which both image and headers are to be had. To be freed; NULL: none. */
static char *choose_release(const char *output, const char *name)
{
	char *best = NULL;

	for (const char *line = output; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		size_t length = strcspn(line, " \n"), skip = sizeof(image_prefix) - 1;
		cleanup_free char *release = NULL;

		if (length <= skip || strncmp(line, image_prefix, skip) != 0)
			continue;
		release = strndup(line + skip, length - skip);
		if (!release || !kernel_release_fits(release, name) ||
			(best && strverscmp(release, best) <= 0) ||
			!has_package(output, headers_prefix, release))
			continue;
		free(best);
		best = take_pointer(release);
	}
	return best;
}

static int find_release(const char *name, char **release, struct error *error)
{
	static const char pattern[] = "^linux-(image|headers)-[0-9].*";
	const char *argv[] = {"apt-cache", "search", "--names-only", pattern, NULL};
	cleanup_free char *output = NULL;
	int status = process_run(argv, NULL, &output, error);

	if (status < 0)
		return error_hint(error,
			"fetching kernels needs Debian's apt; else give a vmlinuz by its path, and "
			"--headers DIR");
	*release = choose_release(output, name);
	if (*release)
		return 0;
	error_set(error, -ENOENT,
		"no kernel %s: not in the cache, not installed, and apt knows of no package "
		"linux-image-%s with its headers",
		name, name);
	return error_hint(error,
		"Debian 12 has the series 6.1 and 6.12; where apt's lists are old or empty, run "
		"apt-get update as root");
}

/* The headers need two further packages, whose names only their dependencies tell. */
static int add_dependencies(struct package_list *list, const char *release, struct error *error)
{
	static const char *const wanted[] = {"linux-headers-", "linux-kbuild-"};
	cleanup_free char *headers = NULL, *output = NULL;
	const char *argv[] = {"apt-cache", "depends", "--important", NULL, NULL};
	int status;

	if (asprintf(&headers, "%s%s", headers_prefix, release) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	argv[3] = headers;
	status = process_run(argv, NULL, &output, error);
	if (status)
		return status < 0 ? status
				  : error_set(error, -EIO, "apt-cache: %s", process_last_line(output));
	for (char *line = strstr(output, "Depends: "); line; line = strstr(line, "Depends: ")) {
		line += strlen("Depends: ");
		for (size_t i = 0; i < 2; i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0 &&
				package_list_add(list, "", line, strcspn(line, " \n")) < 0)
				return error_set(error, -EIO, "package %s: too many dependencies", headers);
	}
	return 0;
}

static int download(const struct package_list *list, const char *directory, struct error *error)
{
	const char *argv[8 + MAX_PACKAGES] = {"apt-get", "-q", "-o", "Acquire::Retries=3"};
	cleanup_free char *output = NULL;
	size_t count = 4;
	int status;

	if (geteuid() == 0) { /* apt's own user may not write to our directory */
		argv[count++] = "-o";
		argv[count++] = "APT::Sandbox::User=root";
	}
	argv[count++] = "download";
	for (size_t i = 0; i < list->count; i++)
		argv[count++] = list->names[i];
	status = process_run(argv, directory, &output, error);
	if (status <= 0)
		return status;
	error_set(error, -EIO, "apt-get download %s: %s", list->names[0], process_last_line(output));
	return error_hint(error, "check the network; where apt's lists are old, run apt-get update as root");
}

static int unpack_one(const char *directory, const char *package, const char *root, struct error *error)
{
	cleanup_free char *path = NULL, *output = NULL;
	const char *argv[] = {"dpkg-deb", "-x", NULL, root, NULL};
	int status;

	if (asprintf(&path, "%s/%s", directory, package) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	argv[2] = path;
	status = process_run(argv, NULL, &output, error);
	if (status <= 0)
		return status;
	error_set(error, -EIO, "dpkg-deb -x %s: %s", package, process_last_line(output));
	return error_hint(error, "is the file system of the cache full?");
}

static int unpack_all(const char *directory, const char *root, struct error *error)
{
	DIR *entries = opendir(directory);
	struct dirent *entry;
	int result = entries ? 0 : error_set(error, -errno, "%s: %s", directory, strerror(errno));

	while (!result && entries && (entry = readdir(entries)))
		if (strstr(entry->d_name, ".deb"))
			result = unpack_one(directory, entry->d_name, root, error);
	if (entries)
		closedir(entries);
	return result;
}

/*
 * The Makefile in linux-headers-RELEASE includes that of linux-headers-…-common by the path it has when
 * installed. Named relative to itself, it works wherever the packages were unpacked.
 */
static int relocate_headers(const char *root, const char *release, struct error *error)
{
	static const char include[] = "include /usr/src/";
	cleanup_free char *path = NULL;
	cleanup_fclose FILE *file = NULL;
	char line[512];

	if (asprintf(&path, "%s/usr/src/linux-headers-%s/Makefile", root, release) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	file = fopen(path, "r+");
	if (!file || !fgets(line, sizeof(line), file))
		return error_set(error, -EIO, "package linux-headers-%s: no Makefile in it", release);
	if (strncmp(line, include, strlen(include)) != 0)
		return 0;
	rewind(file);
	if (ftruncate(fileno(file), 0) < 0 ||
		fprintf(file, "include $(dir $(abspath $(lastword $(MAKEFILE_LIST))))../%s",
			line + strlen(include)) < 0 ||
		fflush(file) == EOF)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

/* Makes `scratch`/root, whole, out of the packages; then moves it to its name in the cache. */
static int install(const struct cache_directory *cache, const char *scratch, const char *release,
	const struct package_list *list, struct error *error)
{
	cleanup_free char *root = NULL, *target = NULL, *kernels = NULL;
	int result;

	if (asprintf(&root, "%s/root", scratch) < 0 || asprintf(&kernels, "%s/kernels", cache->path) < 0 ||
		asprintf(&target, "%s/%s", kernels, release) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	if ((result = download(list, scratch, error)) < 0 ||
		(result = unpack_all(scratch, root, error)) < 0 ||
		(result = relocate_headers(root, release, error)) < 0)
		return result;
	make_directories(kernels);
	remove_tree(target); /* an entry that lacked something, or find_cached() had found it */
	if (rename(root, target) < 0)
		return error_set(error, -errno, "cannot put %s into the cache: %s", target, strerror(errno));
	return 0;
}

int kernel_archive_fetch(const struct cache_directory *cache, const char *name,
	void (*progress)(const char *text), struct error *error)
{
	cleanup_free char *release = NULL, *scratch = NULL;
	struct package_list list = {0};
	char text[256];
	int result = find_release(name, &release, error);

	if (result < 0)
		return result;
	if (package_list_add(&list, image_prefix, release, strlen(release)) < 0 ||
		package_list_add(&list, headers_prefix, release, strlen(release)) < 0)
		result = error_set(error, -ENOMEM, "out of memory");
	if (!result)
		result = add_dependencies(&list, release, error);
	if (!result)
		result = cache_directory_scratch(cache, &scratch, error);
	if (!result) {
		snprintf(text, sizeof(text), "fetching kernel %s from Debian's archive (once)", release);
		if (progress)
			progress(text);
		result = install(cache, scratch, release, &list, error);
		remove_tree(scratch);
	}
	package_list_deinit(&list);
	return result < 0 ? error_add(error, "kernel %s", name) : 0;
}
