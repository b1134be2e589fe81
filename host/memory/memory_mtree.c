/* SPDX-License-Identifier: MIT */
/* The formats: QEMU's mtree_print_flatview() in softmmu/memory.c and hmp_gpa2hva() in monitor/misc.c, 7.2. */
#include "host/memory/memory_mtree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PHYSICAL_MAX (UINT64_C(1) << 52) /* no x86-64 processor has more */

struct range_line {
	struct memory_mtree_range range;
	bool is_ram, is_rom;
};

static bool take_hex(const char **at, uint64_t *value)
{
	char *end;

	if (!strchr("0123456789abcdef", **at) || !**at)
		return false;
	errno = 0;
	*value = strtoull(*at, &end, 16);
	*at = end;
	return !errno;
}

/* "  START-END (prio 0, KIND): BLOCK @OFFSET KVM", up to the end of the line. False: another line. */
static bool parse_range(const char *line, size_t length, struct range_line *parsed)
{
	char text[512];
	const char *at = text, *kind, *end, *offset;
	uint64_t last;

	if (length >= sizeof(text))
		return false;
	memcpy(text, line, length);
	text[length] = '\0';
	*parsed = (struct range_line){0};
	at += strspn(at, " ");
	if (!take_hex(&at, &parsed->range.physical) || *at++ != '-' || !take_hex(&at, &last) ||
		strncmp(at, " (", 2))
		return false;
	end = strstr(at, "): ");
	if (!end || last < parsed->range.physical || last >= PHYSICAL_MAX)
		return false;
	parsed->range.bytes = last - parsed->range.physical + 1;
	for (kind = end; kind > at + 2 && kind[-1] != ' '; kind--)
		;
	if (!strncmp(kind, "nv-", 3))
		kind += 3;
	parsed->is_ram = !strncmp(kind, "ram)", 4);
	parsed->is_rom = !strncmp(kind, "rom)", 4);
	end += 3;
	snprintf(parsed->range.block, sizeof(parsed->range.block), "%.*s", (int)strcspn(end, " "), end);
	offset = strstr(end, " @");
	if (offset) {
		offset += 2;
		return take_hex(&offset, &parsed->range.block_offset);
	}
	return true;
}

/* Memory that no kernel ever uses as RAM. */
static bool is_device(const char *block)
{
	static const char *const parts[] = {"vga", "vram", "bios", ".rom", "/rom", "flash"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strstr(block, parts[i]))
			return true;
	return false;
}

/* The lines of the view of "memory": from behind its head to the empty line. */
static const char *find_view(const char *text)
{
	const char *at = text;

	/* at the beginning of a line: the name of some other region may be anything */
	for (; (at = strstr(at, " AS \"memory\", root:")); at++)
		if (at == text || at[-1] == '\n')
			return at;
	return NULL;
}

/* They end as a terminal wants it: "\r\n". NULL: the empty line, or the end. */
static const char *next_line(const char *line, size_t *length)
{
	size_t bytes = strcspn(line, "\n");

	*length = bytes - (bytes && line[bytes - 1] == '\r');
	return *length ? line + bytes + (line[bytes] == '\n') : NULL;
}

/* Read-only RAM belongs to it where the rest of its block is RAM. */
static bool has_ram_of(const char *view, const char *block)
{
	struct range_line parsed;
	size_t length;

	for (const char *line = view, *next; (next = next_line(line, &length)); line = next)
		if (parse_range(line, length, &parsed) && parsed.is_ram && !strcmp(parsed.range.block, block))
			return true;
	return false;
}

static bool continues(const struct memory_mtree_range *last, const struct memory_mtree_range *range)
{
	return last->physical + last->bytes == range->physical &&
		last->block_offset + last->bytes == range->block_offset && !strcmp(last->block, range->block);
}

int memory_mtree_parse(const char *text, struct memory_mtree_range *ranges)
{
	const char *view = find_view(text);
	struct range_line parsed;
	size_t length, lines = 0;
	int count = 0;

	for (const char *line = view, *next; line && (next = next_line(line, &length)); line = next) {
		struct memory_mtree_range *last = count ? &ranges[count - 1] : NULL, *range = &parsed.range;

		if (++lines > 65536)
			return -EINVAL;
		if (!parse_range(line, length, &parsed) || is_device(range->block) ||
			!(parsed.is_ram || (parsed.is_rom && has_ram_of(view, range->block))))
			continue;
		if (last && range->physical < last->physical + last->bytes)
			return -EINVAL;
		if (last && continues(last, range)) {
			last->bytes += range->bytes;
			continue;
		}
		if (count == MEMORY_MTREE_RANGES_MAX)
			return -EINVAL;
		ranges[count++] = *range;
	}
	return count;
}

int memory_mtree_parse_address(const char *text, uint64_t *address)
{
	const char *at = strstr(text, ") is 0x");

	if (strncmp(text, "Host virtual address for ", 25) || !at)
		return -EINVAL;
	at += 7;
	return take_hex(&at, address) ? 0 : -EINVAL;
}
