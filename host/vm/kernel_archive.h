/* SPDX-License-Identifier: MIT */
/* Kernel packages out of Debian's archive, unpacked into the cache: nothing is installed, and no root is needed. */
#pragma once
#include "host/vm/cache_directory.h"
#include "lib/base/error.h"

/*
 * Fetches the newest cloud kernel that fits `name` (kernel_release_fits()) with its headers and unpacks it to
 * CACHE/kernels/RELEASE. The cache must be locked. progress is told what is being done; may be NULL.
 * -ENOENT: apt knows of none; -EIO: it could not be fetched or unpacked. Each with a hint.
 */
int kernel_archive_fetch(const struct cache_directory *cache, const char *name,
	void (*progress)(const char *text), struct error *error);
