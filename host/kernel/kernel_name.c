/* SPDX-License-Identifier: MIT */
#include "host/kernel/kernel_name.h"

static void read_part(const struct guest_kernel *kernel, const char *path, char *text, size_t size)
{
	uint64_t names = guest_kernel_symbol(kernel, "init_uts_ns");
	struct kernel_field field;

	text[0] = '\0';
	if (names && kernel_types_field(&kernel->types, "uts_namespace", path, &field) == 0 &&
		guest_kernel_read_text(kernel, names + field.byte_offset, text, size))
		text[0] = '\0';
}

void kernel_name_read(const struct guest_kernel *kernel, char *hostname, size_t hostname_size, char *version,
	size_t version_size)
{
	read_part(kernel, "name.nodename", hostname, hostname_size);
	read_part(kernel, "name.version", version, version_size);
}
