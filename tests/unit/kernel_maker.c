/* SPDX-License-Identifier: MIT */
#include "tests/unit/kernel_maker.h"

#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/strbuf.h"
#include "tests/unit/btf_maker.h"
#include "tests/unit/kallsyms_maker.h"

#define LINKED     UINT64_C(0xffffffff81000000)
#define IMAGE_BASE UINT64_C(0xffffffff80000000)
#define MIB        (UINT64_C(1) << 20)
#define PRESENT    UINT64_C(0x63) /* and writable, accessed, dirty */
#define LARGE      UINT64_C(0x80)
#define NX         (UINT64_C(1) << 63)

/* Where things are in the image. */
enum place {
	AT_KALLSYMS = 0x1000,
	AT_BANNER = 0x8000,
	AT_NOTES = 0x8200,
	AT_NOTES_END = 0x8300,
	AT_BTF = 0x9000,
	AT_VARIABLES = 0x10000,
	AT_INIT_TASK = 0x10100,
	AT_TABLE = 0x20000,
	AT_END = 0x30000,
};

static const struct maker_symbol symbols[] = {
	{'A', "__per_cpu_start", 0},
	{'A', "current_task", 0x40},
	{'T', "_stext", LINKED},
	{'T', "_text", LINKED},
	{'t',
		"a_function_whose_name_is_so_long_that_its_length_takes_two_bytes_as_those_of_rust_and_of_the_compiler_"
		"do_when_they_say_of_which_function_of_which_module_they_were_made_a_part_and_why",
		LINKED + 0x10},
	{'D', "linux_banner", LINKED + AT_BANNER},
	{'R', "__start_notes", LINKED + AT_NOTES},
	{'R', "__stop_notes", LINKED + AT_NOTES_END},
	{'R', "__start_BTF", LINKED + AT_BTF},
	{'R', "__stop_BTF", 0}, /* put in when it is known */
	{'D', "page_offset_base", LINKED + AT_VARIABLES},
	{'B', "max_pfn_mapped", LINKED + AT_VARIABLES + 0x08},
	{'B', "max_pfn", LINKED + AT_VARIABLES + 0x10},
	{'D', "phys_base", LINKED + AT_VARIABLES + 0x18},
	{'D', "jiffies_64", LINKED + AT_VARIABLES + 0x20},
	{'D', "system_state", LINKED + AT_VARIABLES + 0x28},
	{'D', "nr_cpu_ids", LINKED + AT_VARIABLES + 0x30},
	{'D', "__pgtable_l5_enabled", LINKED + AT_VARIABLES + 0x38},
	{'D', "__per_cpu_offset", LINKED + AT_VARIABLES + 0x40},
	{'b', "shadow_timekeeper", LINKED + AT_VARIABLES + 0x80},
	{'D', "init_task", LINKED + AT_INIT_TASK},
	{'D', "init_top_pgt", LINKED + AT_TABLE},
	{'d', "twice", LINKED + AT_TABLE + 0x1000},
	{'b', "twice", LINKED + AT_TABLE + 0x2000},
	{'B', "_end", LINKED + AT_END},
};

#define NR_SYMBOLS (sizeof(symbols) / sizeof(symbols[0]))

static uint8_t *make_types(size_t *bytes)
{
	struct btf_maker maker;
	uint32_t integer, word, character, list, pointer, text, state[16];

	btf_maker_init(&maker);
	integer = btf_maker_add(
		&maker, "int", BTF_KIND_INT, false, 0, 4, (uint32_t[]){BTF_INT_SIGNED << 24 | 32}, 1);
	word = btf_maker_add(&maker, "unsigned long", BTF_KIND_INT, false, 0, 8, (uint32_t[]){64}, 1);
	character = btf_maker_add(&maker, "char", BTF_KIND_INT, false, 0, 1, (uint32_t[]){8}, 1);
	pointer = btf_maker_add(&maker, NULL, BTF_KIND_PTR, false, 0, 5, NULL, 0);
	list = btf_maker_add(&maker, "list_head", BTF_KIND_STRUCT, false, 2, 16,
		(uint32_t[]){btf_maker_name(&maker, "next"), pointer, 0, btf_maker_name(&maker, "prev"),
			pointer, 64},
		6);
	text = btf_maker_add(
		&maker, NULL, BTF_KIND_ARRAY, false, 0, 0, (uint32_t[]){character, integer, 16}, 3);
	btf_maker_add(&maker, "task_struct", BTF_KIND_STRUCT, false, 3, 48,
		(uint32_t[]){btf_maker_name(&maker, "pid"), integer, 0, btf_maker_name(&maker, "tasks"), list,
			64, btf_maker_name(&maker, "comm"), text, 192},
		9);
	btf_maker_add(&maker, "timekeeper", BTF_KIND_STRUCT, false, 1, 8,
		(uint32_t[]){btf_maker_name(&maker, "xtime_sec"), word, 0}, 3);
	for (uint32_t i = 0; i < 8; i++) {
		static const char *const names[] = {"SYSTEM_BOOTING", "SYSTEM_SCHEDULING",
			"SYSTEM_FREEING_INITMEM", "SYSTEM_RUNNING", "SYSTEM_HALT", "SYSTEM_POWER_OFF",
			"SYSTEM_RESTART", "SYSTEM_SUSPEND"};

		state[2 * i] = btf_maker_name(&maker, names[i]);
		state[2 * i + 1] = i;
	}
	btf_maker_add(&maker, "system_states", BTF_KIND_ENUM, false, 8, 4, state, 16);
	return btf_maker_finish(&maker, bytes);
}

void maker_write(int fd, uint64_t offset, const void *data, size_t bytes)
{
	if (pwrite(fd, data, bytes, (off_t)offset) != (ssize_t)bytes)
		abort();
}

uint64_t maker_kernel_offset(const struct maker_kernel *kernel, uint64_t physical)
{
	return kernel->hole && physical >= 4096 * MIB ? physical - (4096 * MIB - kernel->hole) : physical;
}

static void put(int fd, const struct maker_kernel *kernel, uint64_t physical, const void *data, size_t bytes)
{
	maker_write(fd, maker_kernel_offset(kernel, physical), data, bytes);
}

static void put_word(int fd, const struct maker_kernel *kernel, uint64_t physical, uint64_t value)
{
	put(fd, kernel, physical, &value, sizeof(value));
}

uint64_t maker_kernel_symbol(const struct maker_kernel *kernel, const char *name)
{
	for (size_t i = 0; i < NR_SYMBOLS; i++)
		if (!strcmp(symbols[i].name, name))
			return symbols[i].address < LINKED ? symbols[i].address
							   : symbols[i].address + kernel->moved;
	abort();
}

uint64_t maker_kernel_physical(const struct maker_kernel *kernel, const char *name)
{
	return kernel->physical + (maker_kernel_symbol(kernel, name) - LINKED - kernel->moved);
}

uint64_t maker_kernel_vmalloc(const struct maker_kernel *kernel)
{
	return kernel->five_levels ? UINT64_C(0xffa0000012345000) : UINT64_C(0xffffc90012345000);
}

/* Maps one page of 4 KiB << 9 * (level - 1); tables come from *free on. */
static void map(int fd, const struct maker_kernel *kernel, uint64_t *free_table, uint64_t address,
	uint64_t physical, unsigned level)
{
	uint64_t table = maker_kernel_physical(kernel, "init_top_pgt");

	for (unsigned at = kernel->five_levels ? 5 : 4; at >= level; at--) {
		const uint64_t slot = table + (address >> (12 + 9 * (at - 1)) & 511) * 8;
		uint64_t entry = 0;

		if (at == level) {
			put_word(fd, kernel, slot, physical | PRESENT | NX | (level > 1 ? LARGE : 0));
			return;
		}
		if (pread(fd, &entry, sizeof(entry), (off_t)maker_kernel_offset(kernel, slot)) < 0)
			abort();
		if (!(entry & 1)) {
			entry = *free_table | PRESENT;
			*free_table += 4096;
			put_word(fd, kernel, slot, entry);
		}
		table = entry & UINT64_C(0x000ffffffffff000);
	}
}

static void put_tables(int fd, const struct maker_kernel *kernel)
{
	const uint64_t vmalloc = maker_kernel_vmalloc(kernel);
	uint64_t free_table = kernel->tables;
	const uint64_t page = kernel->tables - 4096;

	map(fd, kernel, &free_table, LINKED + kernel->moved, kernel->physical, 2);
	for (uint64_t at = 0; at < kernel->ram_bytes + (kernel->hole ? 4096 * MIB - kernel->hole : 0);
		at += 1024 * MIB)
		if (kernel->ram_bytes >= 1024 * MIB)
			map(fd, kernel, &free_table, kernel->page_offset + at, at, 3);
	if (kernel->ram_bytes < 1024 * MIB)
		for (uint64_t at = 0; at < kernel->ram_bytes; at += 2 * MIB)
			map(fd, kernel, &free_table, kernel->page_offset + at, at, 2);
	map(fd, kernel, &free_table, vmalloc, page, 1);
	put(fd, kernel, page, MAKER_VMALLOC_TEXT, sizeof(MAKER_VMALLOC_TEXT));
}

static void put_vmcoreinfo(int fd, const struct maker_kernel *kernel, const uint64_t *tables)
{
	static const char *const names[] = {
		"num_syms", "relative_base", "token_index", "offsets", "names", "token_table"};
	struct strbuf text = STRBUF_EMPTY;

	strbuf_printf(&text, "OSRELEASE=%s\nBUILD-ID=", kernel->release);
	for (int i = 0; i < 20; i++)
		strbuf_printf(&text, "%02x", kernel->id);
	strbuf_printf(&text, "\nPAGESIZE=4096\nSYMBOL(swapper_pg_dir)=%llx\nSYMBOL(_stext)=%llx\n",
		(unsigned long long)maker_kernel_symbol(kernel, "init_top_pgt"),
		(unsigned long long)maker_kernel_symbol(kernel, "_stext"));
	for (size_t i = 0; i < 6 && !kernel->without_kallsyms; i++)
		strbuf_printf(&text, "SYMBOL(kallsyms_%s)=%llx\n", names[i],
			(unsigned long long)(LINKED + kernel->moved + tables[i]));
	strbuf_printf(&text, "NUMBER(phys_base)=%lld\nNUMBER(pgtable_l5_enabled)=%d\nKERNELOFFSET=%llx\n",
		(long long)(kernel->physical - (LINKED + kernel->moved - IMAGE_BASE)), kernel->five_levels,
		(unsigned long long)kernel->moved);
	put(fd, kernel, kernel->vmcoreinfo, text.data, text.length + 1);
	strbuf_deinit(&text);
}

/* Writes the tables one behind the other; `places` are their offsets in the image, in VMCOREINFO's order above. */
static void put_kallsyms(int fd, const struct maker_kernel *kernel, uint64_t stop_btf, uint64_t *places)
{
	struct maker_symbol moved[NR_SYMBOLS];
	struct kallsyms_maker maker;
	uint64_t at = AT_KALLSYMS;

	for (size_t i = 0; i < NR_SYMBOLS; i++) {
		moved[i] = symbols[i];
		if (!strcmp(moved[i].name, "__stop_BTF"))
			moved[i].address = kernel->without_btf ? LINKED + AT_BTF : stop_btf;
		if (moved[i].address >= LINKED)
			moved[i].address += kernel->moved;
		else if (kernel->without_absolute)
			moved[i].address += LINKED + kernel->moved;
	}
	kallsyms_maker_init(&maker, moved, NR_SYMBOLS, LINKED + kernel->moved, !kernel->without_absolute);
	const struct {
		const void *data;
		size_t bytes;
	} parts[] = {
		{&maker.count, 4},
		{&maker.relative_base, 8},
		{maker.index, sizeof(maker.index)},
		{maker.offsets, maker.count * sizeof(*maker.offsets)},
		{maker.names.data, maker.names.length},
		{maker.tokens.data, maker.tokens.length},
	};
	for (size_t i = 0; i < 6; i++) {
		places[i] = at;
		put(fd, kernel, kernel->physical + at, parts[i].data, parts[i].bytes);
		at = (at + parts[i].bytes + 7) & ~UINT64_C(7);
	}
	if (at > AT_BANNER)
		abort();
	kallsyms_maker_deinit(&maker);
}

static void put_note(int fd, const struct maker_kernel *kernel)
{
	struct {
		uint32_t first[6], header[3];
		char owner[4];
		uint8_t id[20];
	} notes = {.first = {4, 5, 1, 0x756e694c, 0x78}, .header = {4, 20, 3}, .owner = "GNU"};

	memset(notes.id, kernel->id, sizeof(notes.id));
	put(fd, kernel, kernel->physical + AT_NOTES, &notes, sizeof(notes));
}

static void put_tasks(int fd, const struct maker_kernel *kernel)
{
	const uint64_t init = maker_kernel_symbol(kernel, "init_task"),
		       physical = kernel->physical + AT_INIT_TASK;
	const uint64_t other = kernel->task ? kernel->page_offset + kernel->task : init;

	put_word(fd, kernel, physical + 8, other + 8);
	put_word(fd, kernel, physical + 16, other + 8);
	put(fd, kernel, physical + 24, "swapper/0", 10);
	if (kernel->task) {
		put_word(fd, kernel, kernel->task, 1);
		put_word(fd, kernel, kernel->task + 8, init + 8);
		put_word(fd, kernel, kernel->task + 16, init + 8);
		put(fd, kernel, kernel->task + 24, "init", 5);
	}
}

static void put_variables(int fd, const struct maker_kernel *kernel)
{
	const uint64_t end = kernel->hole ? kernel->ram_bytes + 4096 * MIB - kernel->hole : kernel->ram_bytes;
	const struct {
		const char *name;
		uint64_t value;
	} variables[] = {
		{"page_offset_base", kernel->page_offset},
		{"max_pfn_mapped", kernel->is_early ? 0 : end / 4096},
		{"max_pfn", kernel->is_early ? 0 : end / 4096},
		{"phys_base", kernel->physical - (LINKED + kernel->moved - IMAGE_BASE)},
		{"jiffies_64", kernel->jiffies},
		{"system_state", kernel->state},
		{"nr_cpu_ids", 2},
		{"__pgtable_l5_enabled", kernel->five_levels},
		{"shadow_timekeeper", kernel->seconds},
	};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		put_word(fd, kernel, maker_kernel_physical(kernel, variables[i].name), variables[i].value);
	for (uint64_t cpu = 0; cpu < 2; cpu++)
		put_word(fd, kernel, maker_kernel_physical(kernel, "__per_cpu_offset") + 8 * cpu,
			kernel->page_offset + 4 * MIB + 4096 * cpu);
}

void maker_kernel_write(int fd, struct maker_kernel *kernel)
{
	char banner[128];
	uint64_t places[6];
	size_t btf_bytes;
	uint8_t *btf = make_types(&btf_bytes);

	kernel->physical = kernel->physical ? kernel->physical : 16 * MIB;
	kernel->tables = kernel->tables ? kernel->tables : 2 * MIB;
	kernel->ram_bytes = kernel->ram_bytes ? kernel->ram_bytes : 32 * MIB;
	if (!kernel->page_offset)
		kernel->page_offset =
			kernel->five_levels ? UINT64_C(0xff11000000000000) : UINT64_C(0xffff888000000000);
	if (ftruncate(fd, (off_t)kernel->ram_bytes))
		abort();
	put(fd, kernel, kernel->physical + AT_BTF, btf, btf_bytes);
	put_kallsyms(fd, kernel, LINKED + AT_BTF + btf_bytes, places);
	free(btf);
	snprintf(banner, sizeof(banner), "Linux version %s (somebody@somewhere) #1 SMP\n", kernel->release);
	put(fd, kernel, kernel->physical + AT_BANNER, banner, strlen(banner) + 1);
	put_note(fd, kernel);
	put_variables(fd, kernel);
	put_tasks(fd, kernel);
	if (!kernel->is_early)
		put_tables(fd, kernel);
	if (kernel->vmcoreinfo)
		put_vmcoreinfo(fd, kernel, places);
}
