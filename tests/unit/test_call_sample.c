/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "host/collect/call_sample.h"

enum { TOP = 1, MIDDLE, LEAF, SLEEPER };

static int setup(void **state)
{
	static struct call_sample sample;

	*state = &sample;
	return call_sample_init(&sample);
}

static int teardown(void **state)
{
	call_sample_deinit(*state);
	return 0;
}

static void put(struct call_sample *sample, const uint32_t *functions, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		call_sample_enter(sample, functions[i]);
	for (unsigned i = 0; i < depth; i++)
		call_sample_leave(sample);
}

static uint32_t take_out_least(struct call_sample *sample)
{
	uint32_t address = 0;

	assert_true(call_sample_least_worth(sample, &address));
	assert_int_not_equal(call_sample_take_out(sample, address), 0);
	return address;
}

/* From the inside to the outside: each is a leaf once what it calls is gone. */
static void test_chain(void **state)
{
	struct call_sample *sample = *state;
	uint32_t address;

	for (int i = 0; i < 10; i++)
		put(sample, (uint32_t[]){TOP, MIDDLE, LEAF}, 3);
	assert_int_equal(take_out_least(sample), LEAF);
	assert_int_equal(sample->functions[1].leaves, 10);
	assert_int_equal(sample->functions[0].leaves, 0);
	assert_int_equal(take_out_least(sample), MIDDLE);
	assert_int_equal(sample->functions[0].leaves, 10);
	assert_int_equal(take_out_least(sample), TOP);
	assert_false(call_sample_least_worth(sample, &address));
	assert_int_equal(call_sample_take_out(sample, TOP), 0);
	call_sample_clear(sample);
	assert_false(call_sample_least_worth(sample, &address));
}

/* Without the one between, what it called is called by the one around, which is no leaf then. */
static void test_middle(void **state)
{
	struct call_sample *sample = *state;

	put(sample, (uint32_t[]){TOP, MIDDLE, LEAF}, 3);
	put(sample, (uint32_t[]){TOP, MIDDLE}, 2);
	assert_int_equal(call_sample_take_out(sample, MIDDLE), 4);
	assert_int_equal(sample->functions[0].leaves, 1);
	assert_int_equal(call_sample_take_out(sample, LEAF), 2);
	assert_int_equal(sample->functions[0].leaves, 2);
}

static void test_recursion(void **state)
{
	struct call_sample *sample = *state;

	put(sample, (uint32_t[]){TOP, MIDDLE, MIDDLE, MIDDLE, LEAF}, 5);
	assert_int_equal(call_sample_take_out(sample, MIDDLE), 6);
	assert_int_equal(sample->functions[0].leaves, 0);
	assert_int_equal(call_sample_take_out(sample, LEAF), 2);
	assert_int_equal(sample->functions[0].leaves, 1);
}

/* A leaf of six calls, one that is no leaf of ten: the leaf first. Of a hundred: that one. */
static void test_worth(void **state)
{
	struct call_sample *sample = *state;

	for (int i = 0; i < 10; i++)
		call_sample_enter(sample, SLEEPER), call_sample_break(sample);
	for (int i = 0; i < 6; i++)
		put(sample, (uint32_t[]){LEAF}, 1);
	assert_int_equal(take_out_least(sample), LEAF);
	call_sample_clear(sample);
	for (int i = 0; i < 100; i++)
		call_sample_enter(sample, SLEEPER), call_sample_break(sample);
	for (int i = 0; i < 6; i++)
		put(sample, (uint32_t[]){LEAF}, 1);
	assert_int_equal(take_out_least(sample), SLEEPER);
}

/* More than there is room for, exits without entries: no more than that it is not known. */
static void test_limits(void **state)
{
	struct call_sample *sample = *state;
	uint32_t address;

	for (int i = 0; i < 10; i++)
		call_sample_leave(sample);
	assert_false(call_sample_least_worth(sample, &address));
	for (uint32_t i = 0; i < CALL_SAMPLE_FUNCTIONS + 10; i++)
		call_sample_enter(sample, i);
	assert_int_equal(sample->nr_functions, CALL_SAMPLE_FUNCTIONS);
	for (uint32_t i = 0; i < CALL_SAMPLE_CALLS; i++)
		call_sample_enter(sample, 1);
	assert_int_equal(sample->nr_calls, CALL_SAMPLE_CALLS);
	assert_int_equal(call_sample_take_out(sample, 1), CALL_SAMPLE_CALLS - CALL_SAMPLE_FUNCTIONS + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_chain, setup, teardown),
		cmocka_unit_test_setup_teardown(test_middle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_recursion, setup, teardown),
		cmocka_unit_test_setup_teardown(test_worth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
