/* SPDX-License-Identifier: MIT */
/* bench functions' parts: each adds its figures of one kernel's guest. */
#pragma once
#include "bench/icount_guest.h"

#define FUNCTIONS_ALL        "*"               /* less function_wishes.c's list, for every tracer */
#define FUNCTIONS_RING_BYTES (64 * ICOUNT_MIB) /* of our region, and of the kernel's own ring */

struct functions {
	struct bench *bench;
	const char *directory; /* for traces, of all kernels */
	struct icount_guest guest;
};

extern const char *const functions_probes[]; /* by enum ht_function_probe, as --probe names them */

/* The kernel's own tracer that says as much as a probe. */
const char *functions_rival(enum ht_function_probe probe);

/*
 * icount_boot_measure() with these functions for whatever tracer: of `boot` the work, its repetitions, the tracers and the
 * recorder's output are the caller's.
 */
int functions_measure(const struct functions *functions, struct icount_boot *boot, const char *patterns,
	enum ht_function_probe probe, struct error *error);

/* Programs that are started and work with files, as when user space boots: under our probes and the kernel's tracers. */
int functions_programs(struct functions *functions, struct error *error);

/* The kernel's boot, from the first function on that its own tracers can trace. */
int functions_boot(struct functions *functions, struct error *error);
