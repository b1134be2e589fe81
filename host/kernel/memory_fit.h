/* SPDX-License-Identifier: MIT */
/*
 * Which of the memory's layouts is the guest's. Layouts differ in where memory above a hole lies, and the kernel's image
 * is mostly below it, so that it is seen in several: what lies higher decides.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/kernel/guest_kernel.h"

/* Where a physical address is in a layout, in the terms of struct guest_memory_range. false: no RAM is there. */
bool memory_fit_offset(const struct guest_memory *memory, size_t layout, uint64_t physical, uint64_t *offset);

/* Does the layout have RAM at that physical address, and other bytes there than all the layouts before it? */
bool memory_fit_is_new(const struct guest_memory *memory, size_t layout, uint64_t physical);

/*
 * The kernel was found in layout `found`: that one, or another in which its image is the same and that its data fit
 * better. Leaves the memory's layout at any.
 */
size_t memory_fit_choose(struct guest_kernel *kernel, size_t found);
