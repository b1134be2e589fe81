/* SPDX-License-Identifier: MIT */
/* A kernel's address space: where an address lies in physical memory, and what is there. */
#include "host/kernel/kernel_address.h"

#include <errno.h>
#include <string.h>

#include "host/kernel/kernel_image.h"

/* Intel SDM volume 3, 4.5: entries of x86-64's page tables */
#define ENTRY_PRESENT   (UINT64_C(1) << 0)
#define ENTRY_LARGE     (UINT64_C(1) << 7)
#define ENTRY_ADDRESS   UINT64_C(0x000ffffffffff000)
#define TABLE_BITS      9
#define PAGE_BITS       12
#define LARGE_LEVEL_MAX 3 /* 1 GiB */

/* Documentation/arch/x86/x86_64/mm.rst: where the direct map is without KASLR, and the lowest address of 4 levels */
#define PAGE_OFFSET_L4     UINT64_C(0xffff888000000000)
#define PAGE_OFFSET_L5     UINT64_C(0xff11000000000000)
#define PAGE_OFFSET_L4_MIN UINT64_C(0xffff800000000000)

static bool is_canonical(uint64_t address, unsigned levels)
{
	const unsigned bits = PAGE_BITS + TABLE_BITS * levels;
	const int64_t high = (int64_t)address >> (bits - 1);

	return high == 0 || high == -1;
}

/* A variable of the image; `missing` if there is none. By calculation, so that guest_kernel_translate() may ask. */
static uint64_t variable(const struct guest_kernel *kernel, const char *name, size_t bytes, uint64_t missing)
{
	const struct kernel_image image = {kernel->memory, kernel->phys_base, kernel->text, kernel->end};
	const uint64_t address = guest_kernel_symbol(kernel, name);
	uint64_t value = 0;

	return address && !kernel_image_read(&image, address, &value, bytes) ? value : missing;
}

struct kernel_space kernel_space_read(const struct guest_kernel *kernel, int l5_enabled)
{
	const uint64_t l5 =
		l5_enabled < 0 ? variable(kernel, "__pgtable_l5_enabled", 4, 2) : (uint64_t)l5_enabled;
	uint64_t base = variable(kernel, "page_offset_base", 8, l5 == 1 ? PAGE_OFFSET_L5 : PAGE_OFFSET_L4);
	const unsigned levels = l5 == 2 ? (base >= PAGE_OFFSET_L4_MIN ? 4 : 5) : l5 == 1 ? 5 : 4;

	/* init_mem_mapping() makes the direct map and sets max_pfn_mapped; until then KASLR may move its place */
	if (!variable(kernel, "max_pfn_mapped", 8, 1))
		base = 0;
	return (struct kernel_space){base, levels};
}

static int walk(const struct guest_kernel *kernel, unsigned levels, uint64_t address, uint64_t *physical,
	uint64_t *bytes)
{
	uint64_t table = kernel->page_table;

	if (!is_canonical(address, levels))
		return -EFAULT;
	for (unsigned level = levels; level; level--) {
		const unsigned shift = PAGE_BITS + TABLE_BITS * (level - 1);
		const uint64_t index = address >> shift & ((1u << TABLE_BITS) - 1),
			       size = UINT64_C(1) << shift;
		uint64_t entry;
		int code = guest_memory_read(
			kernel->memory, table + index * sizeof(entry), &entry, sizeof(entry));

		if (code)
			return code;
		if (!(entry & ENTRY_PRESENT))
			return -EFAULT;
		table = entry & ENTRY_ADDRESS;
		if (level == 1 || (level <= LARGE_LEVEL_MAX && entry & ENTRY_LARGE)) {
			/* in a large page's entry the lowest address bits are something else (PAT) */
			*physical = (table & ~(size - 1)) + (address & (size - 1));
			*bytes = size - (address & (size - 1));
			return 0;
		}
	}
	return -EFAULT;
}

bool kernel_space_is_sound(const struct guest_kernel *kernel)
{
	const uint64_t expected = kernel->text - KERNEL_IMAGE_BASE + kernel->phys_base;
	uint64_t physical, bytes;

	return !kernel->page_offset ||
		(!walk(kernel, kernel->page_levels, kernel->page_offset + expected, &physical, &bytes) &&
			physical == expected);
}

int guest_kernel_translate(
	const struct guest_kernel *kernel, uint64_t address, uint64_t *physical, uint64_t *bytes)
{
	struct kernel_space space = {kernel->page_offset, kernel->page_levels};
	uint64_t ram_end;

	if (address >= kernel->text && address < kernel->end) {
		*physical = address - KERNEL_IMAGE_BASE + kernel->phys_base;
		*bytes = kernel->end - address;
		return 0;
	}
	/* found so early that it may have changed since */
	if (!space.page_offset)
		space = kernel_space_read(kernel, -1);
	ram_end = guest_memory_end(kernel->memory);
	if (space.page_offset && address >= space.page_offset && address - space.page_offset < ram_end) {
		*physical = address - space.page_offset;
		*bytes = ram_end - *physical;
		return 0;
	}
	return walk(kernel, space.levels, address, physical, bytes);
}

int guest_kernel_read(const struct guest_kernel *kernel, uint64_t address, void *data, size_t bytes)
{
	uint8_t *at = data;

	while (bytes) {
		uint64_t physical, there;
		size_t part;
		int code = guest_kernel_translate(kernel, address, &physical, &there);

		if (code)
			return code;
		part = there < bytes ? (size_t)there : bytes;
		code = guest_memory_read(kernel->memory, physical, at, part);
		if (code)
			return code;
		at += part;
		bytes -= part;
		address += part;
	}
	return 0;
}

int guest_kernel_read_u64(const struct guest_kernel *kernel, uint64_t address, uint64_t *value)
{
	return guest_kernel_read(kernel, address, value, sizeof(*value));
}

int guest_kernel_read_u32(const struct guest_kernel *kernel, uint64_t address, uint32_t *value)
{
	return guest_kernel_read(kernel, address, value, sizeof(*value));
}

/* In steps that do not cross a page: behind the text there may be nothing. */
int guest_kernel_read_text(const struct guest_kernel *kernel, uint64_t address, char *text, size_t size)
{
	size_t used = 0;

	if (!size)
		return -EINVAL;
	while (used + 1 < size) {
		size_t part = GUEST_PAGE_BYTES - (size_t)(address % GUEST_PAGE_BYTES);
		int code;

		if (part > size - 1 - used)
			part = size - 1 - used;
		code = guest_kernel_read(kernel, address, text + used, part);
		if (code)
			return code;
		if (memchr(text + used, '\0', part))
			return 0;
		used += part;
		address += part;
	}
	text[used] = '\0';
	return 0;
}

int guest_kernel_read_field(const struct guest_kernel *kernel, uint64_t address, const char *type,
	const char *path, uint64_t *value)
{
	struct kernel_field field;
	uint8_t copy[8];
	int code = kernel_types_field(&kernel->types, type, path, &field);

	if (code)
		return code;
	if (!field.bytes || field.bytes > sizeof(copy))
		return -ENOENT;
	code = guest_kernel_read(kernel, address + field.byte_offset, copy, field.bytes);
	if (code)
		return code;
	field.byte_offset = 0;
	*value = kernel_field_value(&field, copy);
	return 0;
}

int guest_kernel_need_symbol(
	const struct guest_kernel *kernel, const char *name, uint64_t *address, struct error *error)
{
	const struct kernel_symbol *symbol = kernel_symbols_find(&kernel->symbols, name);

	if (!symbol)
		return error_set(error, -ENOENT, "kernel %s: no symbol %s", kernel->release, name);
	*address = symbol->address;
	return 0;
}

int guest_kernel_cpus(const struct guest_kernel *kernel, uint32_t *cpus, struct error *error)
{
	uint64_t address = 0;
	int code = guest_kernel_need_symbol(kernel, "nr_cpu_ids", &address, error);

	if (code)
		return code;
	code = guest_kernel_read_u32(kernel, address, cpus);
	if (code)
		return error_set(error, code, "kernel %s: nr_cpu_ids: %s", kernel->release, strerror(-code));
	if (!*cpus || *cpus > KERNEL_CPUS_MAX)
		return error_set(error, -EINVAL, "kernel %s: nr_cpu_ids is %u, 1 to %u can be",
			kernel->release, *cpus, KERNEL_CPUS_MAX);
	return 0;
}

int guest_kernel_per_cpu(
	const struct guest_kernel *kernel, const char *symbol, uint32_t cpu, uint64_t *address)
{
	const struct kernel_symbol *variable = kernel_symbols_find(&kernel->symbols, symbol);
	const uint64_t offsets = guest_kernel_symbol(kernel, "__per_cpu_offset");
	uint64_t offset;
	uint32_t cpus;
	int code;

	if (!variable || !offsets || guest_kernel_cpus(kernel, &cpus, NULL) || cpu >= cpus)
		return -ENOENT;
	code = guest_kernel_read_u64(kernel, offsets + UINT64_C(8) * cpu, &offset);
	if (code)
		return code;
	*address = variable->address + offset;
	return 0;
}

int guest_kernel_walk_list(const struct guest_kernel *kernel, uint64_t head, uint64_t offset, size_t limit,
	int (*each)(void *context, uint64_t entry), void *context)
{
	uint64_t at;
	int code = guest_kernel_read_u64(kernel, head, &at);

	for (size_t i = 0; !code && at != head; i++) {
		uint64_t next;

		if (i == limit)
			return -ELOOP;
		/* before the call: what it does may take long, and a live entry may be gone then */
		code = guest_kernel_read_u64(kernel, at, &next);
		if (!code)
			code = each(context, at - offset);
		at = next;
	}
	return code;
}
