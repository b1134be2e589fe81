/* SPDX-License-Identifier: MIT */
/* Runs another program to its end and keeps what it said. */
#pragma once
#include "lib/base/error.h"

/*
 * argv: NULL-ended, argv[0] looked up in PATH and the sbin directories. directory: where it runs, NULL: here.
 * *output: what it wrote to stdout and stderr, NUL-ended, to be freed, also when it failed; NULL: not wanted.
 * Its stdin is /dev/null. Returns its exit status (128 + n for signal n), or
 * -ENOENT: there is no such program, another negative errno: it could not be started or read.
 */
int process_run(const char *const *argv, const char *directory, char **output, struct error *error);

/* The last line of `output` that is not empty: where programs say why they failed. Points into output. */
const char *process_last_line(char *output);
