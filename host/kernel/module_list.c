/* SPDX-License-Identifier: MIT */
#include "host/kernel/module_list.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

#define MODULE_SYMBOL_BYTES 512 /* KSYM_NAME_LEN */

/* --- the list --- */

/* `core_layout` up to 6.3, since then `mem`, whose first is the code (MOD_TEXT). */
static int read_text(const struct guest_kernel *kernel, struct guest_module *module)
{
	int code = guest_kernel_read_field(kernel, module->address, "module", "mem.base", &module->text);

	if (code == -ENOENT) {
		code = guest_kernel_read_field(
			kernel, module->address, "module", "core_layout.base", &module->text);
		return code ? code
			    : guest_kernel_read_field(kernel, module->address, "module",
				      "core_layout.text_size", &module->text_bytes);
	}
	return code
		? code
		: guest_kernel_read_field(kernel, module->address, "module", "mem.size", &module->text_bytes);
}

static int add_module(void *context, uint64_t address)
{
	struct module_list *list = context;
	struct guest_module *module = &list->items[list->count];
	struct kernel_field name;
	int code = kernel_types_field(&list->kernel->types, "module", "name", &name);

	if (code || list->count == MODULES_MAX)
		return code;
	*module = (struct guest_module){.address = address};
	code = guest_kernel_read_text(
		list->kernel, address + name.byte_offset, module->name, sizeof(module->name));
	if (!code)
		code = read_text(list->kernel, module);
	if (!code)
		list->count++;
	return code == -ENOENT || code == -ESRCH || code == -EIO ? code
								 : 0; /* one that goes away is left out */
}

int module_list_init(struct module_list *list, const struct guest_kernel *kernel, struct error *error)
{
	struct kernel_field links;
	uint64_t head;
	int code = guest_kernel_need_symbol(kernel, "modules", &head, error);

	*list = (struct module_list){.kernel = kernel};
	if (!code)
		code = kernel_types_need(&kernel->types, "module", "list", &links, error);
	if (code)
		return code;
	list->items = calloc(MODULES_MAX, sizeof(*list->items));
	if (!list->items)
		return error_set(error, -ENOMEM, "out of memory");
	code = guest_kernel_walk_list(kernel, head, links.byte_offset, MODULES_MAX, add_module, list);
	if (code == -ENOENT || code == -ESRCH || code == -EIO) {
		module_list_deinit(list);
		return error_set(error, code, "cannot read the guest's modules: %s", strerror(-code));
	}
	return 0; /* with those that were found before the list broke off */
}

void module_list_deinit(struct module_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		orc_table_deinit(&list->items[i].orc);
	free(list->items);
	*list = (struct module_list){0};
}

struct guest_module *module_list_find(const struct module_list *list, uint64_t address)
{
	for (size_t i = 0; i < list->count; i++)
		if (address - list->items[i].text < list->items[i].text_bytes)
			return &list->items[i];
	return NULL;
}

/* --- ORC --- */

const struct orc_table *module_list_orc(
	const struct module_list *list, struct guest_module *module, const struct orc_format *format)
{
	const struct guest_kernel *kernel = list->kernel;
	uint64_t ips, entries, count;

	if (!module->was_tried) {
		module->was_tried = true;
		module->has_orc = !guest_kernel_read_field(
					  kernel, module->address, "module", "arch.orc_unwind_ip", &ips) &&
			!guest_kernel_read_field(
				kernel, module->address, "module", "arch.orc_unwind", &entries) &&
			!guest_kernel_read_field(
				kernel, module->address, "module", "arch.num_orcs", &count) &&
			!orc_table_init(&module->orc, kernel, format, ips, entries, count);
	}
	return module->has_orc ? &module->orc : NULL;
}

/* --- symbols: struct mod_kallsyms, an ELF symbol table --- */

static int read_symbols(const struct module_list *list, const struct guest_module *module,
	Elf64_Sym **symbols, size_t *count, uint64_t *strings)
{
	const struct guest_kernel *kernel = list->kernel;
	uint64_t table, address, number;
	int code = guest_kernel_read_field(kernel, module->address, "module", "kallsyms", &table);

	if (!code)
		code = guest_kernel_read_field(kernel, table, "mod_kallsyms", "symtab", &address);
	if (!code)
		code = guest_kernel_read_field(kernel, table, "mod_kallsyms", "num_symtab", &number);
	if (!code)
		code = guest_kernel_read_field(kernel, table, "mod_kallsyms", "strtab", strings);
	if (code)
		return code;
	if (!number || number > MODULE_SYMBOLS_MAX)
		return -ENOENT;
	*count = (size_t)number;
	*symbols = malloc(*count * sizeof(**symbols));
	return *symbols ? guest_kernel_read(kernel, address, *symbols, *count * sizeof(**symbols)) : -ENOMEM;
}

int module_list_symbol(const struct module_list *list, const struct guest_module *module, uint64_t address,
	char *name, size_t size, uint64_t *offset, uint64_t *bytes)
{
	cleanup_free Elf64_Sym *symbols = NULL;
	const Elf64_Sym *best = NULL;
	uint64_t strings = 0, next = module->text + module->text_bytes;
	size_t count = 0;
	int code = read_symbols(list, module, &symbols, &count, &strings);

	if (code)
		return code;
	for (size_t i = 1; i < count; i++) { /* the first is none */
		const Elf64_Sym *symbol = &symbols[i];

		if (symbol->st_shndx == SHN_UNDEF || symbol->st_value < module->text)
			continue;
		if (symbol->st_value > address && symbol->st_value < next)
			next = symbol->st_value;
		if (symbol->st_value <= address && (!best || symbol->st_value > best->st_value))
			best = symbol;
	}
	if (!best)
		return -ENOENT;
	*offset = address - best->st_value;
	*bytes = next - best->st_value;
	code = guest_kernel_read_text(list->kernel, strings + best->st_name, name, size);
	return code ? code : *name ? 0 : -ENOENT;
}

int module_list_each_symbol(const struct module_list *list, const struct guest_module *module,
	int (*each)(void *context, uint64_t address, const char *name), void *context)
{
	cleanup_free Elf64_Sym *symbols = NULL;
	char name[MODULE_SYMBOL_BYTES];
	uint64_t strings = 0;
	size_t count = 0;
	int code = read_symbols(list, module, &symbols, &count, &strings);

	for (size_t i = 1; i < count && !code; i++) { /* the first is none */
		if (symbols[i].st_shndx == SHN_UNDEF || symbols[i].st_value < module->text ||
			symbols[i].st_value - module->text >= module->text_bytes)
			continue;
		code = guest_kernel_read_text(list->kernel, strings + symbols[i].st_name, name, sizeof(name));
		if (!code && name[0])
			code = each(context, symbols[i].st_value, name);
	}
	return code;
}
