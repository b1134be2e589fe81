/* SPDX-License-Identifier: MIT */
#include "host/kernel/guest_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/kernel/kernel_image.h"
#include "host/kernel/vmcoreinfo.h"

/* Pages that look like VMCOREINFO: the kernel's own, a copy or two, and those of earlier kernels. Each costs time. */
#define CANDIDATES_MAX 32

void guest_kernel_deinit(struct guest_kernel *kernel)
{
	kernel_types_deinit(&kernel->types);
	kernel_symbols_deinit(&kernel->symbols);
	free(kernel->btf);
	*kernel = (struct guest_kernel){0};
}

static uint64_t read_variable(const struct guest_kernel *kernel, const char *name, size_t bytes)
{
	const uint64_t address = guest_kernel_symbol(kernel, name);
	uint64_t value = 0;

	return address && !guest_kernel_read(kernel, address, &value, bytes) ? value : 0;
}

/* What tells how the kernel's address space lies. */
static void find_address_space(struct guest_kernel *kernel, const struct vmcoreinfo *info)
{
	/* the direct map is made by init_mem_mapping(), which also sets max_pfn_mapped; before, KASLR may move it */
	if (read_variable(kernel, "max_pfn_mapped", 8))
		kernel->page_offset = read_variable(kernel, "page_offset_base", 8);
	kernel->page_table = info->swapper_pg_dir - KERNEL_IMAGE_BASE + kernel->phys_base;
	kernel->page_levels = info->l5_enabled == 1 ? 5 : 4;
}

/* Everything about one candidate in the current layout. */
static int take(struct guest_kernel *kernel, const struct vmcoreinfo *info, struct error *error)
{
	struct kernel_image image = {
		kernel->memory, info->phys_base, info->stext, KERNEL_IMAGE_BASE + KERNEL_IMAGE_BYTES};
	size_t btf_bytes;
	int code;

	if (info->stext < KERNEL_IMAGE_BASE || info->stext >= image.end)
		return error_set(error, -EINVAL, "_stext is at 0x%llx", (unsigned long long)info->stext);
	code = kernel_image_symbols(&image, info, &kernel->symbols, error);
	if (code)
		return code;
	memcpy(kernel->release, info->release, sizeof(kernel->release));
	memcpy(kernel->build_id, info->build_id, sizeof(kernel->build_id));
	kernel->phys_base = info->phys_base;
	kernel->kaslr_offset = info->kernel_offset;
	kernel->text = guest_kernel_symbol(kernel, "_text");
	kernel->end = guest_kernel_symbol(kernel, "_end");
	if (kernel->text < KERNEL_IMAGE_BASE || kernel->text > info->stext || kernel->end < info->stext ||
		kernel->end > image.end)
		return error_set(error, -EINVAL, "_text is at 0x%llx, _end at 0x%llx",
			(unsigned long long)kernel->text, (unsigned long long)kernel->end);
	image.text = kernel->text;
	image.end = kernel->end;
	code = kernel_image_check_banner(&image, guest_kernel_symbol(kernel, "linux_banner"), info->release);
	if (code)
		return error_set(error, code, "no linux_banner of %s: %s", info->release, strerror(-code));
	code = kernel_image_btf(&image, &kernel->symbols, info->release, &kernel->btf, &btf_bytes, error);
	if (!code)
		code = kernel_types_init(&kernel->types, kernel->btf, btf_bytes, error);
	if (!code)
		find_address_space(kernel, info);
	return code;
}

/* One VMCOREINFO, in all layouts. 1: that is it. */
static int try_layouts(struct guest_kernel *kernel, const struct vmcoreinfo *info, struct error *error)
{
	struct guest_memory *memory = kernel->memory;
	const size_t before = memory->current;

	for (size_t i = 0; i < memory->nr_layouts; i++) {
		int code;

		guest_memory_use_layout(memory, i);
		code = take(kernel, info, error);
		if (!code)
			return 1;
		guest_kernel_deinit(kernel);
		kernel->memory = memory;
		if (code == -ESRCH || code == -EIO || code == -ENOMEM || code == -ENOTSUP)
			return code;
	}
	guest_memory_use_layout(memory, before);
	return 0;
}

static int search(struct guest_kernel *kernel, struct error *error)
{
	char page[VMCOREINFO_BYTES_MAX];
	uint64_t cursor = 0, offset;
	struct error why = {0};
	bool is_likely = false;

	for (unsigned tried = 0; tried < CANDIDATES_MAX;) {
		struct vmcoreinfo info;
		int code = guest_memory_find_page(
			kernel->memory, VMCOREINFO_PREFIX, strlen(VMCOREINFO_PREFIX), &cursor, &offset);

		if (code < 0)
			return error_set(error, code, "%s: %s", kernel->memory->name, strerror(-code));
		if (!code)
			break;
		if (guest_memory_read_offset(kernel->memory, offset, page, sizeof(page)))
			continue;
		code = vmcoreinfo_parse(&info, page, sizeof(page), &why);
		is_likely |= code == -ENOTSUP;
		if (code)
			continue;
		tried++;
		is_likely = true;
		code = try_layouts(kernel, &info, &why);
		if (code > 0)
			return 0;
		if (code < 0)
			break;
	}
	if (!is_likely)
		return error_set(error, -EAGAIN,
			"no Linux kernel in the memory of %s: still in the firmware, not booted so far, or not Linux",
			kernel->memory->name);
	/* what looks like a kernel and is none may be what a reboot left of the one before */
	if (why.code == -EINVAL || why.code == -EFAULT || why.code == -ESTALE || why.code == -E2BIG)
		why.code = kernel->memory->is_live ? -EAGAIN : -EINVAL;
	return error_set(error, why.code, "%s: %s", kernel->memory->name, why.text);
}

int guest_kernel_init(
	struct guest_kernel *kernel, struct guest_memory *memory, const char *cache_dir, struct error *error)
{
	int code;

	*kernel = (struct guest_kernel){.memory = memory};
	code = search(kernel, error);
	if (code)
		guest_kernel_deinit(kernel);
	return code;
}

int guest_kernel_check(const struct guest_kernel *kernel)
{
	const struct kernel_image image = {kernel->memory, kernel->phys_base, kernel->text, kernel->end};

	return kernel_image_check_banner(
		&image, guest_kernel_symbol(kernel, "linux_banner"), kernel->release);
}
