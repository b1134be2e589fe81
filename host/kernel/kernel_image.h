/* SPDX-License-Identifier: MIT */
/* The kernel's image in memory, before anything but its place is known: by calculation alone. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "host/kernel/kernel_symbols.h"
#include "host/kernel/vmcoreinfo.h"
#include "host/memory/guest_memory.h"
#include "lib/base/error.h"

/* Documentation/arch/x86/x86_64/mm.rst: the kernel's text mapping; KERNEL_IMAGE_SIZE with KASLR */
#define KERNEL_IMAGE_BASE  UINT64_C(0xffffffff80000000)
#define KERNEL_IMAGE_BYTES (UINT64_C(1) << 30)

/* Where the image is, from `text` to `end`, both addresses. */
struct kernel_image {
	const struct guest_memory *memory;
	uint64_t phys_base; /* physical = address - KERNEL_IMAGE_BASE + this */
	uint64_t text, end;
};

/* -EFAULT: not within the image; errors of guest_memory_read(). */
int kernel_image_read(const struct kernel_image *image, uint64_t address, void *data, size_t bytes);

/* The tables as they lie in memory; what kallsyms_decode() is given. */
int kernel_image_symbols(const struct kernel_image *image, const struct vmcoreinfo *info,
	struct kernel_symbols *symbols, struct error *error);

/* `*btf` is the caller's to free. -ENOTSUP: this kernel has none. */
int kernel_image_btf(const struct kernel_image *image, const struct kernel_symbols *symbols,
	const char *release, uint8_t **btf, size_t *bytes, struct error *error);

/* Is the banner there, and of that release? -ESTALE: no; errors of reading. */
int kernel_image_check_banner(const struct kernel_image *image, uint64_t banner, const char *release);
