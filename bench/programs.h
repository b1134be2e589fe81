/* SPDX-License-Identifier: MIT */
/* The programs that benchmarks run: ours, built with this one, and those of others, which may not be there. */
#pragma once
#include <stdbool.h>
#include "lib/base/error.h"

/* Path of one of our own programs or scripts, to be freed. -ENOENT: it is not where it was built nor installed. */
int bench_program(const char *name, char **path, struct error *error);

/* Whether a program of others is in PATH. */
bool bench_has_program(const char *name);

/* A new directory for files of one run, in $TMPDIR or /tmp; to be freed, and removed with remove_tree(). */
int bench_scratch(char **path, struct error *error);
