/* SPDX-License-Identifier: MIT */
/* Symbols: their decoding, their lookup by name and by address; VMCOREINFO, that leads to them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "host/kernel/kallsyms.h"
#include "host/kernel/vmcoreinfo.h"
#include "tests/unit/kallsyms_maker.h"

#define BASE UINT64_C(0xffffffff9a000000)

static const struct maker_symbol list[] = {
	{'A', "__per_cpu_start", 0},
	{'A', "a_per_cpu_variable", 0x1f040},
	{'T', "_stext", BASE},
	{'T', "_text", BASE},
	{'t', "twice", BASE + 0x10},
	{'T', "do_init__", BASE + 0x100},
	{'t', "twice", BASE + 0x300000},
	{'B', "_end", BASE + 0x600000},
};
#define COUNT (sizeof(list) / sizeof(list[0]))

static struct kallsyms_tables tables_of(const struct kallsyms_maker *maker)
{
	return (struct kallsyms_tables){
		.count = maker->count,
		.relative_base = maker->relative_base,
		.offsets = maker->offsets,
		.names = (const uint8_t *)maker->names.data,
		.names_bytes = maker->names.length,
		.token_table = (const uint8_t *)maker->tokens.data,
		.token_table_bytes = maker->tokens.length,
		.token_index = maker->index,
	};
}

static void decodes(void **state)
{
	(void)state;
	for (int absolute = 0; absolute < 2; absolute++) {
		struct maker_symbol moved[COUNT];
		struct kernel_symbols symbols = {0};
		struct kallsyms_maker maker;
		struct kallsyms_tables tables;
		struct error error = {0};
		uint64_t offset;
		size_t used;

		for (size_t i = 0; i < COUNT; i++) {
			moved[i] = list[i];
			if (!absolute && moved[i].address < BASE)
				moved[i].address += BASE; /* as real addresses */
		}
		kallsyms_maker_init(&maker, moved, COUNT, BASE, absolute);
		tables = tables_of(&maker);
		assert_int_equal(kallsyms_decode(&symbols, &tables, BASE, &used, &error), 0);
		assert_int_equal(used, maker.names.length);
		assert_int_equal(symbols.count, COUNT);
		for (size_t i = 0; absolute && i < COUNT; i++) {
			assert_int_equal(symbols.symbols[i].address, list[i].address);
			assert_int_equal(symbols.text[symbols.symbols[i].name], list[i].type);
			assert_string_equal(symbols.text + symbols.symbols[i].name + 1, list[i].name);
		}
		assert_int_equal(kernel_symbols_address(&symbols, "do_init__"), BASE + 0x100);
		assert_int_equal(kernel_symbols_address(&symbols, "twice"), BASE + 0x10);
		assert_int_equal(kernel_symbols_address(&symbols, "a_per_cpu_variable"), moved[1].address);
		assert_int_equal(kernel_symbols_address(&symbols, "none"), 0);
		assert_null(kernel_symbols_find(&symbols, ""));
		assert_non_null(kernel_symbols_find(&symbols, "__per_cpu_start"));
		assert_string_equal(kernel_symbols_name(&symbols, BASE + 0x105, &offset), "do_init__");
		assert_int_equal(offset, 5);
		assert_string_equal(kernel_symbols_name(&symbols, BASE + 0x300000, &offset), "twice");
		assert_int_equal(offset, 0);
		/* 1 MiB behind the last one, and before all of them */
		assert_null(kernel_symbols_name(&symbols, BASE + 0x700000, &offset));
		assert_non_null(kernel_symbols_name(&symbols, BASE + 0x6fffff, &offset));
		assert_null(kernel_symbols_name(&symbols, BASE - 1, &offset));
		assert_null(kernel_symbols_name(
			&symbols, 0x1f041, &offset)); /* no address, though a per-CPU symbol */
		kernel_symbols_deinit(&symbols);
		kallsyms_maker_deinit(&maker);
	}
}

/* Without a base. */
static void by_place(void **state)
{
	struct kernel_symbols symbols = {0};
	struct kallsyms_maker maker;
	struct kallsyms_tables tables;
	struct error error = {0};

	(void)state;
	kallsyms_maker_init(&maker, list + 2, COUNT - 2, BASE, false);
	tables = tables_of(&maker);
	tables.relative_base = 0;
	tables.offsets_address = BASE + 0x400000;
	for (uint32_t i = 0; i < maker.count; i++)
		maker.offsets[i] = (uint32_t)(list[i + 2].address - (tables.offsets_address + 4 * i));
	assert_int_equal(kallsyms_decode(&symbols, &tables, BASE, NULL, &error), 0);
	for (size_t i = 0; i < COUNT - 2; i++)
		assert_int_equal(symbols.symbols[i].address, list[i + 2].address);
	kernel_symbols_deinit(&symbols);
	assert_int_equal(kallsyms_decode(&symbols, &tables, BASE + 1, NULL, &error), -EINVAL);
	kallsyms_maker_deinit(&maker);
}

/* Two at one address: the first of them, as the kernel says. Out of order, they are brought into it. */
static void in_order(void **state)
{
	static const struct maker_symbol mixed[] = {{'T', "_end", BASE + 0x1000}, {'T', "_stext", BASE},
		{'T', "alias", BASE}, {'T', "last", BASE + 0x20}};
	struct kernel_symbols symbols = {0};
	struct kallsyms_maker maker;
	struct kallsyms_tables tables;
	struct error error = {0};
	uint64_t offset;

	(void)state;
	kallsyms_maker_init(&maker, mixed, 4, BASE, true);
	tables = tables_of(&maker);
	assert_int_equal(kallsyms_decode(&symbols, &tables, BASE, NULL, &error), 0);
	assert_string_equal(kernel_symbols_name(&symbols, BASE + 1, &offset), "_stext");
	assert_string_equal(kernel_symbols_name(&symbols, BASE + 0x21, &offset), "last");
	assert_int_equal(kernel_symbols_address(&symbols, "alias"), BASE);
	assert_int_equal(symbols.symbols[3].address, BASE + 0x1000);
	kernel_symbols_deinit(&symbols);
	kallsyms_maker_deinit(&maker);
}

static void expect_refused(const struct kallsyms_tables *tables, uint64_t stext, int code, const char *why)
{
	struct kernel_symbols symbols = {0};
	struct error error = {0};

	assert_int_equal(kallsyms_decode(&symbols, tables, stext, NULL, &error), code);
	assert_non_null(strstr(error.text, why));
	assert_null(symbols.symbols);
}

static void damaged(void **state)
{
	struct kallsyms_maker maker;
	struct kallsyms_tables tables, good;
	char *long_name = malloc(600);
	struct maker_symbol too_long[] = {{'T', "_stext", BASE}, {'T', long_name, BASE}};

	(void)state;
	kallsyms_maker_init(&maker, list, COUNT, BASE, true);
	tables = good = tables_of(&maker);
	expect_refused(&tables, BASE + 0x1000, -EINVAL, "_stext is at 0x");
	tables.count = 0;
	expect_refused(&tables, BASE, -EINVAL, "0 symbols");
	tables.count = KERNEL_SYMBOLS_MAX + 1;
	expect_refused(&tables, BASE, -E2BIG, "symbols, 1 to");
	/* cut off anywhere */
	tables = good;
	for (tables.names_bytes = 0; tables.names_bytes < good.names_bytes; tables.names_bytes++)
		expect_refused(&tables, BASE, -EINVAL, "of its names is damaged");
	tables = good;
	for (tables.token_table_bytes = 0; tables.token_table_bytes < good.token_table_bytes;
		tables.token_table_bytes++)
		expect_refused(&tables, BASE, -EINVAL, "kallsyms: token ");
	tables = good;
	maker.names.data[0] = 0;
	expect_refused(&tables, BASE, -EINVAL, "symbol 0 at 0 of its names is damaged");
	maker.names.data[0] = 1; /* a letter without a name */
	expect_refused(&tables, BASE, -EINVAL, "is damaged");
	maker.index[7] = UINT16_MAX;
	expect_refused(&tables, BASE, -EINVAL, "token 7 is at 65535");
	maker.index[7] = maker.index['A'];
	maker.tokens.data[maker.index['A']] = '\33';
	expect_refused(&tables, BASE, -EINVAL, "holds byte 0x1b");
	kallsyms_maker_deinit(&maker);

	memset(long_name, 'x', 599);
	long_name[510] = '\0';
	kallsyms_maker_init(&maker, too_long, 2, BASE, true);
	tables = tables_of(&maker);
	assert_int_equal(
		kallsyms_decode(&(struct kernel_symbols){0}, &tables, BASE + 1, NULL, NULL), -EINVAL);
	expect_refused(&tables, BASE + 1, -EINVAL, "_stext is at"); /* 511 with its letter is well */
	kallsyms_maker_deinit(&maker);
	long_name[510] = 'x';
	long_name[511] = '\0';
	kallsyms_maker_init(&maker, too_long, 2, BASE, true);
	tables = tables_of(&maker);
	expect_refused(&tables, BASE, -EINVAL, "symbol 1 at");
	kallsyms_maker_deinit(&maker);
	kallsyms_maker_init(&maker, list, 2, BASE, true);
	tables = tables_of(&maker);
	expect_refused(&tables, BASE, -EINVAL, "no _stext among 2 symbols");
	kallsyms_maker_deinit(&maker);
	free(long_name);
}

static const char page[] = "OSRELEASE=6.1.0-56-cloud-amd64\n"
			   "BUILD-ID=3B43fad5034874490492495d552c0af6a5fab235\n"
			   "PAGESIZE=4096\n"
			   "SYMBOL(swapper_pg_dir)=ffffffffa8a10000\n"
			   "SYMBOL(_stext)=ffffffffa7000000\n"
			   "NUMBER(VMALLOC_START)=0xff700fde00000000\n"
			   "SYMBOL(kallsyms_names)=ffffffffa8175590\n"
			   "SYMBOL(kallsyms_num_syms)=ffffffffa8175588\n"
			   "SYMBOL(kallsyms_token_table)=ffffffffa82c9d08\n"
			   "SYMBOL(kallsyms_token_index)=ffffffffa82ca0a0\n"
			   "SYMBOL(kallsyms_offsets)=ffffffffa81200b0\n"
			   "SYMBOL(kallsyms_relative_base)=ffffffffa8175580\n"
			   "NUMBER(phys_base)=-452984832\n"
			   "NUMBER(pgtable_l5_enabled)=1\n"
			   "KERNELOFFSET=26000000\n";

static void vmcoreinfo(void **state)
{
	struct vmcoreinfo info;
	struct error error = {0};

	(void)state;
	assert_int_equal(vmcoreinfo_parse(&info, page, sizeof(page), &error), 0);
	assert_string_equal(info.release, "6.1.0-56-cloud-amd64");
	assert_string_equal(info.build_id, "3b43fad5034874490492495d552c0af6a5fab235");
	assert_int_equal(info.stext, 0xffffffffa7000000);
	assert_int_equal(info.swapper_pg_dir, 0xffffffffa8a10000);
	assert_int_equal(info.kernel_offset, 0x26000000);
	assert_int_equal(info.phys_base, -452984832l);
	assert_int_equal(info.l5_enabled, 1);
	assert_int_equal(info.names, 0xffffffffa8175590);
	assert_int_equal(info.relative_base, 0xffffffffa8175580);
}

/* The page with the first `old` replaced. */
static int parse_with(const char *old, const char *new, struct vmcoreinfo *info, struct error *error)
{
	const char *at = strstr(page, old);
	char text[4096];

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - page), page, new, at + strlen(old));
	return vmcoreinfo_parse(info, text, sizeof(text), error);
}

static void vmcoreinfo_refused(void **state)
{
	struct vmcoreinfo info;
	struct error error = {0};

	(void)state;
	assert_int_equal(vmcoreinfo_parse(&info, page, 20, &error), -EINVAL);
	assert_int_equal(vmcoreinfo_parse(&info, "", 0, &error), -EINVAL);
	assert_int_equal(vmcoreinfo_parse(&info, "OSRELEASE=%s\n", 13, &error), -EINVAL);
	assert_int_equal(parse_with("6.1.0-56", "6.1 0", &info, &error), -EINVAL);
	assert_int_equal(parse_with("6.1.0-56", "6.1\33[0m", &info, &error), -EINVAL);
	for (const char *at = error.text; *at; at++)
		assert_true(*at >= ' ');
	assert_int_equal(parse_with("3B43", "/../", &info, &error), -EINVAL);
	assert_int_equal(
		parse_with("3B43", "", &info, &error), 0); /* another kind of build id: there is none */
	assert_string_equal(info.build_id, "");
	assert_int_equal(parse_with("-452984832", "0x12", &info, &error), -EINVAL);
	assert_int_equal(parse_with("-452984832", "-", &info, &error), -EINVAL);
	assert_int_equal(parse_with("=26000000", "=", &info, &error), -EINVAL);
	assert_int_equal(parse_with("=26000000", "=26000000000000000", &info, &error), -EINVAL);
	assert_int_equal(parse_with("l5_enabled)=1", "l5_enabled)=2", &info, &error), -EINVAL);
	assert_int_equal(parse_with("NUMBER(pgtable_l5_enabled)=1\n", "", &info, &error), 0);
	assert_int_equal(info.l5_enabled, -1);
	assert_int_equal(parse_with("KERNELOFFSET", "KERNELOFFSE", &info, &error), -EINVAL);
	assert_non_null(strstr(error.text, "no KERNELOFFSET"));
	assert_int_equal(
		parse_with("SYMBOL(kallsyms_names)", "SYMBOL(kallsyms_name)", &info, &error), -ENOTSUP);
	assert_non_null(strstr(error.text, "6.1.0-56-cloud-amd64"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes),
		cmocka_unit_test(by_place),
		cmocka_unit_test(in_order),
		cmocka_unit_test(damaged),
		cmocka_unit_test(vmcoreinfo),
		cmocka_unit_test(vmcoreinfo_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
