/* SPDX-License-Identifier: MIT */
#include "host/collect/recorder_nested.h"

#include <stdio.h>

#define NAMED_MAX 16 /* of a guest: one that divides its region anew all the time gets no more machines */
#define LAYER_MAX 5

bool recorder_nested_next(struct recorder_nested *nested, const struct region_layout *layout, uint32_t layer,
	const char *outer, uint32_t *index, char *name, size_t name_bytes)
{
	int length;

	if (!layout->nested_parts || layer >= LAYER_MAX)
		return false;
	if (layout->nested_offset != nested->offset || layout->nested_bytes != nested->bytes) {
		nested->offset = layout->nested_offset;
		nested->bytes = layout->nested_bytes;
		nested->taken = 0;
	}
	if (nested->taken >= layout->nested_parts || nested->named >= NAMED_MAX)
		return false;
	*index = nested->taken++;
	length = nested->named++ ? snprintf(name, name_bytes, "%s.l%u-%u", outer, layer + 1, nested->named)
				 : snprintf(name, name_bytes, "%s.l%u", outer, layer + 1);
	return length > 0 && (size_t)length < name_bytes;
}
