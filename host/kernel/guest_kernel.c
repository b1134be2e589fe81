/* SPDX-License-Identifier: MIT */
#include "host/kernel/guest_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/kernel/kernel_address.h"
#include "host/kernel/kernel_cache.h"
#include "host/kernel/kernel_candidate.h"
#include "host/kernel/kernel_image.h"
#include "host/kernel/kernel_probe.h"
#include "host/kernel/memory_fit.h"
#include "host/kernel/vmcoreinfo.h"

/* What looks like a kernel: the one that runs, copies of its page, those before a reboot. Each costs some ms. */
#define CANDIDATES_MAX 16
#define PAGES_MAX      1024 /* that begin as VMCOREINFO does */

/* A tick is 1 to 10 ms (CONFIG_HZ): long enough to see whether a kernel that is not idle runs. */
#define TICK_STEP_NS 1000000
#define TICK_STEPS   11

struct finder {
	struct guest_memory *memory;
	const char *cache_dir;
	struct kernel_candidate best;
	bool has_best, is_best_cached;
	/* what was looked at, so that copies cost nothing */
	struct {
		uint64_t phys_base, stext;
	} seen[CANDIDATES_MAX];
	unsigned nr_seen;
	struct error why; /* of what looked most like a kernel and was none */
};

void guest_kernel_deinit(struct guest_kernel *kernel)
{
	kernel_types_deinit(&kernel->types);
	kernel_symbols_deinit(&kernel->symbols);
	free(kernel->btf);
	*kernel = (struct guest_kernel){0};
}

static bool is_seen(const struct finder *finder, const struct vmcoreinfo *info)
{
	for (unsigned i = 0; i < finder->nr_seen; i++)
		if (finder->seen[i].phys_base == info->phys_base && finder->seen[i].stext == info->stext)
			return true;
	return false;
}

/* Keeps it if it is better than what there is. Errors other than of reading are remembered, not returned. */
static int offer(struct finder *finder, const struct vmcoreinfo *info, bool is_cached)
{
	struct kernel_candidate candidate;
	struct error error = {0};
	int code;

	if (is_seen(finder, info))
		return 0;
	code = kernel_candidate_init(&candidate, finder->memory, info, &error);
	if (code == -ESRCH || code == -EIO || code == -ENOMEM) {
		finder->why = error;
		return code;
	}
	/* a false entry of the cache must not hide what VMCOREINFO says */
	if (!code || !is_cached) {
		finder->seen[finder->nr_seen].phys_base = info->phys_base;
		finder->seen[finder->nr_seen++].stext = info->stext;
	}
	if (code) {
		/* a kernel that cannot be read says more than a page that is not one */
		if (finder->why.code != -ENOTSUP)
			finder->why = error;
		return 0;
	}
	if (finder->has_best && !kernel_candidate_is_better(&candidate, &finder->best)) {
		kernel_candidate_deinit(&candidate);
		return 0;
	}
	if (finder->has_best)
		kernel_candidate_deinit(&finder->best);
	finder->best = candidate;
	finder->has_best = true;
	finder->is_best_cached = is_cached;
	return 0;
}

/* Does what was found certainly run? A kernel that is idle takes the search for another one in addition. */
static bool is_certain(const struct finder *finder)
{
	const struct timespec step = {.tv_nsec = TICK_STEP_NS};

	if (!finder->has_best || !finder->best.is_sound)
		return false;
	if (!finder->memory->is_live || finder->memory->nr_registers)
		return kernel_candidate_is_current(&finder->best);
	if (kernel_candidate_is_booting(&finder->best))
		return true;
	for (int i = 0; i < TICK_STEPS; i++) {
		if (kernel_candidate_ticks(&finder->best))
			return true;
		nanosleep(&step, NULL);
	}
	return false;
}

static int search_cached(struct finder *finder)
{
	struct kernel_cache_entry entries[KERNEL_CACHE_ENTRIES_MAX];
	struct kernel_probe probe = {.memory = finder->memory, .entries = entries};
	struct vmcoreinfo info;
	int code;

	if (!finder->cache_dir)
		return 0;
	probe.nr_entries = kernel_cache_load(finder->cache_dir, entries);
	while (finder->nr_seen < CANDIDATES_MAX && (code = kernel_probe_next(&probe, &info))) {
		if (code < 0)
			return error_set(&finder->why, code, "%s", strerror(-code));
		code = offer(finder, &info, true);
		if (code)
			return code;
	}
	return 0;
}

static int search_vmcoreinfo(struct finder *finder)
{
	char page[VMCOREINFO_BYTES_MAX];
	uint64_t cursor = 0, offset;

	for (unsigned pages = 0; pages < PAGES_MAX && finder->nr_seen < CANDIDATES_MAX; pages++) {
		struct vmcoreinfo info;
		struct error error = {0};
		int code = guest_memory_find_page(
			finder->memory, VMCOREINFO_PREFIX, strlen(VMCOREINFO_PREFIX), &cursor, &offset);

		if (code < 0)
			return error_set(&finder->why, code, "%s", strerror(-code));
		if (!code)
			break;
		if (guest_memory_read_offset(finder->memory, offset, page, sizeof(page)))
			continue;
		code = vmcoreinfo_parse(&info, page, sizeof(page), &error);
		if (code == -ENOTSUP)
			finder->why = error;
		if (code)
			continue;
		code = offer(finder, &info, false);
		if (code)
			return code;
		if (finder->has_best && finder->memory->is_live && kernel_candidate_ticks(&finder->best))
			break;
	}
	return 0;
}

static void remember(const struct finder *finder)
{
	struct kernel_cache_entry entry;

	if (!finder->cache_dir)
		return;
	/* the cache is a help, not a need: what cannot be written is found again next time */
	if (finder->is_best_cached)
		kernel_cache_touch(finder->cache_dir, finder->best.kernel.build_id);
	else if (!kernel_candidate_entry(&finder->best, &entry))
		kernel_cache_store(finder->cache_dir, &entry, NULL);
}

/* What can be done where there is only a dump; a guest that lives may boot, which the caller waits for. */
static void hint_at_dump(const struct guest_memory *memory, struct error *error)
{
	if (memory->is_cut_off)
		error_hint(error, "the dump was cut off: was the disk full, or is it still being written?");
	else if (!memory->is_live)
		error_hint(error,
			"it must be the dump of a whole guest: Linux on x86-64, after its first seconds");
}

static int explain(struct finder *finder, int code, struct error *error)
{
	const char *name = finder->memory->name;

	if (code)
		return error_set(error, code, "%s: %s", name, finder->why.text);
	if (!finder->why.code) {
		error_set(error, -EAGAIN,
			"no Linux kernel in the memory of %s: still in the firmware, not booted so far, or not Linux",
			name);
		hint_at_dump(finder->memory, error);
		return -EAGAIN;
	}
	/* in a running guest it may be what a reboot left of the kernel before */
	code = finder->why.code == -ENOTSUP ? -ENOTSUP : finder->memory->is_live ? -EAGAIN : -EINVAL;
	error_set(error, code, "%s: %s", name, finder->why.text);
	if (code != -ENOTSUP)
		hint_at_dump(finder->memory, error);
	return code;
}

static int find(struct finder *finder, struct error *error)
{
	const size_t layout = finder->memory->current;
	int code = search_cached(finder);

	if (!code && !is_certain(finder))
		code = search_vmcoreinfo(finder);
	if (!code && finder->has_best) {
		if (finder->best.is_sound || !finder->memory->is_live)
			return 0;
		error_set(&finder->why, -EAGAIN,
			"kernel %s is overwritten in part, as after a reboot, and no other one runs so far",
			finder->best.kernel.release);
	}
	guest_memory_use_layout(finder->memory, layout);
	return explain(finder, code, error);
}

int guest_kernel_init(
	struct guest_kernel *kernel, struct guest_memory *memory, const char *cache_dir, struct error *error)
{
	struct finder finder = {.memory = memory, .cache_dir = cache_dir};
	int code = find(&finder, error);

	if (code) {
		kernel_candidate_deinit(&finder.best);
		*kernel = (struct guest_kernel){0};
		return code;
	}
	guest_memory_use_layout(memory, finder.best.layout);
	remember(&finder);
	*kernel = finder.best.kernel;
	kernel->was_cached = finder.is_best_cached;
	return 0;
}

bool guest_kernel_settle(struct guest_kernel *kernel)
{
	struct kernel_space space;

	if (kernel->page_offset)
		return true;
	space = kernel_space_read(kernel, -1);
	if (!space.page_offset)
		return false;
	kernel->page_offset = space.page_offset;
	kernel->page_levels = space.levels;
	guest_memory_use_layout(kernel->memory, memory_fit_choose(kernel, kernel->memory->current));
	return true;
}

bool guest_kernel_has_restarted(const struct guest_kernel *kernel)
{
	const uint64_t address = guest_kernel_symbol(kernel, "system_state");
	uint32_t state;
	int64_t restart;

	return address && !guest_kernel_read_u32(kernel, address, &state) &&
		!kernel_types_enumerator(&kernel->types, "system_states", "SYSTEM_RESTART", &restart) &&
		state == restart;
}

static bool has_build_id(const struct guest_kernel *kernel, const uint8_t *bytes)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < BUILD_ID_BYTES; i++)
		if (kernel->build_id[2 * i] != digits[bytes[i] >> 4] ||
			kernel->build_id[2 * i + 1] != digits[bytes[i] & 15])
			return false;
	return true;
}

int guest_kernel_check(const struct guest_kernel *kernel)
{
	const struct kernel_image image = {kernel->memory, kernel->phys_base, kernel->text, kernel->end};
	const uint64_t variable = guest_kernel_symbol(kernel, "phys_base");
	uint8_t build_id[BUILD_ID_BYTES];
	uint64_t phys_base;
	int code = kernel_image_check_banner(
		&image, guest_kernel_symbol(kernel, "linux_banner"), kernel->release);

	if (!code && variable) {
		code = kernel_image_read(&image, variable, &phys_base, sizeof(phys_base));
		if (!code && phys_base != kernel->phys_base)
			code = -ESTALE;
	}
	if (!code && kernel->build_id[0] && kernel->build_id_note) {
		code = kernel_image_read(&image, kernel->build_id_note, build_id, sizeof(build_id));
		if (!code && !has_build_id(kernel, build_id))
			code = -ESTALE;
	}
	return code == -EFAULT ? -ESTALE : code;
}
