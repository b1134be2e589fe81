// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's text symbols with their run-time addresses. Nothing that lists them is exported, but sprint_symbol()
 * tells of any address which symbol it is in and how far; so one walks from a known function to both ends.
 */
#include <linux/kallsyms.h>
#include <linux/slab.h>
#include "hypertrace.h"

struct symbol {
	unsigned long start, end;
	char name[KSYM_SYMBOL_LEN];
};

/* Which symbol of the kernel proper covers the address? False: none, or one of a module. */
static bool lookup(unsigned long address, struct symbol *symbol)
{
	unsigned long offset, size;
	char *plus;

	sprint_symbol(symbol->name, address);
	plus = strrchr(symbol->name, '+');
	if (!plus || strchr(plus, '[') || sscanf(plus, "+0x%lx/0x%lx", &offset, &size) != 2 || !size || offset >= size)
		return false;
	*plus = '\0';
	symbol->start = address - offset;
	symbol->end = symbol->start + size;
	return true;
}

/* The lowest address of the kernel's text that has a name. */
static unsigned long text_start(struct symbol *symbol)
{
	unsigned long start = (unsigned long)sprint_symbol;

	while (lookup(start - 1, symbol) && symbol->start < start)
		start = symbol->start;
	return start;
}

#define LINK_TIME_TEXT 0xffffffff81000000UL /* _stext without KASLR: __START_KERNEL_map + CONFIG_PHYSICAL_START */

/* Walking to the start takes some 10 ms: once, and by steps of whole symbols. */
void ht_symbols_find_text(struct ht_region *region)
{
	static unsigned long start;
	struct symbol *symbol;

	if (!start) {
		symbol = kmalloc(sizeof(*symbol), GFP_KERNEL);
		if (!symbol)
			return;
		start = text_start(symbol);
		kfree(symbol);
	}
	region->text_address = start;
#ifdef CONFIG_X86_64
	region->kaslr_offset = start - LINK_TIME_TEXT;
#endif
}

void ht_symbols_write(void)
{
	struct symbol *symbol = kmalloc(sizeof(*symbol), GFP_KERNEL);
	unsigned long address = ht_map.region->text_address;

	while (symbol && lookup(address, symbol) && symbol->end > address) {
		u64 start = symbol->start;

		/* one of several names of an address, the rest of the image is data */
		if (!strcmp(symbol->name, "_etext") || !ht_names_put(HT_ID_symbol, &start, sizeof(start), symbol->name))
			break;
		address = symbol->end;
		cond_resched();
	}
	kfree(symbol);
}
