/* SPDX-License-Identifier: MIT */
#include "host/kernel/vmcoreinfo.h"

#include <errno.h>
#include <string.h>

/* Where a number goes, and which must be there in the page of any x86-64 kernel. */
struct key {
	const char *name;
	size_t offset; /* in struct vmcoreinfo, a uint64_t */
	bool is_hex, is_needed;
};

#define KEY(text, field, ...)                                         \
	{                                                             \
		text, offsetof(struct vmcoreinfo, field), __VA_ARGS__ \
	}

static const struct key keys[] = {
	KEY("KERNELOFFSET", kernel_offset, true, true),
	KEY("NUMBER(phys_base)", phys_base, false, true),
	KEY("SYMBOL(_stext)", stext, true, true),
	KEY("SYMBOL(swapper_pg_dir)", swapper_pg_dir, true, true),
	KEY("SYMBOL(kallsyms_names)", names, true, false),
	KEY("SYMBOL(kallsyms_num_syms)", num_syms, true, false),
	KEY("SYMBOL(kallsyms_token_table)", token_table, true, false),
	KEY("SYMBOL(kallsyms_token_index)", token_index, true, false),
	KEY("SYMBOL(kallsyms_offsets)", offsets, true, false),
	KEY("SYMBOL(kallsyms_relative_base)", relative_base, true, false),
};

#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

struct line {
	const char *key, *value;
	size_t key_bytes, value_bytes;
};

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* All of it, with a sign if decimal. phys_base is a difference, so it is negative where the kernel moved up more. */
static bool parse_number(const char *text, size_t bytes, bool is_hex, uint64_t *value)
{
	const uint64_t base = is_hex ? 16 : 10;
	const bool is_negative = !is_hex && bytes && *text == '-';
	uint64_t sum = 0;

	text += is_negative;
	bytes -= is_negative;
	if (!bytes || bytes > (is_hex ? 16 : 19))
		return false;
	for (size_t i = 0; i < bytes; i++) {
		int digit = digit_of(text[i]);

		if (digit < 0 || (uint64_t)digit >= base)
			return false;
		sum = sum * base + (uint64_t)digit;
	}
	*value = is_negative ? -sum : sum;
	return true;
}

static bool take_release(struct vmcoreinfo *info, const struct line *line)
{
	if (!line->value_bytes || line->value_bytes >= sizeof(info->release))
		return false;
	for (size_t i = 0; i < line->value_bytes; i++)
		if (line->value[i] <= ' ' || line->value[i] > '~')
			return false;
	memcpy(info->release, line->value, line->value_bytes);
	info->release[line->value_bytes] = '\0';
	return true;
}

/* Becomes the name of a file in the cache: nothing but hex digits. */
static bool take_build_id(struct vmcoreinfo *info, const struct line *line)
{
	static const char digits[] = "0123456789abcdef";

	if (line->value_bytes != sizeof(info->build_id) - 1)
		return true; /* of another linker; then there is no caching */
	for (size_t i = 0; i < line->value_bytes; i++) {
		int digit = digit_of(line->value[i]);

		if (digit < 0)
			return false;
		info->build_id[i] = digits[digit];
	}
	info->build_id[line->value_bytes] = '\0';
	return true;
}

static bool is_key(const struct line *line, const char *key)
{
	return strlen(key) == line->key_bytes && !memcmp(line->key, key, line->key_bytes);
}

static bool take_line(struct vmcoreinfo *info, const struct line *line, uint32_t *seen)
{
	uint64_t value;

	if (is_key(line, "OSRELEASE"))
		return take_release(info, line);
	if (is_key(line, "BUILD-ID"))
		return take_build_id(info, line);
	if (is_key(line, "NUMBER(pgtable_l5_enabled)")) {
		if (!parse_number(line->value, line->value_bytes, false, &value) || value > 1)
			return false;
		info->l5_enabled = (int)value;
		return true;
	}
	for (size_t i = 0; i < NR_KEYS; i++) {
		if (!is_key(line, keys[i].name))
			continue;
		if (!parse_number(line->value, line->value_bytes, keys[i].is_hex, &value))
			return false;
		memcpy((char *)info + keys[i].offset, &value, sizeof(value));
		*seen |= UINT32_C(1) << i;
	}
	return true;
}

/* The next line that has a '='. */
static bool next_line(const char **at, const char *end, struct line *line)
{
	while (*at < end) {
		const char *begin = *at, *stop = memchr(begin, '\n', (size_t)(end - begin)), *equals;

		if (!stop)
			stop = end;
		*at = stop < end ? stop + 1 : end;
		equals = memchr(begin, '=', (size_t)(stop - begin));
		if (!equals)
			continue;
		*line = (struct line){
			begin, equals + 1, (size_t)(equals - begin), (size_t)(stop - equals - 1)};
		return true;
	}
	return false;
}

int vmcoreinfo_parse(struct vmcoreinfo *info, const char *text, size_t bytes, struct error *error)
{
	const char *at = text, *end;
	struct line line;
	uint32_t seen = 0;

	*info = (struct vmcoreinfo){.l5_enabled = -1};
	end = text + strnlen(text, bytes < VMCOREINFO_BYTES_MAX ? bytes : VMCOREINFO_BYTES_MAX);
	while (next_line(&at, end, &line))
		if (!take_line(info, &line, &seen))
			return error_set(
				error, -EINVAL, "VMCOREINFO: damaged at %zu", (size_t)(line.key - text));
	if (!info->release[0])
		return error_set(error, -EINVAL, "VMCOREINFO: no OSRELEASE");
	for (size_t i = 0; i < NR_KEYS; i++)
		if (keys[i].is_needed && !(seen & UINT32_C(1) << i))
			return error_set(
				error, -EINVAL, "VMCOREINFO of %s: no %s", info->release, keys[i].name);
	if (!info->names || !info->num_syms || !info->token_table || !info->token_index || !info->offsets)
		return error_set(error, -ENOTSUP,
			"kernel %s does not say where its symbols are: Linux 6.0 and later with CONFIG_KALLSYMS do",
			info->release);
	return 0;
}
