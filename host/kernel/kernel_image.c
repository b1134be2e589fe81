/* SPDX-License-Identifier: MIT */
#include "host/kernel/kernel_image.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/kernel/kallsyms.h"
#include "host/kernel/kernel_types.h"
#include "lib/base/cleanup.h"

int kernel_image_read(const struct kernel_image *image, uint64_t address, void *data, size_t bytes)
{
	if (address < image->text || address > image->end || bytes > image->end - address)
		return -EFAULT;
	return guest_memory_read(image->memory, address - KERNEL_IMAGE_BASE + image->phys_base, data, bytes);
}

static int cannot_read(
	const struct kernel_image *image, const char *what, uint64_t address, int code, struct error *error)
{
	return error_set(error, code, "%s at 0x%llx, physical 0x%llx: %s", what, (unsigned long long)address,
		(unsigned long long)(address - KERNEL_IMAGE_BASE + image->phys_base),
		code == -EFAULT ? "not in RAM" : strerror(-code));
}

static int read_new(const struct kernel_image *image, const char *what, uint64_t address, size_t bytes,
	void **data, struct error *error)
{
	cleanup_free void *buffer = malloc(bytes ? bytes : 1);
	int code;

	if (!buffer)
		return error_set(error, -ENOMEM, "%s: %s", what, strerror(ENOMEM));
	code = kernel_image_read(image, address, buffer, bytes);
	if (code)
		return cannot_read(image, what, address, code, error);
	*data = take_pointer(buffer);
	return 0;
}

/* The names end somewhere before the next table that VMCOREINFO knows of; all kernels have one behind them. */
static uint64_t end_of_names(const struct vmcoreinfo *info)
{
	const uint64_t others[] = {
		info->token_table, info->token_index, info->offsets, info->relative_base, info->num_syms};
	uint64_t end = UINT64_MAX;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i] > info->names && others[i] < end)
			end = others[i];
	return end;
}

/* The token table ends at the latest where the index begins, if that is behind it, as in all kernels. */
static size_t token_table_bytes(const struct kernel_image *image, const struct vmcoreinfo *info)
{
	uint64_t bytes = KALLSYMS_TOKEN_TABLE_BYTES;

	if (info->token_index > info->token_table && info->token_index - info->token_table < bytes)
		bytes = info->token_index - info->token_table;
	if (info->token_table < image->end && image->end - info->token_table < bytes)
		bytes = image->end - info->token_table;
	return (size_t)bytes;
}

int kernel_image_symbols(const struct kernel_image *image, const struct vmcoreinfo *info,
	struct kernel_symbols *symbols, struct error *error)
{
	cleanup_free void *names = NULL, *offsets = NULL, *tokens = NULL;
	const uint64_t names_bytes = end_of_names(info) - info->names;
	struct kallsyms_tables tables = {0};
	uint16_t index[KALLSYMS_TOKENS];
	int code;

	code = kernel_image_read(image, info->num_syms, &tables.count, sizeof(tables.count));
	if (code)
		return cannot_read(image, "kallsyms_num_syms", info->num_syms, code, error);
	if (info->relative_base)
		code = kernel_image_read(
			image, info->relative_base, &tables.relative_base, sizeof(tables.relative_base));
	if (code)
		return cannot_read(image, "kallsyms_relative_base", info->relative_base, code, error);
	code = kernel_image_read(image, info->token_index, index, sizeof(index));
	if (code)
		return cannot_read(image, "kallsyms_token_index", info->token_index, code, error);
	if (!tables.count || tables.count > KERNEL_SYMBOLS_MAX || names_bytes > KALLSYMS_NAMES_BYTES_MAX)
		return error_set(error, -EINVAL, "kallsyms: %u symbols in %llu bytes", tables.count,
			(unsigned long long)names_bytes);
	tables.names_bytes = (size_t)names_bytes;
	tables.token_table_bytes = token_table_bytes(image, info);
	code = read_new(image, "kallsyms_names", info->names, tables.names_bytes, &names, error);
	if (!code)
		code = read_new(
			image, "kallsyms_offsets", info->offsets, (size_t)tables.count * 4, &offsets, error);
	if (!code)
		code = read_new(image, "kallsyms_token_table", info->token_table, tables.token_table_bytes,
			&tokens, error);
	if (code)
		return code;
	tables.offsets_address = info->offsets;
	tables.names = names;
	tables.offsets = offsets;
	tables.token_table = tokens;
	tables.token_index = index;
	return kallsyms_decode(symbols, &tables, info->stext, NULL, error);
}

int kernel_image_btf(const struct kernel_image *image, const struct kernel_symbols *symbols,
	const char *release, uint8_t **btf, size_t *bytes, struct error *error)
{
	const uint64_t begin = kernel_symbols_address(symbols, "__start_BTF");
	const uint64_t end = kernel_symbols_address(symbols, "__stop_BTF");
	void *data = NULL;
	int code;

	if (!begin || begin == end)
		return error_set(error, -ENOTSUP, "kernel %s has no BTF (CONFIG_DEBUG_INFO_BTF)", release);
	if (end < begin || end - begin > KERNEL_TYPES_BYTES_MAX)
		return error_set(error, -EINVAL, "BTF of %s: from 0x%llx to 0x%llx", release,
			(unsigned long long)begin, (unsigned long long)end);
	code = read_new(image, "BTF", begin, (size_t)(end - begin), &data, error);
	if (code)
		return code;
	*btf = data;
	*bytes = (size_t)(end - begin);
	return 0;
}

int kernel_image_check_banner(const struct kernel_image *image, uint64_t banner, const char *release)
{
	char expected[128], found[128];
	int length = snprintf(expected, sizeof(expected), "Linux version %s ", release);
	int code;

	if (length < 0 || (size_t)length >= sizeof(expected))
		return -ESTALE;
	code = kernel_image_read(image, banner, found, (size_t)length);
	if (code)
		return code == -EFAULT ? -ESTALE : code;
	return memcmp(found, expected, (size_t)length) ? -ESTALE : 0;
}
