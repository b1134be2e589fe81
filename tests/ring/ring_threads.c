/* SPDX-License-Identifier: MIT */
/*
 * A producer and a reader at full speed, the producer interrupted by signals that write into the same ring:
 * whatever happens, recorded + lost is what was produced, and no torn record is taken. Built as it is, and
 * for TSan with HT_PORTABLE. Usage: ring_threads [RECORDS]
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static _Thread_local volatile sig_atomic_t interrupts_off, interrupt_pending;
static void interrupt_if_pending(void);
#define USER_INTERRUPTS_OFF() (interrupts_off = 1)
#define USER_INTERRUPTS_ON()  (interrupts_off = 0, interrupt_if_pending())
#include "tests/ring/user_producer.h"
#include "tests/ring/ring_check.h"

#define NESTED_MAX 50 /* records an interrupt writes: less than a ring holds */

_Thread_local uint32_t user_depth, user_current_pid = 1;

static struct {
	struct ht_producer producer;
	struct ht_ring ring;
	uint64_t read_packets;
	uint64_t produced;
	uint32_t numbers[RING_CHECK_DEPTHS];
	uint64_t records;
	atomic_bool done;
} test;

static void produce_one(void)
{
	/* numbered before it is written: an interrupt of the same depth cannot come between */
	uint64_t payload = ring_check_payload(user_depth, ++test.numbers[user_depth]);

	test.produced++;
	user_write(&test.producer, RING_CHECK_ID, payload, RING_CHECK_BYTES);
}

static void interrupt(void)
{
	interrupt_pending = 0;
	user_depth = 1;
	for (unsigned i = 0; i < test.numbers[1] % NESTED_MAX + 1; i++)
		produce_one();
	user_depth = 0;
}

static void interrupt_if_pending(void)
{
	if (interrupt_pending && !interrupts_off && user_depth == 0)
		interrupt();
}

/* SIGUSR1 is an interrupt, which waits where interrupts are off; SIGUSR2 an NMI, which does not. */
static void on_signal(int number)
{
	const uint32_t depth = user_depth;

	if (number == SIGUSR1) {
		if (interrupts_off || depth)
			interrupt_pending = 1;
		else
			interrupt();
		return;
	}
	user_depth = 2;
	for (unsigned i = 0; i < 3; i++) {
		uint64_t payload = ring_check_payload(2, ++test.numbers[2]);

		test.produced++;
		/* an NMI's slow path does not touch the interrupt flag of what it interrupted */
		if (!ht_ring_write(&test.producer, RING_CHECK_ID, RING_CHECK_BYTES, payload,
			    (uint32_t)(payload >> 32)))
			ht_producer_write(&test.producer, RING_CHECK_ID, &payload, RING_CHECK_BYTES, 0, 0);
	}
	user_depth = depth;
}

static void *produce(void *unused)
{
	(void)unused;
	for (uint64_t i = 0; i < test.records; i++) {
		produce_one();
		interrupt_if_pending();
	}
	atomic_store(&test.done, true);
	return NULL;
}

static void *annoy(void *thread)
{
	for (unsigned i = 0; !atomic_load(&test.done); i++) {
		pthread_kill(*(pthread_t *)thread, i % 3 ? SIGUSR1 : SIGUSR2);
		sched_yield();
	}
	return NULL;
}

static int run(const char *name, uint32_t packet_bytes, uint32_t nr_packets, bool discard, uint64_t records)
{
	struct event_schema *schema = event_table_schema(EVENT_TABLE_TRACE, NULL);
	struct ring_scratch *scratch = ring_scratch_create(packet_bytes);
	uint8_t *data = aligned_alloc(4096, (size_t)packet_bytes * nr_packets);
	struct ring_walk_table table;
	struct ring_check check = {0};
	struct ring_reader reader;
	pthread_t producer, annoyer;
	uint64_t lost = 0, polls = 0;

	memset(&test, 0, sizeof(test));
	memset(data, 0, (size_t)packet_bytes * nr_packets);
	test.records = records;
	ring_walk_table_init(&table, schema);
	ht_producer_init(&test.producer, &test.ring, data, packet_bytes, nr_packets,
		discard ? (const __u64 *)&test.read_packets : NULL);
	ring_reader_init(&reader,
		&(struct ring_reader_options){.ring = &test.ring,
			.data = data,
			.packet_bytes = packet_bytes,
			.nr_packets = nr_packets,
			.read_packets = discard ? &test.read_packets : NULL,
			.table = &table,
			.scratch = scratch,
			.packet = ring_check_packet,
			.context = &check});
	pthread_create(&producer, NULL, produce, NULL);
	pthread_create(&annoyer, NULL, annoy, &producer);
	/* time stands still for the reader: a producer that the host's scheduler stopped is late, not dead */
	while (!atomic_load(&test.done)) {
		ring_reader_poll(&reader, 1, polls % 7 == 0 ? RING_POLL_OPEN : 0);
		polls++;
	}
	pthread_join(annoyer, NULL); /* before the producer: it must be there to be killed */
	pthread_join(producer, NULL);
	ring_reader_poll(&reader, 1, RING_POLL_OPEN | RING_POLL_FINAL);
	ring_reader_count_lost(&reader);
	for (unsigned i = 0; i < TRACE_LOST_CAUSES; i++)
		lost += reader.lost[i];
	if (!check.fault && reader.recorded + lost != test.produced)
		check.fault = "recorded + lost is not what was produced";
	if (!check.fault &&
		(check.records != reader.recorded || reader.lost[TRACE_LOST_DAMAGED] ||
			reader.lost[TRACE_LOST_TORN]))
		check.fault = reader.lost[TRACE_LOST_TORN] ? "torn" : "damaged, with an honest producer";
	printf("%-22s produced %9lu recorded %9lu full %8lu nested %5lu overwritten %8lu in interrupts %u: "
	       "%s\n",
		name, test.produced, reader.recorded, reader.lost[TRACE_LOST_FULL],
		reader.lost[TRACE_LOST_NESTED], reader.lost[TRACE_LOST_OVERWRITTEN],
		test.numbers[1] + test.numbers[2], check.fault ? check.fault : "ok");
	ring_scratch_destroy(scratch);
	event_schema_destroy(schema);
	free(data);
	return check.fault != NULL;
}

int main(int argc, char **argv)
{
	const uint64_t records = argc > 1 ? strtoull(argv[1], NULL, 10) : 3000000;
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	int failed = 0;

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	failed |= run("tiny, overwrite", 4096, 4, false, records);
	failed |= run("tiny, discard", 4096, 4, true, records);
	failed |= run("large, overwrite", 65536, 64, false, records);
	failed |= run("large, discard", 65536, 64, true, records);
	return failed;
}
