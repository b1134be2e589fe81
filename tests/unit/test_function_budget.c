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
	uint64_t tsc, now_ns;
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

/* What was put becomes a packet of a CPU's, `times` over in the second that begins now. */
static void flush_cpu(struct packets *p, unsigned times, uint32_t cpu)
{
	for (unsigned i = 0; i < times; i++)
		function_budget_packet(&p->budget, cpu,
			&(struct ring_packet){.buffer = p->buffer,
				.bytes = p->bytes,
				.events = p->events,
				.begin_tsc = p->now_ns + SECOND / times * i,
				.end_tsc = p->now_ns + SECOND / times * (i + 1)});
}

static void put_away(struct packets *p)
{
	p->bytes = p->events = 0;
}

static void flush(struct packets *p, unsigned times)
{
	flush_cpu(p, times, 0);
	put_away(p);
}

static int setup(void **state)
{
	struct packets *p = calloc(1, sizeof(*p));

	p->schema = event_table_schema(EVENT_TABLE_TRACE, NULL);
	ring_walk_table_init(&p->table, p->schema);
	assert_int_equal(
		function_budget_init(&p->budget,
			&(struct function_budget_options){
				.share = 0.05, .tsc_khz = KHZ, .text_address = TEXT, .table = &p->table}),
		0);
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

/* A first packet may have been begun before the wishes in force: it says nothing. */
static void skip_first(struct packets *p, uint32_t cpu)
{
	const struct ring_packet packet = {.buffer = p->buffer, .end_tsc = p->now_ns};

	function_budget_packet(&p->budget, cpu, &packet);
}

static void begin(struct packets *p)
{
	struct function_budget_step step;

	p->now_ns += SECOND;
	assert_false(function_budget_look(&p->budget, p->now_ns, &step));
	skip_first(p, 0);
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
	assert_false(step.is_off);
}

static bool names(const struct function_budget_step *step, uint32_t address)
{
	for (uint32_t i = 0; i < step->count; i++)
		if (step->addresses[i] == address)
			return true;
	return false;
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
	assert_in_range((uint64_t)(step.least_part * 1000), 499, 501);

	/* what is still in the rings says nothing, nor does the packet that was open then */
	for (int i = 0; i < 100; i++)
		put_turn(p);
	flush(p, 1600);
	p->now_ns += SECOND / 20;
	assert_false(function_budget_look(&p->budget, p->now_ns, &step));
	p->now_ns += SECOND / 10;
	skip_first(p, 0);

	for (int i = 0; i < 100; i++)
		call(p, CALLER);
	flush(p, 10000); /* 2,000,000 events: 10 % */
	assert_true(look(p, &step));
	assert_int_equal(step.count, 1);
	assert_int_equal(step.addresses[0], CALLER);
	assert_int_equal(p->budget.nr_dropped, 2);
}

/* Of an even profile as many go as it takes at once, those that become leaves by that, too. */
static void test_flat(void **state)
{
	enum { LEAVES = 200, CALLERS = 50, RARE = 20 };
	struct packets *p = *state;
	struct function_budget_step step;

	begin(p);
	for (uint32_t i = 0; i < LEAVES; i++) {
		const uint32_t caller = TEXT + 0x8000 + 4 * (i % CALLERS);

		enter(p, caller);
		call(p, TEXT + 0x4000 + 4 * i);
		call(p, TEXT + 0x4000 + 4 * i);
		leave(p);
		if (i % (LEAVES / RARE) == 0)
			call(p, TEXT + 0xc000 + 4 * i);
	}
	flush(p, 5000); /* 6,200,000 events of 50 ns: 31 % */
	assert_true(look(p, &step));
	assert_in_range((uint64_t)(step.share * 100), 30, 32);
	/* without their leaves callers are more worth leaving out than what is called rarely: that stays */
	assert_in_range(step.count, LEAVES, LEAVES + CALLERS - 1);
	for (uint32_t i = 0; i < CALLERS; i++)
		assert_true(names(&step, TEXT + 0x8000 + 4 * i));
	for (uint32_t i = 0; i < LEAVES; i++)
		assert_false(names(&step, TEXT + 0xc000 + 4 * i));
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

/* The same load on both of two vCPUs, and on one of two, which is half of it. */
static void test_cpus(void **state)
{
	struct packets *p = *state;
	struct function_budget_step step;

	begin(p);
	skip_first(p, 1);
	for (int i = 0; i < 100; i++)
		put_turn(p);
	flush_cpu(p, 1000, 0);
	flush_cpu(p, 1000, 1);
	assert_true(p->budget.cpus[0].sampled && p->budget.cpus[1].sampled);
	assert_true(look(p, &step));
	assert_in_range((uint64_t)(step.share * 1e6), 38000, 42000);
	flush_cpu(p, 1000, 0);
	assert_true(look(p, &step));
	assert_in_range((uint64_t)(step.share * 1e6), 19000, 21500);
}

/* A function that the guest goes on with though it is left out: nothing helps but an end. */
static void test_off(void **state)
{
	struct packets *p = *state;
	struct function_budget_step step;

	begin(p);
	for (int i = 0; i < 100; i++)
		call(p, LEAF);
	flush_cpu(p, 10000, 0);
	assert_true(look(p, &step));
	assert_int_equal(step.count, 1);
	p->now_ns += SECOND / 10;
	skip_first(p, 0);
	for (int i = 0; i < 10; i++) {
		assert_false(step.is_off);
		flush_cpu(p, 10000, 0);
		assert_true(look(p, &step));
		assert_int_equal(step.count, 0);
	}
	assert_true(step.is_off);
	flush(p, 10000);
	assert_true(look(p, &step));
	assert_false(step.is_off);
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
		cmocka_unit_test_setup_teardown(test_flat, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cpus, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
