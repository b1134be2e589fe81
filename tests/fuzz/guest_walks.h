/* SPDX-License-Identifier: MIT */
/* All that reads a guest's memory, each as one function, for fuzz_guest_walkers.c. */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include "host/kernel/guest_kernel.h"

struct guest_walk {
	const char *name;
	/*
	 * Returns 0 or the error; *found: how many of its things it has found. `choice`: any number, for what can be done
	 * in different ways. Aborts where a promise is not kept.
	 */
	int (*run)(const struct guest_kernel *kernel, unsigned choice, uint64_t *found);
	uint64_t least; /* of what it finds in an honest guest */
};

#define GUEST_WALKS_MAX 16
extern const struct guest_walk guest_walks[]; /* ends with { 0 } */

/* The promises of interfaces. */
#define WALK_MUST(condition) ((condition) ? (void)0 : guest_walk_fail(__FILE__, __LINE__, #condition))
void guest_walk_fail(const char *file, int line, const char *condition) __attribute__((noreturn));

/* Where what is shown goes: to be written, not to be seen. */
FILE *guest_walk_output(void);

/* guest_walk_kernel.c */
int guest_walk_log(const struct guest_kernel *kernel, unsigned choice, uint64_t *found);
int guest_walk_tasks(const struct guest_kernel *kernel, unsigned choice, uint64_t *found);
int guest_walk_modules(const struct guest_kernel *kernel, unsigned choice, uint64_t *found);
int guest_walk_functions(const struct guest_kernel *kernel, unsigned choice, uint64_t *found);
int guest_walk_panic(const struct guest_kernel *kernel, unsigned choice, uint64_t *found);
int guest_walk_space(const struct guest_kernel *kernel, unsigned choice, uint64_t *found);

/* guest_walk_ftrace.c */
int guest_walk_events(const struct guest_kernel *kernel, unsigned choice, uint64_t *found);
int guest_walk_rings(const struct guest_kernel *kernel, unsigned choice, uint64_t *found);
int guest_walk_clocks(const struct guest_kernel *kernel, unsigned choice, uint64_t *found);
int guest_walk_plans(const struct guest_kernel *kernel, unsigned choice, uint64_t *found);

/* guest_walk_trace.c */
int guest_walk_trace(const struct guest_kernel *kernel, unsigned choice, uint64_t *found);
