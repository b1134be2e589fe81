/* SPDX-License-Identifier: MIT */
#include "host/kernel/kernel_candidate.h"

#include <errno.h>
#include <string.h>

#include "host/kernel/kernel_address.h"
#include "host/kernel/kernel_image.h"
#include "host/kernel/memory_fit.h"

#define NOTE_HEADER_BYTES 16 /* Elf64_Nhdr and "GNU\0" */
#define LAST_ENTRY        (511 * 8)
#define CR3_KERNEL_TABLE  UINT64_C(0x000fffffffffe000)
#define TICKS_MAX         100000 /* what a clock does while we look; other memory changes otherwise */
#define NOTES_BYTES_MAX   4096   /* all of .notes; the real ones have some hundred */

static uint64_t read_symbol(const struct guest_kernel *kernel, const char *name, size_t bytes)
{
	const uint64_t address = guest_kernel_symbol(kernel, name);
	uint64_t value = 0;

	return address && !guest_kernel_read(kernel, address, &value, bytes) ? value : 0;
}

/* The build id's 20 bytes among the notes of the image (System V ABI, "Note Section"); 0: none. */
static uint64_t find_build_id(const struct guest_kernel *kernel)
{
	static const uint32_t header[] = {4, BUILD_ID_BYTES, 3 /* NT_GNU_BUILD_ID */, 0x00554e47 /* "GNU" */};
	const uint64_t begin = guest_kernel_symbol(kernel, "__start_notes"),
		       end = guest_kernel_symbol(kernel, "__stop_notes");
	uint8_t notes[NOTES_BYTES_MAX];
	const size_t bytes = end > begin && end - begin <= sizeof(notes) ? (size_t)(end - begin) : 0;

	_Static_assert(sizeof(header) == NOTE_HEADER_BYTES, "the note as it lies");
	if (!bytes || guest_kernel_read(kernel, begin, notes, bytes))
		return 0;
	for (size_t at = 0; at + NOTE_HEADER_BYTES + BUILD_ID_BYTES <= bytes; at += 4)
		if (!memcmp(notes + at, header, sizeof(header)))
			return begin + at + NOTE_HEADER_BYTES;
	return 0;
}

/* Symbols, and that the banner is where they say. */
static int take_symbols(struct guest_kernel *kernel, const struct vmcoreinfo *info,
	struct kernel_image *image, struct error *error)
{
	const uint64_t limit = KERNEL_IMAGE_BASE + KERNEL_IMAGE_BYTES;
	int code;

	if (info->stext < KERNEL_IMAGE_BASE || info->stext >= limit)
		return error_set(error, -EINVAL, "_stext is at 0x%llx", (unsigned long long)info->stext);
	*image = (struct kernel_image){kernel->memory, info->phys_base, info->stext, limit};
	code = kernel_image_symbols(image, info, &kernel->symbols, error);
	if (code)
		return code;
	kernel->text = guest_kernel_symbol(kernel, "_text");
	kernel->end = guest_kernel_symbol(kernel, "_end");
	if (kernel->text < KERNEL_IMAGE_BASE || kernel->text > info->stext || kernel->end <= info->stext ||
		kernel->end > limit)
		return error_set(error, -EINVAL, "_text is at 0x%llx, _end at 0x%llx",
			(unsigned long long)kernel->text, (unsigned long long)kernel->end);
	image->text = kernel->text;
	image->end = kernel->end;
	code = kernel_image_check_banner(image, guest_kernel_symbol(kernel, "linux_banner"), info->release);
	return code ? error_set(error, code, "no linux_banner at 0x%llx",
			      (unsigned long long)guest_kernel_symbol(kernel, "linux_banner"))
		    : 0;
}

/* In the current layout. */
static int take(struct kernel_candidate *candidate, struct error *error)
{
	struct guest_kernel *kernel = &candidate->kernel;
	const struct vmcoreinfo *info = &candidate->info;
	struct kernel_image image;
	struct kernel_space space;
	size_t btf_bytes;
	int code;

	memcpy(kernel->release, info->release, sizeof(kernel->release));
	memcpy(kernel->build_id, info->build_id, sizeof(kernel->build_id));
	kernel->phys_base = info->phys_base;
	kernel->kaslr_offset = info->kernel_offset;
	code = take_symbols(kernel, info, &image, error);
	if (code)
		return code;
	candidate->jiffies = read_symbol(kernel, "jiffies_64", 8);
	space = kernel_space_read(kernel, info->l5_enabled);
	kernel->page_offset = space.page_offset;
	kernel->page_levels = space.levels;
	kernel->page_table = info->swapper_pg_dir - KERNEL_IMAGE_BASE + kernel->phys_base;
	kernel->build_id_note = find_build_id(kernel);
	code = kernel_image_btf(&image, &kernel->symbols, info->release, &kernel->btf, &btf_bytes, error);
	return code ? code : kernel_types_init(&kernel->types, kernel->btf, btf_bytes, error);
}

static int forget(struct kernel_candidate *candidate, int code, struct error *error)
{
	error_add(error, "kernel %s", candidate->info.release);
	kernel_candidate_deinit(candidate);
	return code;
}

int kernel_candidate_init(struct kernel_candidate *candidate, struct guest_memory *memory,
	const struct vmcoreinfo *info, struct error *error)
{
	const uint64_t image = info->stext - KERNEL_IMAGE_BASE + info->phys_base;
	int code = -EFAULT;

	error_set(error, code, "kernel %s: physical 0x%llx is not in RAM", info->release,
		(unsigned long long)image);
	for (size_t i = 0; i < memory->nr_layouts; i++) {
		if (!memory_fit_is_new(memory, i, image))
			continue; /* the same bytes as in a layout before */
		guest_memory_use_layout(memory, i);
		*candidate = (struct kernel_candidate){.kernel = {.memory = memory}, .info = *info};
		code = take(candidate, error);
		if (!code) {
			candidate->layout = memory_fit_choose(&candidate->kernel, i);
			guest_memory_use_layout(memory, candidate->layout);
			candidate->is_sound = kernel_space_is_sound(&candidate->kernel);
			return 0;
		}
		forget(candidate, code, error);
		if (code != -EINVAL && code != -ESTALE && code != -EFAULT && code != -E2BIG)
			break;
	}
	*candidate = (struct kernel_candidate){0};
	return code;
}

void kernel_candidate_deinit(struct kernel_candidate *candidate)
{
	guest_kernel_deinit(&candidate->kernel);
	*candidate = (struct kernel_candidate){0};
}

/*
 * All page tables of a kernel share its half: the last entry of the highest level is the image's. With page table
 * isolation the one for user space lies in the page after (arch/x86/include/asm/pgtable.h, PTI_PGTABLE_SWITCH_BIT).
 */
bool kernel_candidate_is_current(const struct kernel_candidate *candidate)
{
	const struct guest_kernel *kernel = &candidate->kernel;
	const struct guest_memory *memory = kernel->memory;
	uint64_t own, of_cpu;

	if (guest_memory_read(memory, kernel->page_table + LAST_ENTRY, &own, sizeof(own)))
		return false;
	for (size_t i = 0; i < memory->nr_registers; i++) {
		const uint64_t table = memory->registers[i].cr3 & CR3_KERNEL_TABLE;

		if (table && own && !guest_memory_read(memory, table + LAST_ENTRY, &of_cpu, sizeof(of_cpu)) &&
			of_cpu == own)
			return true;
	}
	return false;
}

bool kernel_candidate_ticks(const struct kernel_candidate *candidate)
{
	const uint64_t ticks = read_symbol(&candidate->kernel, "jiffies_64", 8) - candidate->jiffies;

	return candidate->is_sound && ticks && ticks <= TICKS_MAX;
}

bool kernel_candidate_is_booting(const struct kernel_candidate *candidate)
{
	const struct guest_kernel *kernel = &candidate->kernel;
	int64_t booting;

	return guest_kernel_symbol(kernel, "system_state") &&
		!kernel_types_enumerator(&kernel->types, "system_states", "SYSTEM_BOOTING", &booting) &&
		(int64_t)read_symbol(kernel, "system_state", 4) == booting;
}

/* Its wall clock. */
static uint64_t seconds_of(const struct guest_kernel *kernel)
{
	const uint64_t core = guest_kernel_symbol(kernel, "tk_core");
	const uint64_t shadow = guest_kernel_symbol(kernel, "shadow_timekeeper"); /* until 6.12 */
	uint64_t seconds = 0;

	if (shadow)
		guest_kernel_read_field(kernel, shadow, "timekeeper", "xtime_sec", &seconds);
	else if (core)
		guest_kernel_read_field(kernel, core, "tk_data", "timekeeper.xtime_sec", &seconds);
	return seconds;
}

static bool is_starting(const struct kernel_candidate *candidate)
{
	return kernel_candidate_is_booting(candidate) && !seconds_of(&candidate->kernel);
}

bool kernel_candidate_is_better(const struct kernel_candidate *left, const struct kernel_candidate *right)
{
	const bool left_ticks = kernel_candidate_ticks(left), right_ticks = kernel_candidate_ticks(right);
	const bool left_ended = guest_kernel_has_restarted(&left->kernel),
		   right_ended = guest_kernel_has_restarted(&right->kernel);

	if (left->is_sound != right->is_sound)
		return left->is_sound;
	if (kernel_candidate_is_current(left) != kernel_candidate_is_current(right))
		return kernel_candidate_is_current(left);
	if (left_ticks != right_ticks)
		return left_ticks;
	if (left_ended != right_ended)
		return right_ended;
	/* one that has no time so far: only now it starts */
	if (is_starting(left) != is_starting(right))
		return is_starting(left);
	return seconds_of(&left->kernel) > seconds_of(&right->kernel);
}

int kernel_candidate_entry(const struct kernel_candidate *candidate, struct kernel_cache_entry *entry)
{
	const struct guest_kernel *kernel = &candidate->kernel;
	const uint64_t moved = kernel->kaslr_offset;
	struct vmcoreinfo *info = &entry->info;

	*entry = (struct kernel_cache_entry){
		.info = candidate->info,
		.text = kernel->text - moved,
		.build_id_note = kernel->build_id_note - moved,
		.phys_base_variable = guest_kernel_symbol(kernel, "phys_base") - moved,
	};
	/* without kallsyms_relative_base the search for images could not tell how far one was moved */
	if (!kernel->build_id[0] || !kernel->build_id_note || !info->relative_base ||
		!guest_kernel_symbol(kernel, "phys_base") ||
		guest_kernel_read_u64(kernel, info->relative_base, &entry->relative_base))
		return -ENOENT;
	entry->relative_base -= moved;
	info->kernel_offset = info->phys_base = 0;
	info->l5_enabled = -1;
	info->stext -= moved;
	info->swapper_pg_dir -= moved;
	info->names -= moved;
	info->num_syms -= moved;
	info->token_table -= moved;
	info->token_index -= moved;
	info->offsets -= moved;
	info->relative_base -= moved;
	return 0;
}
