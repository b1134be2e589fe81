/* SPDX-License-Identifier: MIT */
/* Names of kernels: "6.12" is a series, "6.12.117+deb12-cloud-amd64" a release (uname -r). */
#pragma once
#include <stdbool.h>
#include "lib/base/error.h"

/* A series or a release: digits and dots first, then no character that means something to a shell, apt or a path. */
bool kernel_release_is_name(const char *name);

/* Whether `release` is `name`, or one of Debian's cloud kernels of the series `name`. */
bool kernel_release_fits(const char *release, const char *name);

/*
 * Reads the release out of a bzImage: its header's kernel_version (Documentation/arch/x86/boot.rst).
 * *release is to be freed. -EINVAL: not a bzImage; others as the system says.
 */
int kernel_release_read(const char *path, char **release, struct error *error);
