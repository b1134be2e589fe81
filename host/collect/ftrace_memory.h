/* SPDX-License-Identifier: MIT */
/*
 * Reading the sub-buffers of a ring, which may lie in vmalloc space (boot-mapped rings do): there each page's place is
 * looked up in the page tables once. The mapping of a ring does not change as long as the ring exists.
 */
#pragma once
#include <stdbool.h>
#include "host/kernel/guest_kernel.h"
#include "lib/base/clock_now.h"
#include "lib/base/hash_map.h"

struct ftrace_memory {
	const struct guest_kernel *kernel;
	struct hash_map pages; /* number of a virtual page -> physical address */
	uint8_t *scratch;      /* at least scratch_bytes; the last thing read */
	size_t scratch_bytes;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none */
};

/* A guest may make up rings that nobody comes to an end of: what is not done by then is left for the next time. */
static inline bool ftrace_memory_is_late(const struct ftrace_memory *memory)
{
	return memory->deadline_ns && clock_now_ns(CLOCK_MONOTONIC) >= memory->deadline_ns;
}

void ftrace_memory_deinit(struct ftrace_memory *memory);

/* Errors of guest_kernel_read(). */
int ftrace_memory_read(struct ftrace_memory *memory, uint64_t address, void *data, size_t bytes);

/* Makes room. -ENOMEM. */
int ftrace_memory_reserve(struct ftrace_memory *memory, size_t bytes);

/* Another ring may be where this one was. */
void ftrace_memory_forget(struct ftrace_memory *memory);
