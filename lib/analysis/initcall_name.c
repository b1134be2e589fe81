/* SPDX-License-Identifier: MIT */
#include "lib/analysis/initcall_name.h"

#include <inttypes.h>
#include <stdio.h>

struct initcall_name initcall_function(
	const struct names *names, uint64_t kaslr_offset, const struct initcall *initcall)
{
	uint64_t offset = 0;
	const char *symbol = names ? names_symbol(names, initcall->func, &offset) : NULL;
	struct initcall_name name;

	/* an initcall is called where its function begins: else the symbol is some other that lies before it */
	if (symbol && !offset)
		snprintf(name.text, sizeof(name.text), "%s", symbol);
	else if (initcall->module[0])
		snprintf(name.text, sizeof(name.text), "init");
	else
		snprintf(name.text, sizeof(name.text), "0x%" PRIx64,
			initcall->func > kaslr_offset ? initcall->func - kaslr_offset : initcall->func);
	return name;
}

struct initcall_name initcall_full_name(
	const struct names *names, uint64_t kaslr_offset, const struct initcall *initcall)
{
	struct initcall_name function = initcall_function(names, kaslr_offset, initcall), name;

	if (!initcall->module[0])
		return function;
	snprintf(name.text, sizeof(name.text), "%.90s [%s]", function.text, initcall->module);
	return name;
}
