/* SPDX-License-Identifier: MIT */
#include "host/kernel/kernel_symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_REACH_BYTES (UINT64_C(1) << 20)

static int by_address(const void *left, const void *right)
{
	const struct kernel_symbol *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return (a->name > b->name) - (a->name < b->name);
}

static bool is_sorted(const struct kernel_symbols *symbols)
{
	for (size_t i = 1; i < symbols->count; i++)
		if (symbols->symbols[i].address < symbols->symbols[i - 1].address)
			return false;
	return true;
}

int kernel_symbols_index(struct kernel_symbols *symbols)
{
	if (name_index_init(&symbols->by_name, (uint32_t)symbols->count))
		return -ENOMEM;
	/* the kernel's own tables are sorted, so this is for others */
	if (!is_sorted(symbols))
		qsort(symbols->symbols, symbols->count, sizeof(*symbols->symbols), by_address);
	for (size_t i = symbols->count; i--;) {
		const char *name = symbols->text + symbols->symbols[i].name + 1;

		name_index_add(&symbols->by_name, (uint32_t)i, name, strlen(name));
	}
	return 0;
}

void kernel_symbols_deinit(struct kernel_symbols *symbols)
{
	free(symbols->symbols);
	free(symbols->text);
	name_index_deinit(&symbols->by_name);
	*symbols = (struct kernel_symbols){0};
}

const struct kernel_symbol *kernel_symbols_find(const struct kernel_symbols *symbols, const char *name)
{
	uint32_t position = name_index_find(&symbols->by_name, name, strlen(name)), i;

	while (name_index_next(&symbols->by_name, &position, &i))
		if (!strcmp(symbols->text + symbols->symbols[i].name + 1, name))
			return &symbols->symbols[i];
	return NULL;
}

uint64_t kernel_symbols_address(const struct kernel_symbols *symbols, const char *name)
{
	const struct kernel_symbol *symbol = kernel_symbols_find(symbols, name);

	return symbol ? symbol->address : 0;
}

const char *kernel_symbols_name(const struct kernel_symbols *symbols, uint64_t address, uint64_t *offset)
{
	size_t low = 0, high = symbols->count;

	if (address >> 63 == 0)
		return NULL; /* not the kernel's; the offsets of per-CPU variables are no addresses */
	/* the first one after the address */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || address - symbols->symbols[low - 1].address >= NAME_REACH_BYTES)
		return NULL;
	/* of several at one address the first, as the kernel does */
	for (low--; low && symbols->symbols[low - 1].address == symbols->symbols[low].address;)
		low--;
	*offset = address - symbols->symbols[low].address;
	return symbols->text + symbols->symbols[low].name + 1;
}
