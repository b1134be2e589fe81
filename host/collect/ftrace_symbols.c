/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_symbols.h"

#include <errno.h>
#include <string.h>

#include "host/kernel/module_list.h"

#define SYMBOLS_MAX (256u << 10) /* of all modules: a distribution's, all loaded, have fewer */

/* Without addresses they would be for nothing: a kernel has more than 100,000. */
static bool shows_addresses(const struct event_schema *schema)
{
	for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++)
		for (unsigned i = 0; schema->types[id] && i < schema->types[id]->nr_fields; i++)
			if (schema->types[id]->fields[i].kind == EVENT_FIELD_HEX)
				return true;
	return false;
}

static void write_kernel(const struct kernel_symbols *symbols, struct names_writer *names)
{
	for (size_t i = 0; i < symbols->count; i++) {
		const char *name = symbols->text + symbols->symbols[i].name;

		if (strchr("tTwW", name[0]))
			names_writer_symbol(names, symbols->symbols[i].address, name + 1, strlen(name + 1));
	}
}

struct module_writer {
	struct ftrace_symbols *symbols;
	struct names_writer *names;
};

static int write_symbol(void *context, uint64_t address, const char *name)
{
	struct module_writer *writer = context;

	if (writer->symbols->of_modules >= SYMBOLS_MAX)
		return -E2BIG;
	writer->symbols->of_modules++;
	names_writer_symbol(writer->names, address, name, strlen(name));
	return 0;
}

static bool write_modules(struct ftrace_symbols *symbols, const struct guest_kernel *kernel, struct names_writer *names)
{
	struct module_writer writer = {symbols, names};
	struct module_list list;
	bool any = false;

	if (symbols->of_modules >= SYMBOLS_MAX || module_list_init(&list, kernel, NULL))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct guest_module *module = &list.items[i];
		uint64_t *text = hash_map_get(&symbols->modules, module->address);

		/* loaded again, it lies elsewhere */
		if ((text && *text == module->text) || symbols->modules.count >= MODULES_MAX ||
			module_list_each_symbol(&list, module, write_symbol, &writer))
			continue;
		text = hash_map_put(&symbols->modules, module->address);
		if (text)
			*text = module->text;
		any = true;
	}
	module_list_deinit(&list);
	return any;
}

bool ftrace_symbols_write(struct ftrace_symbols *symbols, const struct guest_kernel *kernel,
	const struct event_schema *schema, struct names_writer *names)
{
	bool any = !symbols->has_kernel;

	if (!shows_addresses(schema))
		return false;
	if (any)
		write_kernel(&kernel->symbols, names);
	symbols->has_kernel = true;
	return write_modules(symbols, kernel, names) || any;
}

void ftrace_symbols_deinit(struct ftrace_symbols *symbols)
{
	hash_map_deinit(&symbols->modules);
}
