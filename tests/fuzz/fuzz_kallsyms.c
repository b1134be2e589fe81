/* SPDX-License-Identifier: MIT */
/* Tables of kallsyms, and VMCOREINFO: the first byte chooses. */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/kernel/kallsyms.h"
#include "host/kernel/vmcoreinfo.h"
#include "tests/unit/kallsyms_maker.h"

#define BASE UINT64_C(0xffffffff81000000)

const char fuzz_name[] = "kallsyms";

/* An input: this, then offsets, names, tokens; the rest is as long as it is. */
struct head {
	uint8_t kind, unused;
	uint16_t names_bytes;
	uint32_t count;
	uint64_t relative_base;
	uint16_t index[KALLSYMS_TOKENS];
};

static size_t seed_tables(const uint8_t **data)
{
	static const struct maker_symbol list[] = {{'A', "__per_cpu_start", 0}, {'T', "_stext", BASE},
		{'t', "init_module", BASE + 16}, {'B', "_end", BASE + 4096}};
	struct kallsyms_maker maker;
	static struct strbuf out;
	struct head head = {.kind = 'k'};

	kallsyms_maker_init(&maker, list, sizeof(list) / sizeof(list[0]), BASE, true);
	head.count = maker.count;
	head.names_bytes = (uint16_t)maker.names.length;
	head.relative_base = maker.relative_base;
	memcpy(head.index, maker.index, sizeof(head.index));
	strbuf_append(&out, &head, sizeof(head));
	strbuf_append(&out, maker.offsets, maker.count * sizeof(*maker.offsets));
	strbuf_append(&out, maker.names.data, maker.names.length);
	strbuf_append(&out, maker.tokens.data, maker.tokens.length);
	kallsyms_maker_deinit(&maker);
	*data = (const uint8_t *)out.data;
	return out.length;
}

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static const char text[] =
		"vOSRELEASE=6.1.0-56-cloud-amd64\nBUILD-ID=3b43fad5034874490492495d552c0af6a5fab235\n"
		"SYMBOL(swapper_pg_dir)=ffffffffa8a10000\nSYMBOL(_stext)=ffffffffa7000000\n"
		"SYMBOL(kallsyms_names)=ffffffffa8175590\nSYMBOL(kallsyms_num_syms)=ffffffffa8175588\n"
		"SYMBOL(kallsyms_token_table)=ffffffffa82c9d08\nSYMBOL(kallsyms_token_index)=ffffffffa82ca0a0\n"
		"SYMBOL(kallsyms_offsets)=ffffffffa81200b0\nSYMBOL(kallsyms_relative_base)=ffffffffa8175580\n"
		"NUMBER(phys_base)=-452984832\nNUMBER(pgtable_l5_enabled)=1\nKERNELOFFSET=26000000\n";

	if (index > 1)
		return 0;
	if (!index)
		return seed_tables(data);
	*data = (const uint8_t *)text;
	return sizeof(text) - 1;
}

static void check_symbols(const struct kernel_symbols *symbols)
{
	uint64_t offset;

	for (size_t i = 0; i < symbols->count; i++) {
		const char *text = symbols->text + symbols->symbols[i].name;

		if (symbols->symbols[i].name + strlen(text) >= symbols->text_bytes || strlen(text) < 2 ||
			!kernel_symbols_find(symbols, text + 1) ||
			(i && symbols->symbols[i].address < symbols->symbols[i - 1].address))
			abort();
		for (const char *at = text; *at; at++)
			if (*at <= ' ' || *at > '~')
				abort();
	}
	kernel_symbols_name(symbols, BASE + 20, &offset);
	kernel_symbols_name(symbols, UINT64_MAX, &offset);
}

static void use_tables(const uint8_t *data, size_t size)
{
	struct kernel_symbols symbols = {0};
	struct kallsyms_tables tables;
	struct error error = {0};
	struct head head;
	size_t offsets_bytes, left;
	uint32_t *offsets;

	if (size < sizeof(head))
		return;
	memcpy(&head, data, sizeof(head));
	left = size - sizeof(head);
	if (head.count > left / sizeof(*offsets))
		return; /* the caller of kallsyms_decode() has read all of them */
	offsets_bytes = head.count * sizeof(*offsets);
	left -= offsets_bytes;
	offsets = malloc(offsets_bytes ? offsets_bytes : 1);
	if (!offsets)
		abort();
	memcpy(offsets, data + sizeof(head), offsets_bytes);
	tables = (struct kallsyms_tables){
		.count = head.count,
		.relative_base = head.relative_base,
		.offsets = offsets,
		.names = data + sizeof(head) + offsets_bytes,
		.names_bytes = head.names_bytes < left ? head.names_bytes : left,
		.token_index = head.index,
	};
	tables.token_table = tables.names + tables.names_bytes;
	tables.token_table_bytes = left - tables.names_bytes;
	if (!kallsyms_decode(&symbols, &tables, BASE, NULL, &error))
		check_symbols(&symbols);
	else if (!error.text[0] || symbols.symbols || symbols.text)
		abort();
	kernel_symbols_deinit(&symbols);
	free(offsets);
}

static void use_vmcoreinfo(const uint8_t *data, size_t size)
{
	struct vmcoreinfo info;
	struct error error = {0};

	const int code = vmcoreinfo_parse(&info, (const char *)data, size, &error);

	if (code && !error.text[0])
		abort();
	for (const char *at = error.text; *at; at++)
		if (*at < ' ' || *at > '~')
			abort(); /* safe to show */
	if (code == -EINVAL)
		return;
	if (strlen(info.release) >= sizeof(info.release) ||
		(info.build_id[0] && strspn(info.build_id, "0123456789abcdef") != 40))
		abort(); /* it becomes a file's name */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (*data == 'v')
		use_vmcoreinfo(data + 1, size - 1);
	else
		use_tables(data, size);
	return 0;
}
