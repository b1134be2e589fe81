/* SPDX-License-Identifier: MIT */
#include "host/kernel/kernel_probe.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "host/kernel/kernel_image.h"
#include "host/kernel/memory_fit.h"
#include "host/kernel/memory_page.h"

#define ALIGN_BYTES (UINT64_C(2) << 20)

/* Of an address as linked, in an image that begins at `physical`. */
static uint64_t place(const struct kernel_cache_entry *entry, uint64_t physical, uint64_t address)
{
	return physical + (address - entry->text);
}

static void move(struct vmcoreinfo *info, uint64_t by, uint64_t phys_base)
{
	info->phys_base = phys_base;
	info->kernel_offset = by;
	info->stext += by;
	info->swapper_pg_dir += by;
	info->names += by;
	info->num_syms += by;
	info->token_table += by;
	info->token_index += by;
	info->offsets += by;
	info->relative_base += by;
}

/*
 * Two words of the image say how far it was moved: the base of kallsyms, which is relocated before the kernel starts,
 * and phys_base, which its first instructions set (arch/x86/boot/compressed/misc.c and arch/x86/kernel/head64.c of
 * 6.1 and 6.12). A copy elsewhere, or one that is not ready, has them differ.
 */
static int look(const struct kernel_probe *probe, const struct kernel_cache_entry *entry, uint64_t physical,
	struct vmcoreinfo *info)
{
	const struct guest_memory *memory = probe->memory;
	uint8_t build_id[BUILD_ID_BYTES];
	uint64_t base, phys_base, moved, note;
	int code;

	if (!memory_fit_offset(memory, probe->layout, place(entry, physical, entry->build_id_note), &note) ||
		!memory_page_is_touched(memory, note))
		return 0;
	code = guest_memory_read(
		memory, place(entry, physical, entry->build_id_note), build_id, sizeof(build_id));

	if (!code && memcmp(build_id, entry->build_id, sizeof(build_id)))
		return 0;
	if (!code)
		code = guest_memory_read(
			memory, place(entry, physical, entry->info.relative_base), &base, sizeof(base));
	if (!code)
		code = guest_memory_read(memory, place(entry, physical, entry->phys_base_variable),
			&phys_base, sizeof(phys_base));
	if (code)
		return code == -EFAULT ? 0 : code;
	moved = base - entry->relative_base;
	if (moved % ALIGN_BYTES || moved >= KERNEL_IMAGE_BYTES ||
		phys_base != physical - (entry->text + moved - KERNEL_IMAGE_BASE))
		return 0;
	*info = entry->info;
	move(info, moved, phys_base);
	return 1;
}

/* Steps to the next place. false: there is none. */
static bool advance(struct kernel_probe *probe)
{
	while (probe->entry < probe->nr_entries) {
		const struct guest_memory_layout *layout;
		const struct guest_memory_range *range;

		if (probe->layout == probe->memory->nr_layouts) {
			probe->entry++;
			probe->layout = 0;
			continue;
		}
		layout = &probe->memory->layouts[probe->layout];
		if (probe->range == layout->nr_ranges) {
			probe->layout++;
			probe->range = 0;
			probe->physical = 0;
			continue;
		}
		range = &layout->ranges[probe->range];
		if (probe->physical < range->physical)
			probe->physical = range->physical;
		probe->physical = (probe->physical + ALIGN_BYTES - 1) & ~(ALIGN_BYTES - 1);
		if (probe->physical - range->physical < range->bytes)
			return true;
		probe->range++;
	}
	return false;
}

int kernel_probe_next(struct kernel_probe *probe, struct vmcoreinfo *info)
{
	while (advance(probe)) {
		const struct kernel_cache_entry *entry = &probe->entries[probe->entry];
		const uint64_t physical = probe->physical;
		int code;

		probe->physical += ALIGN_BYTES;
		if (!memory_fit_is_new(probe->memory, probe->layout, physical))
			continue;
		guest_memory_use_layout(probe->memory, probe->layout);
		code = look(probe, entry, physical, info);
		if (code)
			return code;
	}
	return 0;
}
