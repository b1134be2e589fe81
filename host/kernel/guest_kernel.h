/* SPDX-License-Identifier: MIT */
/*
 * The Linux kernel in a guest's memory: where it lies (KASLR), its symbols, its types, and its address space. Found
 * without the guest's help; everything read of it is hostile until checked.
 *
 *   VMCOREINFO (a page that begins with OSRELEASE=) -> kallsyms -> BTF -> page tables
 *
 * With what VMCOREINFO said of a BUILD-ID in the cache it is not needed: the kernel's image is found by its build id at
 * one of the places where it can lie, so that it is found from its first instructions on, and faster.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/kernel/kernel_symbols.h"
#include "host/kernel/kernel_types.h"
#include "host/memory/guest_memory.h"
#include "lib/base/error.h"

#define KERNEL_CPUS_MAX 4096

struct guest_kernel {
	struct guest_memory *memory; /* the caller's, must outlive this */
	char release[65];            /* "6.1.0-56-cloud-amd64" */
	char build_id[41];           /* hex */
	uint64_t text;               /* run-time address of _text */
	uint64_t end;                /* of _end: the image lies between them */
	uint64_t kaslr_offset;       /* how far it was moved from where it was linked */
	uint64_t phys_base;          /* physical = address - 0xffffffff80000000 + this, for the image */
	uint64_t page_offset;        /* the direct map: physical = address - this; 0: so early is it */
	uint64_t page_table;         /* physical address of the kernel's top-level table */
	unsigned page_levels;        /* 4 or 5 */
	uint64_t build_id_note;      /* address of the 20 bytes in the image; 0: there are none */
	struct kernel_symbols symbols;
	struct kernel_types types;
	uint8_t *btf; /* what `types` reads */
	bool was_cached;
};

/*
 * Finds the kernel and fills *kernel, which is { 0 }. `cache_dir`: where is kept what is known of a build id
 * (kernel_cache.h), made if it is missing; NULL: nowhere. Sets the memory's layout to the one that it was recognised in.
 * -EAGAIN: no kernel, or not booted so far (in the firmware, decompressing, before VMCOREINFO exists and not in the
 * cache): a later try may succeed; -ENOTSUP: a kernel we cannot read (another architecture, without BTF or kallsyms);
 * -EINVAL: damaged; -ESRCH, -EIO; -ENOMEM. After an error it is as after guest_kernel_deinit().
 */
int guest_kernel_init(
	struct guest_kernel *kernel, struct guest_memory *memory, const char *cache_dir, struct error *error);
void guest_kernel_deinit(struct guest_kernel *kernel);
#define cleanup_guest_kernel __attribute__((cleanup(guest_kernel_deinit)))

/*
 * Of a kernel that was found before it had its direct map (page_offset 0), and has it now: looks once more where that
 * is, and which of the memory's layouts fits. Until it returns true only the kernel's image can be relied on.
 */
bool guest_kernel_settle(struct guest_kernel *kernel);

/* Is it still that kernel? -ESTALE: another one, or none, is in the memory now (a reboot); errors of reading. */
int guest_kernel_check(const struct guest_kernel *kernel);

/*
 * Has it ended itself for a reboot (or kexec)? It stays whole in memory until another one writes over it, so that
 * guest_kernel_check() and guest_kernel_init() may still find it; who waits for the next kernel asks again.
 */
bool guest_kernel_has_restarted(const struct guest_kernel *kernel);

/*
 * The physical address behind a kernel address, and for how many bytes at least it holds: image and direct map by
 * calculation, everything else (vmalloc, modules, per-CPU, boot-mapped rings) through the page tables. -EFAULT: not
 * mapped, not canonical; errors of reading.
 */
int guest_kernel_translate(
	const struct guest_kernel *kernel, uint64_t address, uint64_t *physical, uint64_t *bytes);

/* Copies kernel memory, across pages. -EFAULT and the others of guest_memory_read(). */
int guest_kernel_read(const struct guest_kernel *kernel, uint64_t address, void *data, size_t bytes);
int guest_kernel_read_u64(const struct guest_kernel *kernel, uint64_t address, uint64_t *value);
int guest_kernel_read_u32(const struct guest_kernel *kernel, uint64_t address, uint32_t *value);

/* NUL-terminated text, cut to size - 1. Raw: escape it for people. */
int guest_kernel_read_text(const struct guest_kernel *kernel, uint64_t address, char *text, size_t size);

/* An integer or pointer field of a struct at `address`, by its path. -ENOENT: no such field in this kernel. */
int guest_kernel_read_field(const struct guest_kernel *kernel, uint64_t address, const char *type,
	const char *path, uint64_t *value);

/* 0: no such symbol. */
static inline uint64_t guest_kernel_symbol(const struct guest_kernel *kernel, const char *name)
{
	return kernel_symbols_address(&kernel->symbols, name);
}

/* The same, and -ENOENT with an error that names it. */
int guest_kernel_need_symbol(
	const struct guest_kernel *kernel, const char *name, uint64_t *address, struct error *error);

/* A per-CPU variable's address on a CPU, from its symbol. -ENOENT: no such symbol or CPU. */
int guest_kernel_per_cpu(
	const struct guest_kernel *kernel, const char *symbol, uint32_t cpu, uint64_t *address);

/* nr_cpu_ids, checked against KERNEL_CPUS_MAX. */
int guest_kernel_cpus(const struct guest_kernel *kernel, uint32_t *cpus, struct error *error);

/*
 * Walks a list_head: calls `each` with the address of every entry (list_head minus `offset`), until it returns other
 * than 0, which is returned. -ELOOP: more than `limit` entries (a cycle, or garbage).
 */
int guest_kernel_walk_list(const struct guest_kernel *kernel, uint64_t head, uint64_t offset, size_t limit,
	int (*each)(void *context, uint64_t entry), void *context);
