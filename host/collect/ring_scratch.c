/* SPDX-License-Identifier: MIT */
#include "host/collect/ring_scratch.h"

#include <stdlib.h>

#define CACHE_BYTES (512u << 10)

struct ring_scratch *ring_scratch_create(uint32_t packet_bytes)
{
	struct ring_scratch *scratch = calloc(1, sizeof(*scratch));
	const size_t slot_bytes =
		((size_t)packet_bytes + RING_HEADROOM_BYTES + RING_TAIL_BYTES + 63) & ~(size_t)63;

	if (!scratch)
		return NULL;
	scratch->packet_bytes = packet_bytes;
	scratch->count = CACHE_BYTES / packet_bytes;
	if (scratch->count < RING_WALK_LANES)
		scratch->count = RING_WALK_LANES;
	if (scratch->count > RING_SLOTS_MAX)
		scratch->count = RING_SLOTS_MAX;
	scratch->memory = aligned_alloc(64, slot_bytes * scratch->count);
	if (!scratch->memory) {
		free(scratch);
		return NULL;
	}
	for (unsigned i = 0; i < scratch->count; i++)
		scratch->slots[i].buffer = scratch->memory + i * slot_bytes;
	return scratch;
}

void ring_scratch_destroy(struct ring_scratch *scratch)
{
	if (!scratch)
		return;
	free(scratch->memory);
	free(scratch);
}
