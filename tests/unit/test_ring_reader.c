/* SPDX-License-Identifier: MIT */
/* One ring, step by step, with the guest's producer in this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define HT_TSC_HOOK test_tsc
#include "tests/ring/user_producer.h"
#include "tests/ring/ring_check.h"

#define PACKET_BYTES 4096
#define PACKETS      4
#define PER_PACKET   365 /* one of 19 bytes, the others of 11 */

_Thread_local uint32_t user_depth, user_current_pid = 1;

static struct {
	struct event_schema *schema;
	struct ring_walk_table table;
	struct ring_scratch *scratch;
	struct ht_ring ring;
	struct ht_producer producer;
	uint8_t data[PACKET_BYTES * PACKETS] __attribute__((aligned(64)));
	uint64_t tsc, read_packets;
	uint32_t number;
	struct ring_reader reader;
	struct ring_check check;
} t;

uint64_t test_tsc(void);
uint64_t test_tsc(void)
{
	return t.tsc += 3;
}

static void begin(bool discard)
{
	memset(&t.ring, 0, sizeof(t.ring));
	memset(&t.check, 0, sizeof(t.check));
	t.number = 0;
	t.read_packets = 0;
	user_depth = 0;
	ht_producer_init(&t.producer, &t.ring, t.data, PACKET_BYTES, PACKETS,
		discard ? (const __u64 *)&t.read_packets : NULL);
	ring_reader_init(&t.reader,
		&(struct ring_reader_options){.ring = &t.ring,
			.data = t.data,
			.packet_bytes = PACKET_BYTES,
			.nr_packets = PACKETS,
			.read_packets = discard ? &t.read_packets : NULL,
			.table = &t.table,
			.scratch = t.scratch,
			.packet = ring_check_packet,
			.context = &t.check});
}

static void produce(uint32_t count)
{
	while (count--)
		user_write(&t.producer, RING_CHECK_ID, ring_check_payload(0, ++t.number), RING_CHECK_BYTES);
}

static void expect(uint64_t recorded, enum trace_lost cause, uint64_t lost)
{
	ring_reader_count_lost(&t.reader);
	assert_null(t.check.fault);
	assert_int_equal(t.reader.recorded, recorded);
	for (unsigned i = 0; i < TRACE_LOST_CAUSES; i++)
		assert_int_equal(t.reader.lost[i], i == cause ? lost : 0);
}

static void test_open_packet_in_parts(void **state)
{
	(void)state;
	begin(false);
	produce(10);
	ring_reader_poll(&t.reader, 1, 0);
	expect(0, 0, 0);
	ring_reader_poll(&t.reader, 1 + RING_OPEN_NS, 0); /* open for long */
	expect(10, 0, 0);
	produce(5);
	ring_reader_poll(&t.reader, 2 + RING_OPEN_NS, RING_POLL_OPEN);
	expect(15, 0, 0);
	produce(1000);
	ring_reader_poll(&t.reader, 3 + RING_OPEN_NS, RING_POLL_OPEN | RING_POLL_FINAL);
	expect(1015, 0, 0);
}

static void test_overwritten_and_full(void **state)
{
	(void)state;
	begin(false);
	produce(PER_PACKET * 10);
	ring_reader_poll(&t.reader, 1, RING_POLL_OPEN);
	expect(PER_PACKET * 4, TRACE_LOST_OVERWRITTEN, PER_PACKET * 6);
	begin(true);
	produce(PER_PACKET * 10);
	ring_reader_poll(&t.reader, 1, RING_POLL_OPEN);
	expect(PER_PACKET * 4, TRACE_LOST_FULL, PER_PACKET * 6);
	assert_int_equal(t.read_packets, 4);
}

/* A record that its writer was interrupted in, in a packet that the interrupt closed. */
static void test_in_flight(void **state)
{
	uint8_t *id;
	uint8_t saved;

	(void)state;
	begin(false);
	produce(PER_PACKET);
	id = t.data + 64 + 12 + RING_CHECK_BYTES + 300 * (4 + RING_CHECK_BYTES);
	assert_int_equal(*id & HT_ID_MASK, RING_CHECK_ID);
	saved = *id;
	*id &= (uint8_t)~HT_ID_MASK;
	user_depth = 1;
	produce(1);
	user_depth = 0;
	ring_reader_poll(&t.reader, 1, 0);
	expect(0, 0, 0); /* it waits */
	*id = saved;
	ring_reader_poll(&t.reader, 2, 0);
	expect(PER_PACKET, 0, 0);
}

static void test_damage_costs_one_packet(void **state)
{
	(void)state;
	begin(false);
	produce(PER_PACKET * 3);
	memset(t.data + PACKET_BYTES + 64 + 12 + RING_CHECK_BYTES + 100 * (4 + RING_CHECK_BYTES), 0xff, 40);
	ring_reader_poll(&t.reader, 1, RING_POLL_OPEN);
	expect(PER_PACKET * 2 + 101, TRACE_LOST_DAMAGED, PER_PACKET - 101);
	begin(false);
	produce(PER_PACKET * 3);
	((struct ht_packet *)(t.data + PACKET_BYTES))->seq = 77;
	ring_reader_poll(&t.reader, 1, RING_POLL_OPEN);
	expect(PER_PACKET * 2, TRACE_LOST_DAMAGED, PER_PACKET);
}

static void test_skip(void **state)
{
	(void)state;
	begin(false);
	produce(PER_PACKET * 5 + 10);
	ring_reader_skip(&t.reader);
	produce(7);
	ring_reader_poll(&t.reader, 1, RING_POLL_OPEN);
	expect(7, 0, 0);
	produce(PER_PACKET * 2);
	ring_reader_poll(&t.reader, 2, RING_POLL_OPEN);
	expect(7 + PER_PACKET * 2, 0, 0);
}

/* The guest says that its wishes came in force with packet number 2, when it had lost 3 events. */
static void test_skip_to_wishes(void **state)
{
	struct ht_ring *ring;

	(void)state;
	begin(false);
	ring = (struct ht_ring *)t.reader.at.ring;
	produce(PER_PACKET * 3 + 10);
	ring->lost[HT_LOST_OVERSIZE] = 4;
	ring->wishes_lost[HT_LOST_OVERSIZE] = 3;
	ring->wishes_packet = 1 + 2;
	assert_true(ring_reader_to_wishes(&t.reader));
	ring_reader_poll(&t.reader, 1, RING_POLL_OPEN);
	ring_reader_count_lost(&t.reader);
	expect(PER_PACKET + 10, TRACE_LOST_OVERSIZE, 1);
	for (uint64_t nowhere = 0; nowhere < 200; nowhere += 100) {
		ring->wishes_packet = nowhere;
		assert_false(ring_reader_to_wishes(&t.reader));
	}
}

static int set_up(void **state)
{
	(void)state;
	t.schema = event_table_schema(EVENT_TABLE_TRACE, NULL);
	t.scratch = ring_scratch_create(PACKET_BYTES);
	ring_walk_table_init(&t.table, t.schema);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	event_schema_destroy(t.schema);
	ring_scratch_destroy(t.scratch);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_packet_in_parts),
		cmocka_unit_test(test_overwritten_and_full),
		cmocka_unit_test(test_in_flight),
		cmocka_unit_test(test_damage_costs_one_packet),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_skip_to_wishes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
