/* SPDX-License-Identifier: MIT */
#include "host/collect/function_names.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/suggest.h"

#define PATTERN_BYTES 128

/* Does it name a symbol? If not, *nearest may become one. */
static bool names_any(const struct names *names, const char *pattern, const char **nearest)
{
	struct suggestion suggestion = suggestion_for(pattern, strlen(pattern));

	for (size_t i = 0; i < names->nr_symbols; i++) {
		const char *symbol = names->symbol_text + names->symbols[i].name;

		if (fnmatch(pattern, symbol, 0) == 0)
			return true;
		suggestion_consider(&suggestion, symbol);
	}
	*nearest = suggestion.best;
	return false;
}

void function_names_hint(const struct names *names, const struct function_wishes *wishes, char *hint)
{
	size_t used = 0;

	hint[0] = '\0';
	for (const char *at = wishes->patterns; names->nr_symbols && *at; at += strspn(at, "\n")) {
		const size_t length = strcspn(at, "\n");
		const char *nearest = NULL;
		char pattern[PATTERN_BYTES];
		int added;

		snprintf(pattern, sizeof(pattern), "%.*s", (int)length, at);
		at += length;
		if (pattern[0] == '!' || length >= sizeof(pattern) || names_any(names, pattern, &nearest) ||
			!nearest)
			continue;
		added = snprintf(hint + used, FUNCTION_NAMES_HINT_BYTES - used, "%s%s: did you mean %.127s?",
			used ? " " : "", pattern, nearest);
		if (added < 0 || used + (size_t)added >= FUNCTION_NAMES_HINT_BYTES) {
			hint[used] = '\0';
			return;
		}
		used += (size_t)added;
	}
}
