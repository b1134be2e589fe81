/* SPDX-License-Identifier: MIT */
/* Whether a page of a guest's memory was ever touched. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/memory/guest_memory.h"

/*
 * Reading what was not touched may make the VMM's process have it: a page of a shared file, or a huge page of zeros,
 * which a later search then takes for memory. So who looks at many places asks first. `offset` in the terms of struct
 * guest_memory_range. true if it cannot be told.
 */
bool memory_page_is_touched(const struct guest_memory *memory, uint64_t offset);
