/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "host/collect/event_table.h"
#include "host/collect/function_budget.h"

#define KHZ    1000000u /* a TSC unit is a ns */
#define COST   50u
#define SECOND 1000000000ull

/* Low halves; the caller is a module's. */
enum { TEXT = 0x1000000, LEAF = TEXT + 0x1000, WARM_LEAF = TEXT + 0x2000, CALLER = TEXT + 0x40003000 };

struct packets {
	struct event_schema *schema;
	struct ring_walk_table table;
	struct function_budget budget;
	uint8_t buffer[RING_HEADROOM_BYTES + 65536];
	uint32_t bytes, events;
	uint64_t begin_tsc, tsc, now_ns;
};

static void put(struct packets *p, uint32_t id, uint32_t value, uint32_t bytes, uint32_t after)
{
	uint8_t *at = p->buffer + RING_HEADROOM_BYTES + p->bytes;
	uint32_t head;

	p->tsc += after;
	head = id | (uint32_t)(p->tsc << 5);
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), &value, bytes);
	p->bytes += sizeof(head) + bytes;
	p->events++;
}

/* In the layout that the module writes. */
static void enter(struct packets *p, uint32_t address)
{
	const uint32_t words = (address - TEXT) / HT_CODE_WORD_BYTES;

	if (words >> EVENT_CODE_WORD_BITS)
		put(p, EVENT_ID_func_entry, address, 4, COST);
	else
		put(p, EVENT_ID_func_entry_text, words, 3, COST);
}

static void leave(struct packets *p)
{
	put(p, EVENT_ID_func_exit, 0, 0, COST);
}

static void call(struct packets *p, uint32_t address)
{
	enter(p, address);
	leave(p);
}

/* What was put becomes a packet, `times` over. */
static void flush(struct packets *p, unsigned times)
{
	const struct ring_packet packet = {.buffer = p->buffer,
		.bytes = p->bytes,
		.events = p->events,
		.begin_tsc = p->begin_tsc,
		.end_tsc = p->tsc};

	while (times--)
		function_budget_packet(&p->budget, 0, &packet);
	p->bytes = p->events = 0;
	p->begin_tsc = p->tsc;
}

static int setup(void **state)
{
	struct packets *p = calloc(1, sizeof(*p));

	p->schema = event_table_schema(EVENT_TABLE_TRACE, NULL);
	ring_walk_table_init(&p->table, p->schema);
	function_budget_init(&p->budget,
		&(struct function_budget_options){
			.share = 0.05, .tsc_khz = KHZ, .text_address = TEXT, .table = &p->table});
	p->now_ns = SECOND;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct packets *p = *state;

	function_budget_deinit(&p->budget);
	event_schema_destroy(p->schema);
	free(p);
	return 0;
}

static void begin(struct packets *p)
{
	struct function_budget_step step;

	p->now_ns += SECOND;
	assert_false(function_budget_look(&p->budget, p->now_ns, &step));
}

static bool look(struct packets *p, struct function_budget_step *step)
{
	p->now_ns += SECOND;
	return function_budget_look(&p->budget, p->now_ns, step);
}

/* 9 events a turn, of which LEAF has 4, WARM_LEAF 2, CALLER 2. */
static void put_turn(struct packets *p)
{
	enter(p, CALLER);
	call(p, LEAF);
	call(p, LEAF);
	call(p, WARM_LEAF);
	leave(p);
	put(p, EVENT_ID_hrtimer_expire_exit, 0, 0, COST);
}

static void test_below(void **state)
{
	struct packets *p = *state;
	struct function_budget_step step;

	begin(p);
	for (int i = 0; i < 100; i++)
		put_turn(p);
	flush(p, 10);
	assert_true(look(p, &step));
	/* 8,000 events of 50 ns in a second */
	assert_in_range((uint64_t)(step.share * 1e6), 380, 420);
	assert_int_equal(step.count, 0);
	assert_false(step.is_exhausted);
}

static void test_above(void **state)
{
	struct packets *p = *state;
	struct function_budget_step step;

	begin(p);
	for (int i = 0; i < 100; i++)
		put_turn(p);
	flush(p, 1600); /* 1,280,000 events of 50 ns: 6.4 % */
	assert_true(look(p, &step));
	assert_in_range((uint64_t)(step.share * 1e6), 61000, 67000);
	/* without LEAF it is 3.2 % */
	assert_int_equal(step.count, 1);
	assert_int_equal(step.addresses[0], LEAF);

	/* what is still in the rings says nothing */
	for (int i = 0; i < 100; i++)
		put_turn(p);
	flush(p, 1600);
	p->now_ns += SECOND / 4;
	assert_false(function_budget_look(&p->budget, p->now_ns, &step));

	/* without leaves the caller is one */
	p->now_ns += SECOND / 10;
	assert_false(function_budget_look(&p->budget, p->now_ns, &step));
	for (int i = 0; i < 100; i++)
		call(p, CALLER);
	flush(p, 10000); /* 2,000,000 events: 10 % */
	assert_true(look(p, &step));
	assert_int_equal(step.count, 1);
	assert_int_equal(step.addresses[0], CALLER);
	assert_int_equal(p->budget.nr_dropped, 2);
}

static void test_entries_only(void **state)
{
	struct packets *p = *state;
	struct function_budget_step step;

	begin(p);
	for (int i = 0; i < 100; i++) {
		enter(p, CALLER);
		enter(p, LEAF);
		enter(p, LEAF);
	}
	flush(p, 5000);
	assert_true(look(p, &step));
	assert_int_equal(step.count, 1);
	assert_int_equal(step.addresses[0], LEAF);
}

static void test_exhausted(void **state)
{
	struct packets *p = *state;
	struct function_budget_step step;

	/* no exit follows its entry: nothing is a leaf */
	begin(p);
	for (int i = 0; i < 100; i++) {
		enter(p, CALLER);
		put(p, EVENT_ID_hrtimer_expire_exit, 0, 0, COST);
		leave(p);
	}
	flush(p, 10000);
	assert_true(look(p, &step));
	assert_int_equal(step.count, 0);
	assert_true(step.is_exhausted);
}

static void test_garbage(void **state)
{
	struct packets *p = *state;
	struct function_budget_step step;

	begin(p);
	srand(1);
	for (int turn = 0; turn < 2000; turn++) {
		for (uint32_t i = 0; i < 512; i++)
			p->buffer[RING_HEADROOM_BYTES + i] = (uint8_t)rand();
		p->bytes = 512;
		p->events = 50;
		flush(p, 1);
	}
	assert_true(look(p, &step));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_below, setup, teardown),
		cmocka_unit_test_setup_teardown(test_above, setup, teardown),
		cmocka_unit_test_setup_teardown(test_entries_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exhausted, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
