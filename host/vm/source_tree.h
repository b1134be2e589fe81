/* SPDX-License-Identifier: MIT */
/* The files that make the guest's module: found, hashed and copied. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

struct source_tree {
	const char *root;
	size_t count;
	char **files; /* relative to root, sorted */
};

/* The sources in guest/module and abi below root. -ENOENT: there are none. root must outlive the tree. */
int source_tree_init(struct source_tree *tree, const char *root, struct error *error);
void source_tree_deinit(struct source_tree *tree);

/* FNV-1a over the names and contents of all files. */
int source_tree_hash(const struct source_tree *tree, uint64_t *hash, struct error *error);

/* Copies all files to `target`, with their directories. */
int source_tree_copy(const struct source_tree *tree, const char *target, struct error *error);
