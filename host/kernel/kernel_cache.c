/* SPDX-License-Identifier: MIT */
#include "host/kernel/kernel_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/kernel/kernel_image.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/strbuf.h"

#define FORMAT         "1"
#define NAME_BYTES     (2 * BUILD_ID_BYTES)
#define FILES_SEEN_MAX 256 /* of a directory that somebody filled */

struct cache_file {
	char name[NAME_BYTES + 1];
	struct timespec used;
};

static bool is_build_id(const char *name)
{
	return strlen(name) == NAME_BYTES && strspn(name, "0123456789abcdef") == NAME_BYTES;
}

/* FNV-1a, 64 bits: finds damage, keeps nobody out. */
static uint64_t checksum(const char *text, size_t bytes)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < bytes; i++)
		sum = (sum ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	return sum;
}

static void put(struct strbuf *out, const char *key, uint64_t value)
{
	strbuf_printf(out, "%s=%llx\n", key, (unsigned long long)value);
}

static void format(const struct kernel_cache_entry *entry, struct strbuf *out)
{
	const struct vmcoreinfo *info = &entry->info;

	strbuf_printf(out, "OSRELEASE=%s\nBUILD-ID=%s\nFORMAT=" FORMAT "\n", info->release, info->build_id);
	put(out, "KERNELOFFSET", 0);
	put(out, "NUMBER(phys_base)", 0);
	put(out, "SYMBOL(_text)", entry->text);
	put(out, "SYMBOL(_stext)", info->stext);
	put(out, "SYMBOL(swapper_pg_dir)", info->swapper_pg_dir);
	put(out, "SYMBOL(kallsyms_names)", info->names);
	put(out, "SYMBOL(kallsyms_num_syms)", info->num_syms);
	put(out, "SYMBOL(kallsyms_token_table)", info->token_table);
	put(out, "SYMBOL(kallsyms_token_index)", info->token_index);
	put(out, "SYMBOL(kallsyms_offsets)", info->offsets);
	put(out, "SYMBOL(kallsyms_relative_base)", info->relative_base);
	put(out, "VALUE(kallsyms_relative_base)", entry->relative_base);
	put(out, "SYMBOL(phys_base)", entry->phys_base_variable);
	put(out, "BUILD-ID-NOTE", entry->build_id_note);
	if (!out->failed)
		put(out, "CHECKSUM", checksum(out->data, out->length));
}

/* "\nkey=hex\n" */
static bool find_number(const char *text, const char *key, uint64_t *value)
{
	const size_t length = strlen(key);

	for (const char *at = text; (at = strchr(at, '\n'));) {
		char *end;

		at++;
		if (strncmp(at, key, length) || at[length] != '=')
			continue;
		errno = 0;
		*value = strtoull(at + length + 1, &end, 16);
		return !errno && *end == '\n';
	}
	return false;
}

static bool is_in_image(uint64_t address)
{
	return address >= KERNEL_IMAGE_BASE && address < KERNEL_IMAGE_BASE + KERNEL_IMAGE_BYTES;
}

static bool parse(struct kernel_cache_entry *entry, const char *name, const char *text)
{
	const char *last = strstr(text, "CHECKSUM=");
	uint64_t sum, format_number;

	*entry = (struct kernel_cache_entry){0};
	if (!last || !find_number(text, "CHECKSUM", &sum) || checksum(text, (size_t)(last - text)) != sum ||
		!find_number(text, "FORMAT", &format_number) || format_number != strtoull(FORMAT, NULL, 16))
		return false;
	if (vmcoreinfo_parse(&entry->info, text, strlen(text), NULL) || strcmp(entry->info.build_id, name) ||
		!find_number(text, "SYMBOL(_text)", &entry->text) ||
		!find_number(text, "BUILD-ID-NOTE", &entry->build_id_note) ||
		!find_number(text, "SYMBOL(phys_base)", &entry->phys_base_variable) ||
		!find_number(text, "VALUE(kallsyms_relative_base)", &entry->relative_base))
		return false;
	for (size_t i = 0; i < BUILD_ID_BYTES; i++) {
		const char digits[] = {name[2 * i], name[2 * i + 1], '\0'};

		entry->build_id[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return is_in_image(entry->text) && entry->build_id_note >= entry->text &&
		is_in_image(entry->build_id_note) && entry->phys_base_variable >= entry->text &&
		is_in_image(entry->phys_base_variable) && entry->info.relative_base >= entry->text &&
		is_in_image(entry->info.relative_base);
}

static int by_use(const void *left, const void *right)
{
	const struct cache_file *a = left, *b = right;

	if (a->used.tv_sec != b->used.tv_sec)
		return a->used.tv_sec > b->used.tv_sec ? -1 : 1;
	if (a->used.tv_nsec != b->used.tv_nsec)
		return a->used.tv_nsec > b->used.tv_nsec ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* The cache's files in a directory, the most recently used first. Takes over the descriptor. */
static size_t list(int directory, struct cache_file *files)
{
	DIR *stream = fdopendir(directory);
	struct dirent *item;
	size_t count = 0;

	if (!stream) {
		close(directory);
		return 0;
	}
	while (count < FILES_SEEN_MAX && (item = readdir(stream))) {
		struct stat status;

		if (!is_build_id(item->d_name) ||
			fstatat(dirfd(stream), item->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
			!S_ISREG(status.st_mode))
			continue;
		memcpy(files[count].name, item->d_name, sizeof(files[count].name));
		files[count++].used = status.st_mtim;
	}
	closedir(stream);
	qsort(files, count, sizeof(*files), by_use);
	return count;
}

static int open_directory(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

size_t kernel_cache_load(const char *directory, struct kernel_cache_entry *entries)
{
	struct cache_file files[FILES_SEEN_MAX];
	cleanup_close int fd = open_directory(directory);
	const int listed = fd < 0 ? -1 : open_directory(directory);
	size_t count = 0, nr_files;

	if (listed < 0)
		return 0;
	nr_files = list(listed, files);
	for (size_t i = 0; i < nr_files && count < KERNEL_CACHE_ENTRIES_MAX; i++) {
		cleanup_free char *text = NULL;

		if (!file_read_small(fd, files[i].name, VMCOREINFO_BYTES_MAX, &text, NULL, NULL) &&
			parse(&entries[count], files[i].name, text))
			count++;
	}
	return count;
}

/* With the directories above it; those that are made are for this user alone. */
static int make_directory(const char *path, struct error *error)
{
	char part[PATH_MAX];
	size_t length = strlen(path);

	if (!length || length >= sizeof(part))
		return error_set(error, -ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	memcpy(part, path, length + 1);
	for (size_t i = 1; i <= length; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return error_set(error, -errno, "%s: %s", part, strerror(errno));
		if (i < length)
			part[i] = '/';
	}
	return 0;
}

static void remove_old(int fd, const char *directory)
{
	struct cache_file files[FILES_SEEN_MAX];
	const int listed = open_directory(directory);
	const size_t count = listed < 0 ? 0 : list(listed, files);

	for (size_t i = KERNEL_CACHE_ENTRIES_MAX; i < count; i++)
		unlinkat(fd, files[i].name, 0);
}

int kernel_cache_store(const char *directory, const struct kernel_cache_entry *entry, struct error *error)
{
	cleanup_strbuf struct strbuf text = STRBUF_EMPTY;
	cleanup_close int fd = -1;
	int code;

	if (!is_build_id(entry->info.build_id))
		return error_set(error, -EINVAL, "\"%s\" is no build id", entry->info.build_id);
	format(entry, &text);
	if (text.failed)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	code = make_directory(directory, error);
	if (code)
		return code;
	fd = open_directory(directory);
	if (fd < 0)
		return error_set(error, -errno, "%s: %s", directory, strerror(errno));
	code = file_replace(fd, entry->info.build_id, text.data, text.length, error);
	if (code)
		return code;
	remove_old(fd, directory);
	return 0;
}

void kernel_cache_touch(const char *directory, const char *build_id)
{
	cleanup_close int fd = open_directory(directory);

	if (fd >= 0 && is_build_id(build_id))
		utimensat(fd, build_id, NULL, AT_SYMLINK_NOFOLLOW);
}
