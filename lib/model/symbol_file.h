/* SPDX-License-Identifier: MIT */
/*
 * A kernel's symbols from a file that the user names: System.map, /proc/kallsyms, or what nm prints. Lines are
 * "ADDRESS TYPE NAME", in any order; what stands behind the name (a module, a size) is left out; symbols without an address,
 * which nm has too, are skipped. Names are printable ASCII without blanks, quotes and backslashes: safe to show, and in JSON.
 */
#pragma once
#include "lib/model/names.h"

#define SYMBOL_FILE_LIMIT (64u << 20)

/* Fills the symbols of `names`, which starts as { 0 }. -EINVAL with line and hint: no such file; -ENOMEM. */
int symbol_file_parse(struct names *names, const char *text, size_t bytes, struct error *error);

/* The same of a file; the error names it. Also negative errno of reading, -EFBIG: above the limit. */
int symbol_file_load(struct names *names, const char *path, struct error *error);
