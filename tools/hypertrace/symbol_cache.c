/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/symbol_cache.h"

#include <stdio.h>
#include <string.h>

#include "host/vm/cache_directory.h"

const char *symbol_cache(void)
{
	static char path[4096];
	struct cache_directory cache;

	if (path[0])
		return path;
	if (cache_directory_init(&cache, NULL))
		return NULL;
	if ((size_t)snprintf(path, sizeof(path), "%s/symbols", cache.path) >= sizeof(path))
		path[0] = '\0';
	cache_directory_deinit(&cache);
	return path[0] ? path : NULL;
}
