/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the ring write, and how they know it again: a record carries which context wrote it (its
 * depth), a number that counts up per depth, and a check sum, so that a torn, lost, doubled or misplaced
 * record is noticed.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "abi/ring.h"
#include "host/collect/event_table.h"
#include "host/collect/ring_reader.h"

#define RING_CHECK_DEPTHS 4
#define RING_CHECK_ID     EVENT_ID_sched_migrate_task
#define RING_CHECK_BYTES  7 /* of payload */

struct ring_check {
	uint64_t records;
	uint32_t last[RING_CHECK_DEPTHS]; /* number of the last record seen of each depth, from 1 */
	uint64_t last_tsc, last_end_tsc;
	const char *fault; /* the first one */
};

/* The payload of record `number` (from 1) of `depth`. */
static inline uint64_t ring_check_payload(uint32_t depth, uint32_t number)
{
	uint32_t sum = number * 2654435761u >> 20 ^ depth;

	return (uint64_t)number | (uint64_t)(depth << 12 | (sum & 0xfff)) << 32;
}

static inline void ring_check_record(struct ring_check *check, const uint8_t *payload)
{
	uint64_t word = 0;
	uint32_t number, depth;

	memcpy(&word, payload, RING_CHECK_BYTES);
	number = (uint32_t)word;
	depth = (uint32_t)(word >> 44);
	if (depth >= RING_CHECK_DEPTHS || word != ring_check_payload(depth, number)) {
		check->fault = "a torn record was taken";
		return;
	}
	if (number <= check->last[depth])
		check->fault = "a record came twice, or out of order";
	check->last[depth] = number;
	check->records++;
}

/* A ring_packet_fn; `context` is a struct ring_check. */
static inline int ring_check_packet(void *context, const struct ring_packet *packet)
{
	struct ring_check *check = context;
	const uint8_t *at = packet->buffer + RING_HEADROOM_BYTES, *end = at + packet->bytes;
	uint64_t before = check->records, tsc = packet->begin_tsc;

	if (packet->begin_tsc < check->last_end_tsc || packet->end_tsc < packet->begin_tsc)
		check->fault = "packets go back in time";
	while (at < end && !check->fault) {
		uint32_t head;

		memcpy(&head, at, sizeof(head));
		if ((head & HT_ID_MASK) == HT_ID_LONG) {
			memcpy(&tsc, at + 4, sizeof(tsc));
			at += HT_LONG_HEADER_BYTES;
			head = head >> HT_ID_BITS;
		} else {
			tsc += ((head >> HT_ID_BITS) - (uint32_t)tsc) & (uint32_t)(HT_SHORT_TIME_SPAN - 1);
			at += HT_SHORT_HEADER_BYTES;
			head &= HT_ID_MASK;
		}
		if (head != RING_CHECK_ID)
			check->fault = "a record of another kind";
		ring_check_record(check, at);
		at += RING_CHECK_BYTES;
	}
	if (!check->fault && (at != end || check->records - before != packet->events))
		check->fault = "not as many records as the packet says";
	if (!check->fault && (tsc > packet->end_tsc))
		check->fault = "a record after the packet's end";
	check->last_end_tsc = packet->end_tsc;
	return 0;
}
