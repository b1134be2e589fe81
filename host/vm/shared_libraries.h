/* SPDX-License-Identifier: MIT */
/* What a dynamically linked program needs beside it to run: its interpreter and libraries. */
#pragma once
#include "lib/base/error.h"

struct shared_libraries {
	char *known; /* what `ldconfig -p` printed; NULL: not asked yet */
};

void shared_libraries_deinit(struct shared_libraries *libraries);

/*
 * Calls need(context, guest, local) for the interpreter and for each library that the ELF file at `path`
 * names itself (not for those that these name in turn). guest: where the guest's ld.so finds it; local: the
 * file here. A file that is not ELF, or static, needs nothing. A non-zero answer of need() ends the walk and
 * is returned. -ENOENT: a library is nowhere to be found; -EINVAL: the ELF file is broken.
 */
int shared_libraries_walk(struct shared_libraries *libraries, const char *path,
	int (*need)(void *context, const char *guest, const char *local), void *context, struct error *error);
