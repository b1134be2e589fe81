/* SPDX-License-Identifier: MIT */
/* A RAM file with a kernel that the makers wrote, opened as a guest's memory: what the finder's tests share. */
#pragma once
#include <stdint.h>
#include "host/kernel/guest_kernel.h"
#include "tests/unit/kernel_maker.h"

#define MIB     (UINT64_C(1) << 20)
#define RELEASE "6.1.0-test"

struct kernel_fixture {
	char path[32];
	int fd;
	struct guest_memory memory;
	struct guest_kernel kernel;
	struct error error;
};

/* For cmocka. */
int kernel_fixture_setup(void **state);
int kernel_fixture_teardown(void **state);

/* Opens the file anew and looks for its kernel. `cache`: a directory, or NULL. Returns what guest_kernel_init() does. */
int kernel_fixture_find(struct kernel_fixture *fixture, const char *cache);

/* Fails the test unless that kernel was found; unless it can be read through all parts of its address space. */
void kernel_fixture_expect(const struct kernel_fixture *fixture, const struct maker_kernel *maker);
void kernel_fixture_expect_space(const struct kernel_fixture *fixture, const struct maker_kernel *maker);
