/* SPDX-License-Identifier: MIT */
#include "host/memory/memory_hole.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define GIB (UINT64_C(1) << 30)

struct machine {
	char options[256]; /* of -machine */
	bool is_qemu;
};

/* The value of the last -machine, -M. */
static struct machine find_machine(const char *command_line, size_t bytes)
{
	struct machine machine = {0};
	bool is_next = false;

	for (size_t at = 0, length; at < bytes; at += length + 1) {
		const char *word = command_line + at;

		length = strnlen(word, bytes - at);
		machine.is_qemu |= !at && memmem(word, length, "qemu", 4);
		if (is_next && length < sizeof(machine.options)) {
			memcpy(machine.options, word, length);
			machine.options[length] = '\0';
		}
		word += length > 1 && word[0] == '-' && word[1] == '-'; /* QEMU takes both */
		is_next = at + length < bytes && (!strcmp(word, "-machine") || !strcmp(word, "-M"));
	}
	return machine;
}

/* max-ram-below-4g=, with a suffix; 0: not given. */
static uint64_t limit_of(const char *options)
{
	const char *at = strstr(options, "max-ram-below-4g=");
	unsigned long long value;
	unsigned shift = 0;
	char *end;

	if (!at)
		return 0;
	errno = 0;
	value = strtoull(at + 17, &end, 0);
	if (*end == 'G' || *end == 'g')
		shift = 30;
	else if (*end == 'M' || *end == 'm')
		shift = 20;
	else if (*end == 'K' || *end == 'k')
		shift = 10;
	return errno || value > 4 * GIB >> shift ? 0 : value << shift;
}

uint64_t memory_hole_guess(const char *command_line, size_t bytes, uint64_t total)
{
	struct machine machine = find_machine(command_line, bytes);
	uint64_t limit = limit_of(machine.options), hole;

	/* QEMU 7.2, hw/i386: pc_q35.c, microvm.c, pc_piix.c (of every machine since pc-i440fx-2.0) */
	if (strstr(machine.options, "q35"))
		hole = total >= 0xb0000000 ? 2 * GIB : 0xb0000000;
	else if (strstr(machine.options, "microvm"))
		return total > 3 * GIB ? 3 * GIB : 0;
	else if (machine.is_qemu)
		hole = total >= (limit ? limit : 0xe0000000) ? 3 * GIB : 0xe0000000;
	else
		return 0;
	if (limit && limit < hole)
		hole = limit;
	return total > hole ? hole : 0;
}
