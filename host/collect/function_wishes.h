/* SPDX-License-Identifier: MIT */
/*
 * Which functions a guest's module is to record, as its control page has it. What is called so often that its calls say
 * nothing (function_wishes.c lists it) is taken out, unless it is named by itself.
 */
#pragma once
#include <stdint.h>
#include "abi/region.h"
#include "lib/base/error.h"

struct recorder_functions;

struct function_wishes {
	char patterns[HT_CONTROL_FUNCTION_BYTES]; /* "PATTERN\n!PATTERN\n" */
	enum ht_function_probe probe;             /* HT_FUNCTION_NONE: no functions */
	uint32_t depth;
	uint64_t min_ns;
	uint32_t dropped[HT_CONTROL_DROPPED], nr_dropped; /* by function_wishes_drop() */
};

/* -EINVAL: no pattern takes in, a pattern with other characters than a glob of function names, depth or duration of entries;
 * -E2BIG: too long. */
int function_wishes_parse(
	struct function_wishes *wishes, const struct recorder_functions *functions, struct error *error);

/* Takes one more out, by its number in func_entry; in force once they are published again. -ENOSPC: no more can be. */
int function_wishes_drop(struct function_wishes *wishes, uint32_t function);

/* No function any more; in force once they are published again. */
void function_wishes_take_none(struct function_wishes *wishes);

/* Puts them into a control page that asks for no functions. */
void function_wishes_fill(const struct function_wishes *wishes, struct ht_control *control);
