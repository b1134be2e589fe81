/* SPDX-License-Identifier: MIT */
/* An ELF core dump of a guest: its layout and the registers of its CPUs. */
#pragma once
#include "host/memory/guest_memory.h"

#define MEMORY_ELF_MAGIC_BYTES 4u

/*
 * Adds the layout and the registers of the dump that memory->fd is, `file_bytes` long. Ranges that overlap are cut:
 * what begins lower in memory keeps its own (a vmcore has the kernel's image twice). A dump that was cut off is opened
 * as long as any RAM is left; what is beyond its end reads as -EIO. -EINVAL: damaged, no core dump of an x86-64
 * machine; -EIO; -ENOMEM. The error names the offset, the caller adds the file.
 */
int memory_elf_open(struct guest_memory *memory, uint64_t file_bytes, struct error *error);
