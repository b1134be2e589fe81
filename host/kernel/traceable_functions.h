/* SPDX-License-Identifier: MIT */
/*
 * The functions that a guest's ftrace can trace, as its available_filter_functions would list them: the pages of
 * struct dyn_ftrace (kernel/trace/ftrace.c), modules' included once they are loaded.
 */
#pragma once
#include "host/kernel/guest_kernel.h"
#include "lib/base/error.h"

#define TRACEABLE_FUNCTIONS_MAX (1u << 20)

struct traceable_functions {
	const char *
		*names; /* of the kernel's own symbols, which must outlive this; in the order of addresses */
	size_t count;
};

/* Modules' functions, whose symbols are elsewhere, are left out. -ENOENT: this kernel has none; errors of reading; -ENOMEM. */
int traceable_functions_init(
	struct traceable_functions *functions, const struct guest_kernel *kernel, struct error *error);
void traceable_functions_deinit(struct traceable_functions *functions);

/* How many a shell pattern of `length` bytes names. */
size_t traceable_functions_count(
	const struct traceable_functions *functions, const char *pattern, size_t length);

/* The one whose name is nearest to that; NULL: none is near. */
const char *traceable_functions_nearest(
	const struct traceable_functions *functions, const char *name, size_t length);
