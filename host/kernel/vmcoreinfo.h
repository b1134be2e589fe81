/* SPDX-License-Identifier: MIT */
/*
 * VMCOREINFO: a page in which a kernel says where it and its tables are, for dump tools (kernel/crash_core.c of Linux
 * 6.1, kernel/vmcore_info.c of 6.12; made by a subsys_initcall). Lines "KEY=value" and "SYMBOL(name)=hex".
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"

#define VMCOREINFO_PREFIX    "OSRELEASE="
#define VMCOREINFO_BYTES_MAX 4096

struct vmcoreinfo {
	char release[65];
	char build_id[41]; /* 40 hex digits, in lower case, or "" */
	uint64_t kernel_offset, phys_base;
	uint64_t stext, swapper_pg_dir;
	int l5_enabled; /* 0, 1; -1: it does not say */
	/* kallsyms_*; 0: not there, which is right only of relative_base, in new kernels */
	uint64_t names, num_syms, token_table, token_index, offsets, relative_base;
};

/*
 * Reads text that ends at a NUL or after `bytes`. -EINVAL: not that, or without what every x86-64 kernel has in it:
 * a page of something else; -ENOTSUP: a kernel before 6.0, that does not say where its symbols are (names the
 * release). *info holds nothing of use after -EINVAL.
 */
int vmcoreinfo_parse(struct vmcoreinfo *info, const char *text, size_t bytes, struct error *error);
