/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "lib/filter/event_selection.h"
#include "lib/filter/filter.h"

const char fuzz_name[] = "filter";

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static const char *const seeds[] = {
		"pid==123|5-9,comm!=\"a b\"|bash,cpu==0-3,syscall.duration>1.5ms",
		"duration>=10us,pid!=0,pid!=7",
		"sched,irq,!sched_waking,block:block_rq_issue,!block:x,all",
	};

	if (index >= sizeof(seeds) / sizeof(seeds[0]))
		return 0;
	*data = (const uint8_t *)seeds[index];
	return strlen(seeds[index]);
}

static void check(int result, const struct error *error)
{
	if (result && (!error->text[0] || error->code != result))
		abort(); /* every failure says why */
	for (const char *at = error->text; *at; at++)
		if ((unsigned char)*at < ' ')
			abort(); /* and is safe to show */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct event_choice choices[] = {{"sched_switch", "sched", 1},
		{"sched_waking", "sched", 2}, {"irq_handler_entry", "irq", 8}, {0}};
	struct event_selection selection;
	struct error error = {0};
	struct filter filter;
	char *text = strndup((const char *)data, size);
	int result;

	if (!text)
		return 0;
	result = filter_parse(&filter, text, &error);
	check(result, &error);
	if (!result)
		filter_match(&filter, 3, 123, "bash");
	error = (struct error){0};
	result = event_selection_parse(&selection, text, choices, &error);
	check(result, &error);
	free(text);
	return 0;
}
