/* SPDX-License-Identifier: MIT */
/*
 * A run's own files: /dev/shm/hypertrace-XXXXXX (in $TMPDIR or /tmp where that cannot be written). The run
 * holds a lock on it, so that a later run can tell the directory of a killed one, and removes it.
 */
#pragma once
#include "lib/base/error.h"

struct run_directory {
	char *path;
	int lock;
};

int run_directory_init(struct run_directory *directory, struct error *error);
void run_directory_deinit(struct run_directory *directory); /* removes it, with all in it */
