/* SPDX-License-Identifier: MIT */
#include "host/collect/ring_scan.h"

#include "abi/ring.h"
#include "host/collect/ring_access.h"

/* Bytes of the visible record at `at`, of which `left` are there; 0: unknown, or over the end. */
static uint32_t record_bytes(
	const struct ring_walk_table *table, const uint8_t *at, uint32_t left, uint8_t first)
{
	const struct event_type *type;
	uint32_t id = first & HT_ID_MASK, bytes = HT_SHORT_HEADER_BYTES, word = 0;
	uint16_t length = 0;

	if (table->short_bytes[id] != RING_WALK_CLOSER)
		return table->short_bytes[id];
	if (id == HT_ID_LONG) {
		if (left < HT_LONG_HEADER_BYTES)
			return 0;
		ring_copy(&word, at, sizeof(word));
		id = word >> HT_ID_BITS;
		bytes = HT_LONG_HEADER_BYTES;
	}
	type = id < EVENT_TYPES_MAX ? table->schema->types[id] : NULL;
	if (!type)
		return 0;
	bytes += type->fixed_bytes;
	if (type->variable) {
		if (left < bytes)
			return 0;
		ring_copy(&length, at + bytes - sizeof(length), sizeof(length));
	}
	return bytes + length;
}

uint32_t ring_scan(const struct ring_walk_table *table, const uint8_t *packet, uint32_t from, uint32_t limit)
{
	while (from + HT_SHORT_HEADER_BYTES <= limit) {
		/* pairs with the producer's last store of a record, in abi/ring.h and ring_slow.h */
		uint8_t first = ring_load8(packet + from);
		uint32_t bytes;

		if (!(first & HT_ID_MASK))
			break;
		bytes = record_bytes(table, packet + from, limit - from, first);
		if (bytes == 0 || bytes > limit - from)
			break;
		from += bytes;
	}
	return from;
}
