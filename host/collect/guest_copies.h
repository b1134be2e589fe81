/* SPDX-License-Identifier: MIT */
/*
 * A guest's kernel memory, read page by page and kept for a while: for walks over many small things that lie together
 * and do not change. Starts as { .kernel = kernel }.
 */
#pragma once
#include "host/kernel/guest_kernel.h"
#include "lib/base/hash_map.h"

struct guest_copies {
	const struct guest_kernel *kernel;
	struct hash_map pages; /* number of a virtual page -> its copy */
};

/* Forgets them. */
void guest_copies_deinit(struct guest_copies *copies);

/* As those of guest_kernel.h; -ENOMEM. */
int guest_copies_read(struct guest_copies *copies, uint64_t address, void *data, size_t bytes);
int guest_copies_u64(struct guest_copies *copies, uint64_t address, uint64_t *value);
int guest_copies_text(struct guest_copies *copies, uint64_t address, char *text, size_t size);
