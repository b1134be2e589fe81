/* SPDX-License-Identifier: MIT */
/*
 * A ring that is followed while it is written, overwritten, read by others, emptied and damaged: every event comes once
 * and in its place, or is counted at its place.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "host/collect/ftrace_ring.h"
#include "tests/unit/ring_maker.h"

static uint64_t random_state = 88172645463325252ull;

static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

struct follower {
	struct ring_maker maker;
	struct ftrace_memory memory;
	struct ftrace_callbacks callbacks;
	struct ftrace_ring ring;
	uint64_t expected; /* the number of the next event */
	uint64_t damaged, last_time;
	uint64_t stop_at; /* the event at which the callback says stop; UINT64_MAX: none */
	unsigned resets;
	bool is_damaging; /* events may be missing without being announced before */
};

static int take_record(void *context, uint32_t cpu, const struct ftrace_record *record)
{
	struct follower *follower = context;
	uint64_t number;

	assert_int_equal(cpu, 3);
	assert_int_equal(record->type, RING_MAKER_TYPE);
	assert_int_equal(record->pid, 4711);
	assert_true(record->bytes >= 16);
	memcpy(&number, record->data + 8, sizeof(number));
	assert_int_equal(number, follower->expected);
	assert_true(record->time >= follower->last_time && record->time <= follower->maker.time);
	follower->last_time = record->time;
	follower->expected++;
	return number == follower->stop_at ? -ECANCELED : 0;
}

static void take_lost(void *context, uint32_t cpu, uint64_t count, bool damaged)
{
	struct follower *follower = context;

	assert_int_equal(cpu, 3);
	assert_true(count > 0);
	follower->expected += count;
	if (damaged)
		follower->damaged += count;
}

static void take_change(void *context, enum ftrace_change change)
{
	fail();
}

static void begin(struct follower *follower, unsigned nr_pages)
{
	*follower = (struct follower){.stop_at = UINT64_MAX};
	ring_maker_init(&follower->maker, nr_pages);
	follower->memory = (struct ftrace_memory){.kernel = &follower->maker.kernel};
	follower->callbacks = (struct ftrace_callbacks){take_record, take_lost, take_change, follower};
}

static void attach(struct follower *follower, bool whole)
{
	ftrace_ring_init(&follower->ring, &follower->maker.layout, &follower->memory, &follower->callbacks, 3,
		follower->maker.address);
	assert_int_equal(ftrace_ring_start(&follower->ring, whole), 0);
	follower->expected = follower->ring.counts.before + follower->maker.written - follower->maker.entries;
}

static int poll_once(struct follower *follower)
{
	bool was_reset = false;
	uint32_t filled;
	int code = ftrace_ring_poll(&follower->ring, &filled, &was_reset);

	assert_true(filled <= 1000);
	follower->resets += was_reset;
	return code;
}

/* Nothing is left, and all is accounted for. */
static void finish(struct follower *follower)
{
	const struct ftrace_counts *counts = &follower->ring.counts;

	for (int i = 0; i < 4; i++)
		assert_int_equal(poll_once(follower), 0);
	assert_int_equal(follower->expected, follower->maker.written);
	assert_int_equal(
		counts->entries, counts->before + counts->recorded + counts->overwritten + counts->damaged);
	assert_int_equal(counts->damaged, follower->damaged);
	assert_int_equal(follower->ring.corrections, 0);
	ftrace_memory_deinit(&follower->memory);
	ring_maker_deinit(&follower->maker);
}

static void write_some(struct follower *follower, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (!random_below(16))
			ring_maker_discard(&follower->maker);
		ring_maker_write(&follower->maker, (unsigned)random_below(random_below(20) ? 12 : 60),
			random_below(30) ? random_below(5000) : random_below(UINT64_C(1) << 40));
	}
}

static void test_keeps_up(void **state)
{
	struct follower follower;

	begin(&follower, 8);
	attach(&follower, true);
	for (int i = 0; i < 400; i++) {
		write_some(&follower, (unsigned)random_below(90));
		assert_int_equal(poll_once(&follower), 0);
	}
	assert_int_equal(follower.ring.counts.overwritten, 0);
	assert_int_equal(follower.ring.counts.recorded, follower.maker.written);
	assert_true(follower.maker.overrun > 5000);
	finish(&follower);
}

static void test_whole(void **state)
{
	/* not full, just full, overwritten many times */
	static const unsigned counts[] = {0, 1, 100, 400, 1000, 10000};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct follower follower;

		begin(&follower, 32);
		write_some(&follower, counts[i]);
		attach(&follower, true);
		assert_int_equal(follower.ring.counts.before, follower.maker.overrun);
		finish(&follower);
		assert_int_equal(follower.ring.counts.overwritten, 0);
		assert_int_equal(follower.ring.counts.recorded, counts[i] - follower.maker.overrun);
	}
}

static void test_from_now_on(void **state)
{
	static const unsigned counts[] = {0, 1, 100, 5000};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct follower follower;

		begin(&follower, 16);
		write_some(&follower, counts[i]);
		attach(&follower, false);
		write_some(&follower, 50);
		finish(&follower);
		assert_int_equal(follower.ring.counts.before, counts[i]);
		assert_int_equal(follower.ring.counts.recorded, 50);
	}
}

static void test_overtaken(void **state)
{
	struct follower follower;

	begin(&follower, 5);
	attach(&follower, true);
	for (int i = 0; i < 60; i++) {
		write_some(&follower, (unsigned)random_below(2000));
		assert_int_equal(poll_once(&follower), 0);
	}
	assert_true(follower.ring.counts.overwritten > 20000);
	/* each time the ring, but for some pages behind the head, can be had */
	assert_true(follower.ring.counts.recorded > 60 * 100);
	finish(&follower);
}

/* Readers of the guest's own, at any pace, in any order with the writer and with us. */
static void test_readers(void **state)
{
	for (int round = 0; round < 25; round++) {
		struct follower follower;
		const bool whole = random_below(2);

		begin(&follower, 3 + (unsigned)random_below(20));
		write_some(&follower, (unsigned)random_below(3000));
		ring_maker_consume(&follower.maker, (unsigned)random_below(2000));
		attach(&follower, whole);
		for (int i = 0; i < 200; i++) {
			switch (random_below(6)) {
			case 0:
			case 1:
				write_some(&follower, (unsigned)random_below(random_below(8) ? 60 : 3000));
				break;
			case 2:
				ring_maker_consume(&follower.maker, (unsigned)random_below(200));
				break;
			case 3:
				ring_maker_steal(&follower.maker);
				break;
			default:
				assert_int_equal(poll_once(&follower), 0);
			}
		}
		finish(&follower);
	}
}

/* A reader that stands still with a page half taken out: nothing is taken from a place that is not certain. */
static void test_reader_at_work(void **state)
{
	for (int round = 0; round < 100; round++) {
		struct follower follower;

		begin(&follower, 4);
		attach(&follower, true);
		write_some(&follower, (unsigned)random_below(400));
		if (random_below(2))
			poll_once(&follower);
		ring_maker_consume(&follower.maker, 10000);
		write_some(&follower, (unsigned)random_below(400));
		if (random_below(2))
			poll_once(&follower);
		if (ring_maker_begin_swap(&follower.maker)) {
			assert_int_equal(poll_once(&follower), 0);
			ring_maker_end_swap(&follower.maker);
		}
		write_some(&follower, (unsigned)random_below(100));
		finish(&follower);
	}
}

static void test_reset(void **state)
{
	struct follower follower;
	uint64_t gone = 0;

	begin(&follower, 6);
	attach(&follower, true);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t unseen, seen_here;

		write_some(&follower, (unsigned)random_below(random_below(2) ? 3 : 1000));
		assert_int_equal(poll_once(&follower), 0);
		write_some(&follower, (unsigned)random_below(3));
		seen_here = follower.ring.look.entries;
		/* what was written between our last look and the reset nobody can know of */
		unseen = follower.maker.written - gone - follower.ring.counts.entries;
		gone += unseen;
		follower.expected += unseen;
		ring_maker_reset(&follower.maker);
		if (random_below(2))
			write_some(&follower, (unsigned)random_below(100));
		follower.resets = 0;
		follower.ring.expects_reset = true; /* the buffer's time_start is another one */
		assert_int_equal(poll_once(&follower), 0);
		assert_in_range(follower.resets, seen_here > 0, 1);
	}
	finish(&follower);
	assert_int_equal(follower.ring.counts.entries + gone, follower.maker.written);
}

static void test_damage(void **state)
{
	struct follower follower;

	begin(&follower, 8);
	attach(&follower, true);
	for (int i = 0; i < 50; i++) {
		write_some(&follower, (unsigned)random_below(100));
		if (random_below(2))
			assert_int_equal(poll_once(&follower), 0);
		ring_maker_damage(&follower.maker);
		write_some(&follower, 20 + (unsigned)random_below(100));
		assert_int_equal(poll_once(&follower), 0);
	}
	assert_true(follower.damaged > 0);
	assert_true(follower.ring.counts.recorded > 0);
	finish(&follower);
}

static void test_stop(void **state)
{
	struct follower follower;

	begin(&follower, 8);
	attach(&follower, true);
	write_some(&follower, 500);
	for (uint64_t at = 0; at < 500; at += 37) {
		follower.stop_at = at;
		assert_int_equal(poll_once(&follower), -ECANCELED);
		assert_int_equal(follower.expected, at + 1);
	}
	follower.stop_at = UINT64_MAX;
	finish(&follower);
	assert_int_equal(follower.ring.counts.recorded, 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keeps_up),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_from_now_on),
		cmocka_unit_test(test_overtaken),
		cmocka_unit_test(test_readers),
		cmocka_unit_test(test_reader_at_work),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
