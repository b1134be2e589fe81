/* SPDX-License-Identifier: MIT */
/* What to say of patterns of function names that a guest could not make use of, once it has sent its symbols. */
#pragma once
#include <stddef.h>
#include "host/collect/function_wishes.h"
#include "lib/model/names.h"

#define FUNCTION_NAMES_HINT_BYTES 512

/*
 * Of each pattern that names none of the symbols: the name that is nearest, if one is near. `hint`, of
 * FUNCTION_NAMES_HINT_BYTES, becomes one line of raw text, or "": nothing can be said.
 */
void function_names_hint(const struct names *names, const struct function_wishes *wishes, char *hint);
