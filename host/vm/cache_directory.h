/* SPDX-License-Identifier: MIT */
/*
 * Where kernels and modules are kept between runs: $HYPERTRACE_CACHE, else $XDG_CACHE_HOME/hypertrace, else
 * ~/.cache/hypertrace. Entries appear whole, by rename; whoever makes one holds the lock.
 */
#pragma once
#include "lib/base/error.h"

struct cache_directory {
	char *path; /* absolute; exists */
	int lock;   /* held from cache_directory_lock() on; -1 */
};

int cache_directory_init(struct cache_directory *cache, struct error *error);
void cache_directory_deinit(struct cache_directory *cache); /* also lets go of the lock */

/* Waits until no other process makes an entry. Look again for the entry afterwards: the other may have made it. */
int cache_directory_lock(struct cache_directory *cache, struct error *error);

/* With the lock held: makes an empty directory to build an entry in, on the cache's file system. To be freed. */
int cache_directory_scratch(const struct cache_directory *cache, char **path, struct error *error);

/* mkdir -p; 0 or a negative errno. */
int make_directories(const char *path);

/* rm -r; what cannot be removed is left. */
void remove_tree(const char *path);
