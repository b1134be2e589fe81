/* SPDX-License-Identifier: MIT */
/* What QEMU's monitor says of the guest's memory, which is text for people: `info mtree -f` and `gpa2hva`. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define MEMORY_MTREE_RANGES_MAX 256

/* A part of a block of RAM, at a guest-physical address. */
struct memory_mtree_range {
	uint64_t physical, bytes;
	uint64_t block_offset;
	char block[64];
};

/*
 * The RAM in the flat view of the address space "memory", by rising address: without ROM, devices and the memory of
 * display adapters; RAM that is read-only to the guest (the shadowed BIOS) included. What continues each other is one.
 * Returns the number; 0: there is no such view in it; -EINVAL: nonsense, or more than MEMORY_MTREE_RANGES_MAX.
 */
int memory_mtree_parse(const char *text, struct memory_mtree_range *ranges);

/* "Host virtual address for 0x0 (pc.ram) is 0x7f83f7e00000". -EINVAL: it says something else. */
int memory_mtree_parse_address(const char *text, uint64_t *address);
