/* SPDX-License-Identifier: MIT */
/*
 * The host's side of a region against a guest that writes whatever it likes. The input is what the guest
 * does: it begins with a header that is mostly true, then words are stored anywhere, with polls of all rings
 * in between. What the reader hands on must be records that walk whole, within bounds and in time order,
 * whatever the guest did.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/ring.h"
#include "host/collect/event_table.h"
#include "host/collect/region.h"
#include "host/collect/ring_reader.h"
#include "tests/fuzz/fuzz.h"

#define REGION_BYTES (HT_MIN_REGION_BYTES)
#define RINGS        2
#define PACKETS      4
#define PACKET_BYTES 4096
#define RINGS_OFFSET (HT_HOST_OFFSET + HT_HOST_BYTES)
#define DATA_OFFSET  (RINGS_OFFSET + HT_PAGE_BYTES)

const char fuzz_name[] = "region";

/* Steps that touch every place a little. */
size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static uint8_t seed[12 * 64 + 1];

	if (index >= 4)
		return 0;
	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)(i * (index * 2 + 37) >> (i % 3));
	*data = seed;
	return sizeof(seed) - index % 2;
}

#define MUST(condition) ((condition) ? (void)0 : fail(#condition))

static void fail(const char *condition)
{
	fprintf(stderr, "not so: %s\n", condition);
	abort();
}

struct sink {
	const struct ring_walk_table *table;
	uint64_t last_tsc;
};

static int check_packet(void *context, const struct ring_packet *packet)
{
	struct sink *sink = context;
	const uint8_t *records = packet->buffer + RING_HEADROOM_BYTES;
	struct ring_walk walk = {.at = records, .end = records + packet->bytes, .tsc = packet->begin_tsc};

	MUST(!(packet->bytes > PACKET_BYTES || packet->begin_tsc < sink->last_tsc ||
		packet->end_tsc < packet->begin_tsc));
	ring_walk(sink->table, &walk, 1);
	MUST(!(walk.status != RING_WALK_WHOLE || walk.events != packet->events ||
		walk.tsc > packet->end_tsc));
	sink->last_tsc = packet->end_tsc;
	return packet->events % 7 == 0 ? -28 : 0;
}

/* A guest that has written one honest packet. */
static void make_honest(uint8_t *base)
{
	struct ht_region *header = (struct ht_region *)base;
	struct ht_ring *ring = (struct ht_ring *)(base + RINGS_OFFSET);
	struct ht_packet *packet = (struct ht_packet *)(base + DATA_OFFSET);
	uint8_t *at = (uint8_t *)(packet + 1);

	*header = (struct ht_region){.magic = HT_MAGIC,
		.abi_version = HT_ABI_VERSION,
		.header_bytes = sizeof(*header),
		.region_bytes = REGION_BYTES,
		.generation = 1,
		.nr_rings = RINGS,
		.nr_packets = PACKETS,
		.packet_bytes = PACKET_BYTES,
		.rings_offset = RINGS_OFFSET,
		.data_offset = DATA_OFFSET,
		.state = HT_STATE_RUNNING};
	ring->head = 2;
	*packet = (struct ht_packet){
		.seq = 1, .begin_tsc = 100, .end_tsc = 1u << 20, .content_bytes = sizeof(*packet)};
	for (unsigned i = 0; i < 200; i++, at += 9) {
		uint32_t head = (100 + i) << HT_ID_BITS | EVENT_ID_sched_switch;

		memcpy(at, &head, sizeof(head));
		packet->events++;
		packet->content_bytes += 9;
	}
	packet = (struct ht_packet *)((uint8_t *)packet + PACKET_BYTES);
	*packet = (struct ht_packet){.seq = 2, .begin_tsc = 1u << 20, .events_before = 200};
	memcpy(packet + 1, (uint8_t *)(packet + 1) - PACKET_BYTES, 900);
}

/* One step of the guest: where, how, with what. */
static void scribble(uint8_t *base, const uint8_t *step)
{
	static const uint32_t places[] = {0, 8, 24, 32, RINGS_OFFSET, DATA_OFFSET, DATA_OFFSET + PACKET_BYTES,
		DATA_OFFSET + 64, DATA_OFFSET + PACKET_BYTES + 64,
		DATA_OFFSET + RINGS * PACKETS / 2 * PACKET_BYTES};
	uint32_t at = places[step[0] % (sizeof(places) / sizeof(places[0]))] + (step[1] | step[2] % 16 << 8);
	uint64_t value;

	memcpy(&value, step + 4, sizeof(value));
	if (step[3] & 1)
		value &= 0xff;
	if (step[3] & 2)
		value = *(uint64_t *)(base + (at & ~7u)) + (value & 3) - 1;
	if (at < HT_HOST_OFFSET || at >= RINGS_OFFSET)
		memcpy(base + (step[3] & 4 ? at & ~7u : at), &value, step[3] & 8 ? 8 : 1);
}

static void poll_all(struct ring_reader *readers, struct region *region, unsigned round)
{
	for (unsigned i = 0; i < RINGS; i++) {
		ring_reader_poll(&readers[i], (uint64_t)round * RING_GRACE_NS / 2, round % 3);
		ring_reader_count_lost(&readers[i]);
	}
	region_state(region, (char[513]){0});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct event_schema *schema = event_table_schema(EVENT_TABLE_TRACE, NULL);
	struct ring_scratch *scratch = ring_scratch_create(PACKET_BYTES);
	uint8_t *base = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct region region = {.fd = -1,
		.path = "fuzz",
		.bytes = REGION_BYTES,
		.base = base,
		.guest = (const struct ht_region *)base,
		.host = (struct ht_host *)(base + HT_HOST_OFFSET)};
	struct region_layout layout = {0}, checked;
	struct ring_reader readers[RINGS];
	struct sink sinks[RINGS];
	struct ring_walk_table table;

	MUST(!(!schema || !scratch || base == MAP_FAILED));
	ring_walk_table_init(&table, schema);
	make_honest(base);
	MUST(!(region_check(&region, &layout, NULL)));
	for (uint32_t i = 0; i < RINGS; i++) {
		sinks[i] = (struct sink){.table = &table};
		ring_reader_init(&readers[i],
			&(struct ring_reader_options){.ring = region_ring(&region, &layout, i),
				.data = region_ring_data(&region, &layout, i),
				.packet_bytes = layout.packet_bytes,
				.nr_packets = layout.nr_packets,
				.region = region.guest,
				.generation = layout.generation,
				.read_packets = bytes % 2 ? (uint64_t *)region.host->read_packets + i : NULL,
				.table = &table,
				.scratch = scratch,
				.packet = check_packet,
				.context = &sinks[i]});
	}
	for (size_t at = 0; at + 12 <= bytes; at += 12) {
		scribble(base, data + at);
		if (data[at + 3] & 16)
			poll_all(readers, &region, (unsigned)at);
		MUST(!(region_check(&region, &checked, NULL) == 0 &&
			(checked.data_offset +
					(uint64_t)checked.nr_rings * checked.nr_packets *
						checked.packet_bytes >
				REGION_BYTES)));
	}
	poll_all(readers, &region, 3);
	munmap(base, REGION_BYTES);
	ring_scratch_destroy(scratch);
	event_schema_destroy(schema);
	return 0;
}
