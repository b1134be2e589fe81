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

#define KERNEL_IMAGE   0xffffffff80000000UL
#define LINK_TIME_TEXT 0xffffffff81000000UL /* _stext without KASLR: KERNEL_IMAGE + CONFIG_PHYSICAL_START */

unsigned long ht_text_address; /* as in the region, where the host cannot change it; 0: unknown */

/* The lowest address that has a name, _stext: from there on to the end of the image, every address has one. */
void ht_symbols_find_text(struct ht_region *region)
{
#ifdef CONFIG_X86_64
	unsigned long nameless = KERNEL_IMAGE, named = (unsigned long)sprint_symbol;
	struct symbol *symbol = kmalloc(sizeof(*symbol), GFP_KERNEL);

	if (!symbol)
		return;
	while (named - nameless > 1) {
		unsigned long middle = nameless + (named - nameless) / 2;

		if (lookup(middle, symbol))
			named = symbol->start > nameless ? symbol->start : middle;
		else
			nameless = middle;
	}
	kfree(symbol);
	region->text_address = ht_text_address = named;
	region->kaslr_offset = named - LINK_TIME_TEXT;
#endif
}

/* Every text symbol of the kernel proper, upwards, until `each` returns false. -ENOMEM. */
int ht_symbols_each(bool (*each)(unsigned long address, const char *name, void *data), void *data)
{
	struct symbol *symbol = kmalloc(sizeof(*symbol), GFP_KERNEL);
	unsigned long address = ht_text_address;

	if (!symbol)
		return -ENOMEM;
	while (lookup(address, symbol) && symbol->end > address) {
		/* one of several names of an address, the rest of the image is data */
		if (!strcmp(symbol->name, "_etext") || !each(symbol->start, symbol->name, data))
			break;
		address = symbol->end;
		cond_resched();
	}
	kfree(symbol);
	return 0;
}

static bool write_symbol(unsigned long address, const char *name, void *unused)
{
	u64 start = address;

	return ht_names_put(HT_ID_symbol, &start, sizeof(start), name);
}

void ht_symbols_write(void)
{
	ht_symbols_each(write_symbol, NULL);
}
