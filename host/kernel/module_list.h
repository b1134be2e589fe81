/* SPDX-License-Identifier: MIT */
/* The modules that a guest's kernel has loaded: where their code is, its symbols, its ORC data (kernel/module/). */
#pragma once
#include "host/kernel/guest_kernel.h"
#include "host/kernel/orc.h"

#define MODULES_MAX        2048
#define MODULE_NAME_BYTES  64
#define MODULE_SYMBOLS_MAX (256u << 10)

struct guest_module {
	char name[MODULE_NAME_BYTES];
	uint64_t address;          /* of its struct module */
	uint64_t text, text_bytes; /* its code */
	bool has_orc, was_tried;
	struct orc_table orc; /* once asked for */
};

struct module_list {
	const struct guest_kernel *kernel;
	struct guest_module *items;
	size_t count;
};

/* -ENOENT: a kernel without modules, or with others than we know; errors of reading; -ENOMEM. */
int module_list_init(struct module_list *list, const struct guest_kernel *kernel, struct error *error);
void module_list_deinit(struct module_list *list);

/* Whose code an address is in; NULL. */
struct guest_module *module_list_find(const struct module_list *list, uint64_t address);

/* NULL: it has none that could be read. Read at the first call. */
const struct orc_table *module_list_orc(
	const struct module_list *list, struct guest_module *module, const struct orc_format *format);

/* All functions of a module, raw names, until `each` returns other than 0. Its value; -ENOENT, errors of reading; -ENOMEM. */
int module_list_each_symbol(const struct module_list *list, const struct guest_module *module,
	int (*each)(void *context, uint64_t address, const char *name), void *context);

/* The function around an address of a module, and how large it is. -ENOENT, errors of reading. */
int module_list_symbol(const struct module_list *list, const struct guest_module *module, uint64_t address,
	char *name, size_t size, uint64_t *offset, uint64_t *bytes);
