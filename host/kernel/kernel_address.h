/* SPDX-License-Identifier: MIT */
/* How a kernel's address space lies; guest_kernel.h has what reads by it. */
#pragma once
#include <stdint.h>
#include "host/kernel/guest_kernel.h"

struct kernel_space {
	uint64_t page_offset; /* 0: the direct map is not made so far */
	unsigned levels;      /* of page tables */
};

/* Out of the kernel's own variables, as they are now. `l5_enabled`: as VMCOREINFO says; -1: it is not known. */
struct kernel_space kernel_space_read(const struct guest_kernel *kernel, int l5_enabled);

/*
 * Do the page tables lead through the direct map to the kernel's image? Not if they, or the image's data, were
 * overwritten since, or if the memory's layout is wrong. true if the direct map is not made so far.
 */
bool kernel_space_is_sound(const struct guest_kernel *kernel);
