/* SPDX-License-Identifier: MIT */
/* Nested interrupts: own time, time with what interrupted it, delays, gaps. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "lib/analysis/interrupts.h"

static int setup(void **state)
{
	struct interrupts *interrupts = calloc(1, sizeof(*interrupts));

	assert_int_equal(interrupts_init(interrupts, 2), 0);
	*state = interrupts;
	return 0;
}

static int teardown(void **state)
{
	interrupts_deinit(*state);
	free(*state);
	return 0;
}

static void leave(struct interrupts *i, uint32_t cpu, enum interrupt_kind kind, uint64_t key, uint64_t now)
{
	interrupts_exit(i, cpu, kind, key, 42, true, now);
}

static const struct interrupt_row *row(struct interrupts *i, enum interrupt_kind kind, uint64_t key)
{
	return capped_table_at(&i->rows[kind], key);
}

/* A softirq, in it a timer's function, in that a hard interrupt; then another one outside the function. */
static void test_nested(void **state)
{
	struct interrupts *i = *state;

	interrupts_enter(i, 0, INTERRUPT_SOFT, 1, 1000);
	interrupts_enter(i, 0, INTERRUPT_TIMER, 0xabc, 1100);
	interrupts_enter(i, 0, INTERRUPT_HARD, 9, 1150);
	interrupts_enter(i, 1, INTERRUPT_HARD, 9, 1155); /* another CPU is another stack */
	leave(i, 0, INTERRUPT_HARD, 9, 1170);
	leave(i, 0, INTERRUPT_TIMER, INTERRUPT_KEY_ANY, 1200);
	interrupts_enter(i, 0, INTERRUPT_HARD, 9, 1300);
	leave(i, 0, INTERRUPT_HARD, 9, 1305);
	leave(i, 0, INTERRUPT_SOFT, 1, 1400);
	assert_int_equal(row(i, INTERRUPT_HARD, 9)->own.histogram.sum, 25);
	assert_int_equal(row(i, INTERRUPT_HARD, 9)->own.histogram.count, 2);
	assert_int_equal(row(i, INTERRUPT_TIMER, 0xabc)->own.histogram.sum, 80);
	assert_int_equal(row(i, INTERRUPT_TIMER, 0xabc)->elapsed_ns, 100);
	/* the function is the softirq's own work, both hard interrupts are not */
	assert_int_equal(row(i, INTERRUPT_SOFT, 1)->own.histogram.sum, 400 - 25);
	assert_int_equal(row(i, INTERRUPT_SOFT, 1)->elapsed_ns, 400);
	assert_int_equal(row(i, INTERRUPT_SOFT, 1)->own.max_pid, 42);
	assert_int_equal(i->unmatched, 0);
}

static void test_delay(void **state)
{
	struct interrupts *i = *state;
	const struct interrupt_delay *delay;

	interrupts_raise(i, 0, 3, 100);
	interrupts_raise(i, 0, 3, 150);   /* the first counts */
	interrupts_raise(i, 0, 200, 150); /* no such vector */
	interrupts_enter(i, 0, INTERRUPT_SOFT, 3, 180);
	leave(i, 0, INTERRUPT_SOFT, 3, 190);
	interrupts_enter(i, 0, INTERRUPT_SOFT, 3, 280); /* not raised in the trace */
	assert_int_equal(i->delays.count, 1);
	delay = capped_table_row(&i->delays, 0);
	assert_int_equal(delay->delay.histogram.count, 1);
	assert_int_equal(delay->delay.histogram.sum, 80);
}

static void test_gap(void **state)
{
	struct interrupts *i = *state;

	interrupts_enter(i, 0, INTERRUPT_HARD, 9, 100);
	interrupts_raise(i, 0, 3, 100);
	interrupts_enter(i, 1, INTERRUPT_HARD, 8, 100);
	interrupts_lost(i, 0);
	leave(i, 0, INTERRUPT_HARD, 9, 500);
	interrupts_enter(i, 0, INTERRUPT_SOFT, 3, 600);
	leave(i, 1, INTERRUPT_HARD, 8, 110); /* nothing was lost there */
	assert_int_equal(row(i, INTERRUPT_HARD, 9)->own.histogram.count, 0);
	assert_int_equal(row(i, INTERRUPT_HARD, 8)->own.histogram.sum, 10);
	assert_int_equal(i->delays.count, 0);
	assert_int_equal(i->unmatched, 1);
}

static void test_missing_exits(void **state)
{
	struct interrupts *i = *state;

	/* the inner one's exit is not there: it is dropped with the outer one's */
	interrupts_enter(i, 0, INTERRUPT_SOFT, 1, 100);
	interrupts_enter(i, 0, INTERRUPT_HARD, 9, 110);
	leave(i, 0, INTERRUPT_SOFT, 1, 200);
	assert_int_equal(row(i, INTERRUPT_SOFT, 1)->own.histogram.sum, 100);
	assert_int_equal(i->unmatched, 1);
	/* entries only, for ever */
	for (uint64_t n = 0; n < 10000; n++)
		interrupts_enter(i, 0, INTERRUPT_HARD, n, 300 + n);
	assert_true(i->unmatched > 9000);
}

static void test_time_goes_back(void **state)
{
	struct interrupts *i = *state;

	interrupts_enter(i, 0, INTERRUPT_HARD, 9, 100);
	leave(i, 0, INTERRUPT_HARD, 9, 50);
	/* an inner one that claims to take longer than the outer one */
	interrupts_enter(i, 0, INTERRUPT_SOFT, 1, 100);
	interrupts_enter(i, 0, INTERRUPT_HARD, 9, 50);
	leave(i, 0, INTERRUPT_HARD, 9, 150);
	leave(i, 0, INTERRUPT_SOFT, 1, 160);
	assert_int_equal(i->backwards, 2);
	assert_int_equal(row(i, INTERRUPT_SOFT, 1)->own.histogram.count, 0);
}

static void test_wanted_and_minimum(void **state)
{
	struct interrupts *i = *state;

	i->min_ns[INTERRUPT_HARD] = 20;
	interrupts_enter(i, 0, INTERRUPT_HARD, 9, 100);
	leave(i, 0, INTERRUPT_HARD, 9, 110);
	interrupts_enter(i, 0, INTERRUPT_HARD, 9, 200);
	interrupts_exit(i, 0, INTERRUPT_HARD, 9, 42, false, 290);
	interrupts_span(i, 0, INTERRUPT_HARD, 9, 42, 19, 300);
	assert_int_equal(i->rows[INTERRUPT_HARD].count, 0);
	interrupts_span(i, 0, INTERRUPT_HARD, 9, 42, 33, 400);
	assert_int_equal(row(i, INTERRUPT_HARD, 9)->own.histogram.count, 1);
	assert_int_equal(row(i, INTERRUPT_HARD, 9)->own.histogram.max, 33);
}

static void test_made_up_keys_share_a_row(void **state)
{
	struct interrupts *i = *state;
	const struct interrupt_row *others;

	for (uint64_t key = 1; key <= 100000; key++)
		interrupts_span(i, 0, INTERRUPT_TIMER, key * 4096, 0, 5, 100);
	others = i->rows[INTERRUPT_TIMER].others;
	assert_int_equal(others->key, CAPPED_TABLE_OTHERS);
	assert_int_equal(others->own.histogram.count + i->rows[INTERRUPT_TIMER].count, 100000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_nested),
		TEST(test_delay),
		TEST(test_gap),
		TEST(test_missing_exits),
		TEST(test_time_goes_back),
		TEST(test_wanted_and_minimum),
		TEST(test_made_up_keys_share_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
