/* SPDX-License-Identifier: MIT */
/* A file of symbols that is none: it is refused with a reason that is safe to show, or each name in it is. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/model/symbol_file.h"

const char fuzz_name[] = "symbol_file";

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static const char *const seeds[] = {
		"ffffffff81000000 T _stext\nffffffff81000100 t do_one\tmod [mod]\nffffffff81000100 T alias\n",
		"                 U printf\n0000000000401000 T main\n                 w _x\n1 A b\n",
		"0000000000000000 A zero\nffff82d040200000 t xen.c#local.isra.0",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return 0;
	*data = (const uint8_t *)seeds[index];
	return strlen(seeds[index]);
}

static void check_shown(const char *text, char first)
{
	for (; *text; text++)
		if (*text < first || *text > '~')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names names = {0};
	struct error error = {0};
	char *text = malloc(size ? size : 1); /* nothing behind its end may be read */
	int result;

	if (!text)
		return 0;
	memcpy(text, data, size);
	result = symbol_file_parse(&names, text, size, &error);
	free(text);
	if (!result != (names.nr_symbols != 0) || (result && (!error.text[0] || !error.hint[0])))
		abort();
	check_shown(error.text, ' ');
	for (size_t i = 0; i < names.nr_symbols; i++) {
		uint64_t offset;
		const char *name = names_symbol(&names, names.symbols[i].address + i, &offset);

		if (i && names.symbols[i].address < names.symbols[i - 1].address)
			abort();
		if (name && (!*name || strpbrk(name, "\"\\")))
			abort();
		check_shown(name ? name : "", '!');
	}
	names_deinit(&names);
	return 0;
}
