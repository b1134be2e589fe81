/* SPDX-License-Identifier: MIT */
/*
 * What is known of kernels by their build id, on disk: where in the image the tables are that VMCOREINFO names, so that
 * the same kernel is found next time without it. One small text file each, in VMCOREINFO's own form.
 *
 * Trust: the entries come out of guests' memory, and a guest may claim the build id of a kernel that it is not. So
 * nothing is taken from an entry but places to look at: symbols and types are always read out of the memory of the guest
 * at hand and checked as if VMCOREINFO had named them. A false entry can make that fail (then VMCOREINFO is searched,
 * and the entry replaced), and no more. Nobody else may write to the directory: it is made with mode 0700.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "host/kernel/vmcoreinfo.h"
#include "lib/base/error.h"

#define KERNEL_CACHE_ENTRIES_MAX 16 /* the least recently used one goes */
#define BUILD_ID_BYTES           20

/* All addresses as the kernel was linked: info.kernel_offset and info.phys_base are 0. */
struct kernel_cache_entry {
	struct vmcoreinfo info;
	uint64_t text;               /* _text */
	uint64_t build_id_note;      /* its 20 bytes */
	uint64_t phys_base_variable; /* the symbol phys_base */
	uint64_t relative_base;      /* what is at info.relative_base: moves with the kernel */
	uint8_t build_id[BUILD_ID_BYTES];
};

/*
 * Up to KERNEL_CACHE_ENTRIES_MAX entries, the most recently used first; returns how many. What cannot be read, or is
 * damaged, is not there.
 */
size_t kernel_cache_load(const char *directory, struct kernel_cache_entry *entries);

/* Writes one, made the most recently used, and removes what is too many. Errors of files; the caller may ignore them. */
int kernel_cache_store(const char *directory, const struct kernel_cache_entry *entry, struct error *error);

/* Marks it as used now. */
void kernel_cache_touch(const char *directory, const char *build_id);
