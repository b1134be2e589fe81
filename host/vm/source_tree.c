/* SPDX-License-Identifier: MIT */
#include "host/vm/source_tree.h"

#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host/vm/cache_directory.h"
#include "lib/base/cleanup.h"

/* What a build leaves beside the sources is none. */
static bool is_source(const char *name)
{
	static const char *const suffixes[] = {".c", ".h", ".S", ".def", ".mk"};
	const char *dot = strrchr(name, '.');

	if (strcmp(name, "Kbuild") == 0 || strcmp(name, "Makefile") == 0 || strcmp(name, "VERSION") == 0)
		return true;
	for (size_t i = 0; dot && i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (strcmp(dot, suffixes[i]) == 0 && !strstr(name, ".mod.c"))
			return true;
	return false;
}

static int add(struct source_tree *tree, const char *path)
{
	char **larger = realloc(tree->files, (tree->count + 1) * sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	tree->files = larger;
	tree->files[tree->count] = strdup(path + strlen(tree->root) + 1);
	return tree->files[tree->count++] ? 0 : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int source_tree_init(struct source_tree *tree, const char *root, struct error *error)
{
	cleanup_free char *module = NULL, *abi = NULL;
	char *roots[3] = {0};
	FTSENT *entry;
	FTS *walk;
	int result = 0;

	*tree = (struct source_tree){.root = root};
	if (asprintf(&module, "%s/guest/module", root) < 0 || asprintf(&abi, "%s/abi", root) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	roots[0] = module;
	roots[1] = abi;
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	while (walk && !result && (entry = fts_read(walk)))
		if (entry->fts_info == FTS_F && is_source(entry->fts_name))
			result = add(tree, entry->fts_path);
	if (walk)
		fts_close(walk);
	if (result < 0)
		return error_set(error, result, "out of memory");
	if (!tree->count)
		return error_set(error, -ENOENT, "no sources of the guest module in %s", root);
	qsort(tree->files, tree->count, sizeof(*tree->files), by_name);
	return 0;
}

void source_tree_deinit(struct source_tree *tree)
{
	while (tree->count)
		free(tree->files[--tree->count]);
	free(tree->files);
	*tree = (struct source_tree){0};
}

static FILE *open_file(const char *directory, const char *name, const char *mode, struct error *error)
{
	cleanup_free char *path = NULL;
	FILE *file;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		return error_set(error, -ENOMEM, "out of memory"), NULL;
	file = fopen(path, mode);
	if (!file)
		error_set(error, -errno, "%s: %s", path, strerror(errno));
	return file;
}

static uint64_t hash_bytes(uint64_t hash, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3ULL;
	return hash;
}

int source_tree_hash(const struct source_tree *tree, uint64_t *hash, struct error *error)
{
	*hash = 0xcbf29ce484222325ULL;
	for (size_t i = 0; i < tree->count; i++) {
		cleanup_fclose FILE *file = open_file(tree->root, tree->files[i], "r", error);
		char buffer[4096];
		size_t count;

		if (!file)
			return error->code;
		*hash = hash_bytes(*hash, tree->files[i], strlen(tree->files[i]) + 1);
		while ((count = fread(buffer, 1, sizeof(buffer), file)) > 0)
			*hash = hash_bytes(*hash, buffer, count);
	}
	return 0;
}

static int make_parent(const char *target, const char *file)
{
	cleanup_free char *directory = NULL;

	if (asprintf(&directory, "%s/%s", target, file) < 0)
		return -ENOMEM;
	*strrchr(directory, '/') = '\0';
	return make_directories(directory);
}

int source_tree_copy(const struct source_tree *tree, const char *target, struct error *error)
{
	for (size_t i = 0; i < tree->count; i++) {
		cleanup_fclose FILE *from = NULL, *to = NULL;
		char buffer[4096];
		size_t count;
		int result = make_parent(target, tree->files[i]);

		if (result < 0)
			return error_set(error, result, "%s: %s", target, strerror(-result));
		from = open_file(tree->root, tree->files[i], "r", error);
		to = from ? open_file(target, tree->files[i], "w", error) : NULL;
		if (!to)
			return error->code;
		while ((count = fread(buffer, 1, sizeof(buffer), from)) > 0)
			fwrite(buffer, 1, count, to);
		if (fflush(to) == EOF)
			return error_set(error, -errno, "%s/%s: %s", target, tree->files[i], strerror(errno));
	}
	return 0;
}
