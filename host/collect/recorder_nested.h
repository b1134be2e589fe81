/* SPDX-License-Identifier: MIT */
/*
 * Which guests a guest of a recorder has inside it: each part of its region that it passes on (abi/region.h) is the
 * region of one, also of one that has not booted yet. They are recorded as machines of their own, NAME.l2 and so on.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "host/collect/region.h"

struct recorder_nested {
	uint32_t taken; /* parts of the division below */
	uint32_t named; /* of any division */
	uint64_t offset,
		bytes; /* the division: what the guest says may change when its module is loaded again */
};

/*
 * The next part of a region in `layer` with that layout: true, and its index and its guest's name, made of the name
 * `outer`. False: there is none, or the guest has divided anew too often.
 */
bool recorder_nested_next(struct recorder_nested *nested, const struct region_layout *layout, uint32_t layer,
	const char *outer, uint32_t *index, char *name, size_t name_bytes);
