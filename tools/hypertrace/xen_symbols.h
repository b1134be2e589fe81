/* SPDX-License-Identifier: MIT */
/* --symbols: names for the instruction pointers of domains' kernels. */
#pragma once
#include <stdint.h>
#include "lib/model/symbol_file.h"
#include "tools/hypertrace/options.h"

#define XEN_SYMBOLS_HELP                                                                                          \
	"name the functions of guests' kernels, from System.map, /proc/kallsyms or nm's output; with :DOMAIN of " \
	"that domain alone"

struct xen_symbol_file {
	const char *path; /* into `copy` */
	char *copy;
	bool all;        /* domains that have none of their own */
	uint16_t domain; /* unless `all` */
	struct names names;
};

struct xen_symbols {
	struct xen_symbol_file files[STRING_LIST_MAX];
	size_t count;
};

/* What the user gave, before any file is touched. -EINVAL with a hint: no such domain, two files for one; -ENOMEM. */
int xen_symbols_parse(struct xen_symbols *symbols, const struct string_list *list, struct error *error);

/* Errors of symbol_file_load(). */
int xen_symbols_load(struct xen_symbols *symbols, struct error *error);
void xen_symbols_deinit(struct xen_symbols *symbols);

/* The function at an address of a domain, and how far into it; NULL: not known. Safe to show. */
const char *xen_symbols_at(
	const struct xen_symbols *symbols, uint16_t domain, uint64_t address, uint64_t *offset);
