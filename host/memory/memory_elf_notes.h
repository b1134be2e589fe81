/* SPDX-License-Identifier: MIT */
/* The notes of a core dump: the registers of each CPU. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "host/memory/guest_memory.h"

#define MEMORY_ELF_NOTES_BYTES_MAX (64u << 20) /* GUEST_MEMORY_CPUS_MAX of QEMU need 4 MiB */

/*
 * Reads the notes in data[0..bytes) and adds to memory->registers: the n-th NT_PRSTATUS and the n-th of QEMU are both
 * of CPU n. `nr_statuses`, `nr_states`: how many of each there were so far. -EINVAL: a note that is longer than what
 * is left; the error names `offset`, where in the file data[0] is, plus how far; -ENOMEM.
 */
int memory_elf_read_notes(struct guest_memory *memory, const uint8_t *data, size_t bytes, uint64_t offset,
	size_t *nr_statuses, size_t *nr_states, struct error *error);
