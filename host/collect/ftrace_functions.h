/* SPDX-License-Identifier: MIT */
/* Do the patterns of -F name anything in a stock guest's kernel? It passes over what it does not know, silently. */
#pragma once
#include "host/kernel/guest_kernel.h"
#include "lib/base/error.h"

/*
 * `patterns`: as in struct ftrace_boot_wishes. -EINVAL: the first that names nothing, with the nearest name; what the
 * others name is traced all the same, but all functions where none names any. 0 also if the kernel's list cannot be read.
 */
int ftrace_functions_check(const char *patterns, const struct guest_kernel *kernel, struct error *error);
