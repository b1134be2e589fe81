/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
#include "host/kernel/guest_kernel.h"

/* The guest's host name and what `uname -v` says there, raw; "" where they cannot be read. */
void kernel_name_read(const struct guest_kernel *kernel, char *hostname, size_t hostname_size, char *version,
	size_t version_size);
