/* SPDX-License-Identifier: MIT */
/* Private memory that packets are copied into; the rings of one recorder share it. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "abi/region.h"
#include "host/collect/ring_walk.h"
#include "lib/writer/ctf_stream.h"

#define RING_HEADROOM_BYTES sizeof(struct ctf_packet_header) /* in front of the records, for the writer */
#define RING_TAIL_BYTES     24 /* behind them, for the writer's padding and 8-byte loads */
#define RING_SLOTS_MAX      (2 * RING_WALK_LANES)

/* One copied packet. */
struct ring_slot {
	struct ht_packet header; /* our copy of the packet's */
	uint8_t *buffer;         /* RING_HEADROOM_BYTES free, then records */
	uint32_t from, to;       /* which bytes of the packet the records are */
	int bad;                 /* the header cannot be true */
};

struct ring_scratch {
	uint8_t *memory;
	uint32_t packet_bytes; /* the largest it can take */
	unsigned count;
	struct ring_slot slots[RING_SLOTS_MAX];
};

/* Memory for several packets of `packet_bytes`, few enough to stay in the cache. NULL: out of memory. */
struct ring_scratch *ring_scratch_create(uint32_t packet_bytes);
void ring_scratch_destroy(struct ring_scratch *scratch);
