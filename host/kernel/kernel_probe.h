/* SPDX-License-Identifier: MIT */
/*
 * Looks for a kernel that the cache knows at the places where its image can lie: every 2 MiB (CONFIG_PHYSICAL_ALIGN is
 * no less on x86-64) of RAM. Finds it from the moment on when it knows itself where it is.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "host/kernel/kernel_cache.h"
#include "host/kernel/vmcoreinfo.h"
#include "host/memory/guest_memory.h"

struct kernel_probe {
	struct guest_memory *memory;
	const struct kernel_cache_entry *entries;
	size_t nr_entries;
	/* where to go on */
	size_t entry, layout, range;
	uint64_t physical;
};

/*
 * The next image that carries an entry's build id and agrees with itself about where it is; *info then is as
 * VMCOREINFO would be. 1; 0: no more; -ESRCH, -EIO. Leaves the memory's layout at any.
 */
int kernel_probe_next(struct kernel_probe *probe, struct vmcoreinfo *info);
