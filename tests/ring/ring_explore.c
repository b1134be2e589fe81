/* SPDX-License-Identifier: MIT */
/*
 * Every schedule of a producer and a reader with at most two changes of the running side, and one interrupt
 * (or NMI) at any point of the producer, over tiny rings: deterministic, and exhaustive within those bounds
 * with STRIDE 1; otherwise changes happen at every STRIDE-th point only. Both sides are coroutines; every
 * access to memory that another context sees is a point where a change may happen. Checked at the end of
 * each: no torn record taken, order, and recorded + lost == produced. Usage: ring_explore [STRIDE]
 *
 * Memory is sequentially consistent here; on x86 only a store that passes a later load is missing, and no two
 * such accesses of the protocol depend on each other's order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

static void explore_point(int own);
#define USER_HOOK(own) explore_point(own)
#define HT_PORTABLE
#define HT_TSC_HOOK explore_tsc
static int interrupts_off;
#define USER_INTERRUPTS_OFF() (interrupts_off = 1)
#define USER_INTERRUPTS_ON()  (interrupts_off = 0)
#include "tests/ring/user_producer.h"

/* The reader's accesses, with a point before each, and copies in pieces. */
#define RING_ACCESS_HOOKED
#define READ_POINT() explore_point(0)
static inline uint8_t ring_load8(const void *at)
{
	READ_POINT();
	return *(const volatile uint8_t *)at;
}

static inline uint32_t ring_load32(const void *at)
{
	READ_POINT();
	return *(const volatile uint32_t *)at;
}

static inline uint64_t ring_load64(const void *at)
{
	READ_POINT();
	return *(const volatile uint64_t *)at;
}

static inline void ring_store64(uint64_t *at, uint64_t value)
{
	READ_POINT();
	*(volatile uint64_t *)at = value;
}

static inline void ring_copy(void *to, const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 16) {
		READ_POINT();
		memcpy((uint8_t *)to + i, (const uint8_t *)from + i, bytes - i < 16 ? bytes - i : 16);
	}
}

static inline void ring_order_loads(void)
{
}

#include "host/collect/ring_scan.c"
#undef HEADER_BYTES
#include "host/collect/ring_reader.c"
#include "tests/ring/ring_check.h"

#define PACKET_BYTES 128 /* 64 of header; four records or so */
#define PACKETS_MAX  4
#define STACK_BYTES  (256 << 10)
#define NEVER        UINT32_MAX

_Thread_local uint32_t user_depth, user_current_pid = 1;

struct schedule {
	uint32_t change[2]; /* the running side changes before these points; NEVER */
	uint32_t interrupt; /* before this point of the producer's; NEVER */
	bool nmi, discard, reader_first;
	uint32_t nr_packets, records, nested;
};

static struct {
	const struct schedule *schedule;
	ucontext_t main, side[2]; /* 0: the producer, 1: the reader */
	uint8_t *stacks[2];
	bool ended[2];
	int running;
	uint32_t points, producer_points;
	bool interrupted;
	uint64_t tsc, produced;
	uint32_t numbers[RING_CHECK_DEPTHS];
	struct ht_producer producer;
	struct ht_ring ring;
	uint64_t read_packets;
	uint8_t data[PACKET_BYTES * PACKETS_MAX] __attribute__((aligned(64)));
	struct ring_reader reader;
	struct ring_check check;
} x;

uint64_t explore_tsc(void)
{
	return ++x.tsc;
}

static void produce(uint32_t count)
{
	while (count--) {
		uint64_t payload = ring_check_payload(user_depth, ++x.numbers[user_depth]);

		x.produced++;
		if (user_depth == 0)
			user_write(&x.producer, RING_CHECK_ID, payload, RING_CHECK_BYTES);
		/* a single one is longer than what it interrupts, and may find no room where that still does */
		else if (x.schedule->nested == 1 ||
			!ht_ring_write(&x.producer, RING_CHECK_ID, RING_CHECK_BYTES, payload,
				(uint32_t)(payload >> 32)))
			ht_producer_write(&x.producer, RING_CHECK_ID, &payload, RING_CHECK_BYTES, 0, 0);
	}
}

/* Runs in the middle of whatever the producer does; by its end all of it has happened, as on a CPU. */
static void interrupt(void)
{
	const int saved = interrupts_off;

	x.interrupted = true;
	user_depth = x.schedule->nmi ? 2 : 1;
	produce(x.schedule->nested);
	user_depth = 0;
	interrupts_off = saved;
}

static void change_side(void)
{
	int from = x.running;

	if (x.ended[!from])
		return;
	x.running = !from;
	swapcontext(&x.side[from], &x.side[!from]);
}

static void explore_point(int own)
{
	const struct schedule *schedule = x.schedule;

	if (x.running < 0) /* before and after the schedule */
		return;
	if (x.running == 0 && user_depth == 0 && ++x.producer_points > schedule->interrupt &&
		!x.interrupted && (schedule->nmi || !interrupts_off))
		interrupt();
	if (own)
		return; /* the other side does not see it: a change here is the same as at the next point */
	x.points++;
	if (x.points == schedule->change[0] || x.points == schedule->change[1])
		change_side();
}

static void end_side(void)
{
	x.ended[x.running] = true;
	if (x.ended[!x.running])
		setcontext(&x.main);
	x.running = !x.running;
	setcontext(&x.side[x.running]);
}

static void run_producer(void)
{
	produce(x.schedule->records);
	end_side();
}

static void run_reader(void)
{
	for (unsigned i = 0; i < 3; i++)
		ring_reader_poll(&x.reader, i * 1000, i == 1 ? RING_POLL_OPEN : 0);
	end_side();
}

/* Returns the number of points; `fault`: what went wrong, or NULL. */
static uint32_t run(const struct schedule *schedule, const struct ring_walk_table *table,
	struct ring_scratch *scratch, const char **fault)
{
	void (*const sides[2])(void) = {run_producer, run_reader};
	uint64_t lost = 0;
	volatile int phase = 0;

	uint8_t *stacks[2] = {x.stacks[0], x.stacks[1]};

	memset(&x, 0, sizeof(x));
	x.schedule = schedule;
	interrupts_off = 0;
	user_depth = 0;
	x.running = -1; /* no points yet */
	x.interrupted = true;
	ht_producer_init(&x.producer, &x.ring, x.data, PACKET_BYTES, schedule->nr_packets,
		schedule->discard ? (const __u64 *)&x.read_packets : NULL);
	ring_reader_init(&x.reader,
		&(struct ring_reader_options){.ring = &x.ring,
			.data = x.data,
			.packet_bytes = PACKET_BYTES,
			.nr_packets = schedule->nr_packets,
			.read_packets = schedule->discard ? &x.read_packets : NULL,
			.table = table,
			.scratch = scratch,
			.packet = ring_check_packet,
			.context = &x.check});
	for (int i = 0; i < 2; i++) {
		x.stacks[i] = stacks[i];
		getcontext(&x.side[i]);
		x.side[i].uc_stack.ss_sp = x.stacks[i];
		x.side[i].uc_stack.ss_size = STACK_BYTES;
		makecontext(&x.side[i], sides[i], 0);
	}
	x.points = 0;
	x.interrupted = schedule->interrupt == NEVER;
	x.running = schedule->reader_first;
	getcontext(&x.main);
	if (phase++ == 0)
		setcontext(&x.side[x.running]);
	x.running = -1;
	x.interrupted = true;
	ring_reader_poll(&x.reader, RING_GRACE_NS * 10, RING_POLL_OPEN | RING_POLL_FINAL);
	ring_reader_count_lost(&x.reader);
	for (unsigned i = 0; i < TRACE_LOST_CAUSES; i++)
		lost += x.reader.lost[i];
	if (!x.check.fault && x.reader.lost[TRACE_LOST_DAMAGED])
		x.check.fault = "an honest producer's records were taken for damage";
	if (!x.check.fault && x.reader.recorded + lost != x.produced)
		x.check.fault = "recorded + lost is not what was produced";
	*fault = x.check.fault;
	return x.points;
}

static void show(const struct schedule *s, const char *fault)
{
	printf("%s: %s, %u packets, %u records, %s of %u at %u, changes at %u and %u, %s first\n", fault,
		s->discard ? "discard" : "overwrite", s->nr_packets, s->records, s->nmi ? "NMI" : "interrupt",
		s->nested, s->interrupt, s->change[0], s->change[1], s->reader_first ? "reader" : "producer");
	printf("produced %lu recorded %lu", x.produced, x.reader.recorded);
	for (unsigned i = 0; i < TRACE_LOST_CAUSES; i++)
		printf(" %s %lu", trace_lost_name(i), x.reader.lost[i]);
	printf("\n");
}

int main(int argc, char **argv)
{
	const uint32_t stride = argc > 1 ? (uint32_t)atoi(argv[1]) : 7;
	struct event_schema *schema = event_table_schema(EVENT_TABLE_TRACE, NULL);
	struct ring_scratch *scratch = ring_scratch_create(4096);
	struct ring_walk_table table;
	uint64_t schedules = 0;
	const char *fault = NULL;

	ring_walk_table_init(&table, schema);
	for (int i = 0; i < 2; i++)
		x.stacks[i] = malloc(STACK_BYTES);
	/* bits of kind: mode, NMI, who begins, size of the ring, how much the interrupt writes */
	for (uint32_t kind = 0; kind < 32 && !fault; kind++) {
		struct schedule s = {.change = {NEVER, NEVER},
			.interrupt = NEVER,
			.discard = kind & 1,
			.nmi = kind & 2,
			.reader_first = kind & 4,
			.nr_packets = kind & 8 ? 4 : 2,
			.records = kind & 8 ? 16 : 11,
			.nested = kind & 16 ? 4 : 1};
		const uint32_t points = run(&s, &table, scratch, &fault) + 20,
			       interrupts = x.producer_points + 1;

		for (uint32_t at = 0; at <= interrupts && !fault; at++) {
			s.interrupt = at ? at - 1 : NEVER;
			for (s.change[0] = 1; s.change[0] < points && !fault; s.change[0] += stride)
				for (s.change[1] = s.change[0] + 1; s.change[1] < points && !fault;
					s.change[1] += stride, schedules++)
					run(&s, &table, scratch, &fault);
		}
		if (fault) {
			s.change[1] -= stride;
			s.change[0] -= stride;
			show(&s, fault);
		}
	}
	printf("%lu schedules: %s\n", schedules, fault ? "FAILED" : "ok");
	event_schema_destroy(schema);
	ring_scratch_destroy(scratch);
	for (int i = 0; i < 2; i++)
		free(x.stacks[i]);
	return fault != NULL;
}
