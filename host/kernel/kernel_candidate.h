/* SPDX-License-Identifier: MIT */
/*
 * A kernel that a guest's memory seems to hold, taken in and checked. There may be several: what a reboot or kexec left
 * of the one before is whole for a while. They are ranked by what only a running one does.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/kernel/guest_kernel.h"
#include "host/kernel/kernel_cache.h"
#include "host/kernel/vmcoreinfo.h"

struct kernel_candidate {
	struct guest_kernel kernel;
	struct vmcoreinfo info; /* what it was found by */
	size_t layout;          /* of the memory */
	uint64_t jiffies;       /* when it was taken */
	bool is_sound;          /* nothing was overwritten, so far as its page tables tell */
};

/*
 * Fills *candidate, in whichever layout the kernel is. 0; -EINVAL, -ESTALE, -EFAULT: not a kernel, or not whole;
 * -ENOTSUP; -ENOMEM; errors of reading. After an error it is { 0 }. The memory's layout may be another afterwards.
 */
int kernel_candidate_init(struct kernel_candidate *candidate, struct guest_memory *memory,
	const struct vmcoreinfo *info, struct error *error);
void kernel_candidate_deinit(struct kernel_candidate *candidate);

/* Do the registers of a CPU, where the memory has them, show that it runs this kernel? */
bool kernel_candidate_is_current(const struct kernel_candidate *candidate);

/* Has its clock ticked since? An idle kernel without ticks has not, so that `false` says little. */
bool kernel_candidate_ticks(const struct kernel_candidate *candidate);

/* Is it in its boot, before the clock? */
bool kernel_candidate_is_booting(const struct kernel_candidate *candidate);

/* Is the left one rather the one that runs? */
bool kernel_candidate_is_better(const struct kernel_candidate *left, const struct kernel_candidate *right);

/* Fills what the cache keeps of it. -ENOENT: it lacks something, so that it cannot be found by it. */
int kernel_candidate_entry(const struct kernel_candidate *candidate, struct kernel_cache_entry *entry);
