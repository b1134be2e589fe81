/* SPDX-License-Identifier: MIT */
/* hypertrace.ko for one kernel, built out of guest/module and abi/ and kept in the cache. */
#pragma once
#include "host/vm/kernel_package.h"
#include "lib/base/error.h"

/*
 * *path: of hypertrace.ko for the kernel, to be freed. It is built again when a source has changed.
 * source: the directory that holds guest/module and abi; NULL: where this program was built from, else where
 * its sources are installed. progress is told when a build starts; may be NULL. -ENOENT: no sources or no
 * headers; -EIO: the build failed, and the error's text ends with the compiler's output.
 */
int module_build(char **path, const struct kernel_package *kernel, const char *source,
	void (*progress)(const char *text), struct error *error);
