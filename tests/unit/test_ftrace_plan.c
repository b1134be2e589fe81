/* SPDX-License-Identifier: MIT */
/* Records of a guest's ftrace, made by hand and at random: what is read of their copies in a trace is what was in them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/event_table.h"
#include "host/collect/ftrace_plan.h"
#include "host/collect/ftrace_step.h"

#define TYPE         77
#define FIELDS_MAX   12
#define RECORD_BYTES 256
#define ENTRY_BYTES  8 /* struct trace_entry */
#define ROUNDS       3000

struct fixture {
	struct ftrace_events events;
	struct ftrace_selection selection;
	struct event_schema *known;
	struct ftrace_plans plans;
	struct ftrace_event *event;
	uint8_t data[RECORD_BYTES + 8]; /* what is behind the record is not to be read */
	uint8_t *out;
	uint32_t bytes; /* of the record */
};

static void begin(struct fixture *fixture, const char *name)
{
	uint64_t *place;

	*fixture = (struct fixture){.known = event_table_schema(EVENT_TABLE_TRACE, NULL)};
	assert_non_null(fixture->known);
	fixture->event = calloc(1, sizeof(*fixture->event) + FIELDS_MAX * sizeof(struct ftrace_field));
	assert_non_null(fixture->event);
	fixture->event->type = TYPE;
	snprintf(fixture->event->name, sizeof(fixture->event->name), "%s", name);
	place = hash_map_put(&fixture->events.by_type, TYPE);
	assert_non_null(place);
	*place = (uintptr_t)fixture->event;
	assert_int_equal(ftrace_plans_init(&fixture->plans, &fixture->events, &fixture->selection,
				 fixture->known, NULL),
		0);
	fixture->out = malloc(FTRACE_PAYLOAD_MAX + 8);
	assert_non_null(fixture->out);
	fixture->bytes = ENTRY_BYTES;
}

static void end(struct fixture *fixture)
{
	ftrace_plans_deinit(&fixture->plans);
	hash_map_deinit(&fixture->events.by_type);
	event_schema_destroy(fixture->known);
	free(fixture->event);
	free(fixture->out);
}

/* Appends a field, aligned as a struct's. */
static struct ftrace_field *add(struct fixture *fixture, const char *name, enum ftrace_field_kind kind,
	uint32_t bytes, bool is_signed)
{
	const uint32_t align = kind == FTRACE_FIELD_CHARS ? 1 : bytes > 8 ? 8 : bytes;
	struct ftrace_field *field = &fixture->event->fields[fixture->event->nr_fields++];

	assert_true(fixture->event->nr_fields <= FIELDS_MAX);
	*field = (struct ftrace_field){.kind = kind, .bytes = bytes, .is_signed = is_signed};
	snprintf(field->name, sizeof(field->name), "%s", name);
	field->offset = (fixture->bytes + align - 1) / align * align;
	fixture->bytes = field->offset + bytes;
	assert_true(fixture->bytes <= RECORD_BYTES);
	return field;
}

static void set(struct fixture *fixture, const char *name, int64_t value)
{
	for (uint32_t i = 0; i < fixture->event->nr_fields; i++)
		if (!strcmp(fixture->event->fields[i].name, name))
			memcpy(fixture->data + fixture->event->fields[i].offset, &value,
				fixture->event->fields[i].bytes);
}

/* The layout it took; its payload is in fixture->out, with nothing of what was there before. */
static const struct event_type *encode(struct fixture *fixture, uint32_t *used)
{
	const struct ftrace_record record = {.type = TYPE, .data = fixture->data, .bytes = fixture->bytes};
	const struct ftrace_plan *plan = ftrace_plans_find(&fixture->plans, TYPE);

	assert_non_null(plan);
	assert_true(plan->need_bytes <= fixture->bytes);
	memset(fixture->out, 0xa5, FTRACE_PAYLOAD_MAX + 8);
	*used = ftrace_plan_encode(&plan, &record, fixture->out);
	return fixture->plans.schema->types[plan->id];
}

static int64_t value_of(const struct fixture *fixture, const struct event_type *type, const char *name)
{
	const struct event_field *field = event_type_find_field(type, name);

	assert_non_null(field);
	return event_field_signed(field, fixture->out);
}

static void test_sched_switch(void **state)
{
	static const char comm[16] = "next";
	struct fixture fixture;
	uint32_t used;

	begin(&fixture, "sched_switch");
	add(&fixture, "prev_comm", FTRACE_FIELD_CHARS, 16, true);
	add(&fixture, "prev_pid", FTRACE_FIELD_INTEGER, 4, true);
	add(&fixture, "prev_prio", FTRACE_FIELD_INTEGER, 4, true);
	add(&fixture, "prev_state", FTRACE_FIELD_INTEGER, 8, true);
	memcpy(fixture.data + add(&fixture, "next_comm", FTRACE_FIELD_CHARS, 16, true)->offset, comm, 16);
	add(&fixture, "next_pid", FTRACE_FIELD_INTEGER, 4, true);
	add(&fixture, "next_prio", FTRACE_FIELD_INTEGER, 4, true);
	set(&fixture, "next_pid", 4194303);
	set(&fixture, "prev_state", 256);
	set(&fixture, "next_prio", -1);
	const struct event_type *type = encode(&fixture, &used);
	assert_int_equal(used, 5);
	assert_int_equal(value_of(&fixture, type, "next_pid"), 4194303);
	assert_int_equal(value_of(&fixture, type, "prev_state"), 256);
	assert_int_equal(value_of(&fixture, type, "next_prio"), -1);
	end(&fixture);
}

/* The narrowest of three layouts that holds the result. */
static void test_sys_exit(void **state)
{
	static const struct {
		int64_t ret;
		uint32_t bytes;
	} cases[] = {{0, 1}, {127, 1}, {-128, 1}, {128, 4}, {-129, 4}, {INT32_MAX, 4}, {INT32_MIN, 4},
		{(int64_t)INT32_MAX + 1, 10}, {INT64_MIN, 10}, {INT64_MAX, 10}};
	struct fixture fixture;

	begin(&fixture, "sys_exit");
	add(&fixture, "id", FTRACE_FIELD_INTEGER, 8, true);
	add(&fixture, "ret", FTRACE_FIELD_INTEGER, 8, true);
	set(&fixture, "id", 110);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t used;
		const struct event_type *type;

		set(&fixture, "ret", cases[i].ret);
		type = encode(&fixture, &used);
		assert_int_equal(used, cases[i].bytes);
		assert_true(value_of(&fixture, type, "ret") == cases[i].ret);
		if (event_type_find_field(type, "nr"))
			assert_int_equal(value_of(&fixture, type, "nr"), 110);
	}
	end(&fixture);
}

static void test_arguments(void **state)
{
	struct fixture fixture;
	struct ftrace_field *args;
	uint32_t used;

	begin(&fixture, "sys_enter");
	fixture.selection.syscall_args = true;
	add(&fixture, "id", FTRACE_FIELD_INTEGER, 8, true);
	args = add(&fixture, "args", FTRACE_FIELD_ARRAY, 48, false);
	set(&fixture, "id", 500);
	for (uint64_t i = 0; i < 6; i++) {
		const uint64_t value = UINT64_C(0x8877665544332211) + i;

		memcpy(fixture.data + args->offset + 8 * i, &value, sizeof(value));
	}
	const struct event_type *type = encode(&fixture, &used);
	assert_string_equal(type->name, "sys_enter_args");
	assert_int_equal(used, 50);
	assert_int_equal(value_of(&fixture, type, "nr"), 500);
	for (int i = 0; i < 6; i++) {
		char name[8];

		snprintf(name, sizeof(name), "arg%d", i);
		assert_true((uint64_t)value_of(&fixture, type, name) ==
			UINT64_C(0x8877665544332211) + (uint64_t)i);
	}
	end(&fixture);
}

/* The path's last part is the name; the path itself is behind it. */
static void test_exec(void **state)
{
	static const char path[] = "/usr/bin/program";
	struct fixture fixture;
	const struct event_type *type;
	const uint8_t *tail;
	uint32_t used, bytes;

	begin(&fixture, "sched_process_exec");
	add(&fixture, "filename", FTRACE_FIELD_DYNAMIC_TEXT, 4, true);
	add(&fixture, "pid", FTRACE_FIELD_INTEGER, 4, true);
	add(&fixture, "old_pid", FTRACE_FIELD_INTEGER, 4, true);
	set(&fixture, "filename", fixture.bytes | (int64_t)sizeof(path) << 16);
	set(&fixture, "pid", 11);
	set(&fixture, "old_pid", 12);
	memcpy(fixture.data + fixture.bytes, path, sizeof(path));
	fixture.bytes += sizeof(path);
	type = encode(&fixture, &used);
	assert_int_equal(value_of(&fixture, type, "pid"), 11);
	assert_int_equal(value_of(&fixture, type, "old_pid"), 12);
	assert_memory_equal(fixture.out + event_type_find_field(type, "comm")->byte_offset,
		"program\0\0\0\0\0\0\0\0\0", 16);
	tail = event_field_tail(event_type_find_field(type, "filename"), fixture.out, &bytes);
	assert_int_equal(bytes, sizeof(path) - 1);
	assert_memory_equal(tail, path, bytes);
	assert_ptr_equal(tail + bytes, fixture.out + used);
	end(&fixture);
}

/* Texts of any lengths, none of them too: each has its length in front. */
static void test_two_texts(void **state)
{
	static const char *const texts[][2] = {{"", "second"}, {"first", ""}, {"", ""}, {"first", "second"}};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fixture fixture;
		const struct event_type *type;
		uint32_t used, end_of = 0;

		begin(&fixture, "an_event");
		add(&fixture, "one", FTRACE_FIELD_DYNAMIC_TEXT, 4, true);
		add(&fixture, "two", FTRACE_FIELD_DYNAMIC_TEXT, 4, true);
		for (size_t j = 0; j < 2; j++) {
			const size_t bytes = strlen(texts[i][j]) + 1;

			set(&fixture, j ? "two" : "one", fixture.bytes | (int64_t)bytes << 16);
			memcpy(fixture.data + fixture.bytes, texts[i][j], bytes);
			fixture.bytes += (uint32_t)bytes;
		}
		type = encode(&fixture, &used);
		for (size_t j = 0; j < 2; j++) {
			uint32_t bytes;
			const uint8_t *tail = event_field_tail(
				event_type_find_field(type, j ? "two" : "one"), fixture.out, &bytes);

			assert_int_equal(bytes, strlen(texts[i][j]));
			assert_memory_equal(tail, texts[i][j], bytes);
			end_of = (uint32_t)(tail + bytes - fixture.out);
		}
		assert_int_equal(end_of, used);
		end(&fixture);
	}
}

/* A guest may say that a field lies anywhere: what is read lies in the record all the same. */
static void test_far_fields(void **state)
{
	static const uint32_t places[] = {32767, 32768, 65520, 65530, 65535, 65536, UINT32_MAX - 8};
	static const char *const names[] = {
		"sched_switch", "irq_handler_entry", "sys_enter", "sched_process_exec"};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) * 16; i++) {
		struct fixture fixture;
		const struct ftrace_plan *plan;

		begin(&fixture, names[i / 4 % 4]);
		fixture.selection.syscall_args = true;
		add(&fixture, "prev_comm", FTRACE_FIELD_CHARS, 16, true);
		add(&fixture, "next_comm", FTRACE_FIELD_CHARS, 16, true);
		add(&fixture, "next_pid", FTRACE_FIELD_INTEGER, 4, true);
		add(&fixture, "irq", FTRACE_FIELD_INTEGER, 4, true);
		add(&fixture, "name", FTRACE_FIELD_DYNAMIC_TEXT, 4, true);
		add(&fixture, "id", FTRACE_FIELD_INTEGER, 8, true);
		add(&fixture, "args", FTRACE_FIELD_ARRAY, 48, true);
		add(&fixture, "filename", FTRACE_FIELD_DYNAMIC_TEXT, 4, true);
		fixture.event->fields[(i + i / 16) % fixture.event->nr_fields].offset = places[i / 16];
		if (i % 4 == 3)
			fixture.event->fields[i % fixture.event->nr_fields].bytes = places[i / 16];
		plan = ftrace_plans_find(&fixture.plans, TYPE);
		for (; plan; plan = plan->wider) {
			const uint32_t need = plan->need_bytes;

			assert_true(need >= plan->comm_offset + (plan->comm_offset ? 16u : 0));
			assert_true(need >= plan->pid_offset + (plan->comm_offset ? 4u : 0));
			assert_true(need >= plan->irq_name_offset + (plan->irq_name_offset ? 4u : 0));
			assert_true(need >= plan->irq_offset + (plan->irq_name_offset ? 4u : 0));
			for (unsigned step = 0; step < plan->nr_steps; step++)
				assert_true(need >=
					(uint32_t)plan->steps[step].from + plan->steps[step].from_bytes);
		}
		end(&fixture);
	}
}

/* 9p_client_req is a tracepoint like any other. */
static void test_digit(void **state)
{
	struct fixture fixture;
	uint32_t used;

	begin(&fixture, "9p_client_req");
	add(&fixture, "type", FTRACE_FIELD_INTEGER, 1, false);
	assert_string_equal(encode(&fixture, &used)->name, "9p_client_req");
	end(&fixture);
}

/* More types than numbers: the rest is known to be missing, and not looked for each time. */
static void test_numbers(void **state)
{
	struct fixture fixture;
	uint16_t type = 100;

	begin(&fixture, "an_event");
	for (uint32_t i = type; i < 100u + EVENT_TYPES_MAX; i++) {
		uint64_t *place = hash_map_put(&fixture.events.by_type, i);

		assert_non_null(place);
		*place = (uintptr_t)fixture.event;
	}
	while (ftrace_plans_find(&fixture.plans, type))
		type++;
	assert_in_range(type, 100 + EVENT_TYPES_MAX / 2, 100 + EVENT_TYPES_MAX);
	assert_true(ftrace_plans_failed(&fixture.plans, type));
	assert_false(ftrace_plans_failed(&fixture.plans, (uint16_t)(type - 1)));
	assert_null(ftrace_plans_find(&fixture.plans, type));
	end(&fixture);
}

static uint64_t next_random(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

/* What the record has at a field, sign-extended. */
static uint64_t expected(const struct fixture *fixture, const struct ftrace_field *field)
{
	uint64_t value = 0;

	memcpy(&value, fixture->data + field->offset, field->bytes);
	if (field->is_signed && field->bytes < 8 && value >> (8 * field->bytes - 1))
		value |= ~UINT64_C(0) << (8 * field->bytes);
	return value;
}

static void check_field(
	const struct fixture *fixture, const struct ftrace_field *source, const struct event_field *field)
{
	const uint8_t *tail;
	uint32_t bytes;

	assert_non_null(field);
	if (source->kind == FTRACE_FIELD_INTEGER) {
		assert_true(event_field_value(field, fixture->out) == expected(fixture, source));
		return;
	}
	if (source->kind == FTRACE_FIELD_CHARS) {
		assert_memory_equal(fixture->out + field->byte_offset, fixture->data + source->offset, 16);
		return;
	}
	tail = event_field_tail(field, fixture->out, &bytes);
	assert_int_equal(bytes, source->bytes);
	assert_memory_equal(tail, fixture->data + source->offset, bytes);
}

/* Tracepoints of any fields, in layouts of their own. */
static void test_random(void **state)
{
	uint64_t random = 88172645463325252u;

	for (int round = 0; round < ROUNDS; round++) {
		const uint32_t count = 1 + (uint32_t)(next_random(&random) % 9);
		const struct event_type *type;
		struct fixture fixture;
		uint32_t used;

		begin(&fixture, "an_event");
		for (uint32_t i = 0; i < count; i++) {
			const uint64_t choice = next_random(&random);
			char name[16];

			snprintf(name, sizeof(name), "field%u", i);
			if (choice % 8 == 0)
				add(&fixture, name, FTRACE_FIELD_CHARS, 16, true);
			else if (choice % 8 == 1)
				add(&fixture, name, FTRACE_FIELD_ARRAY, 12, false);
			else
				add(&fixture, name, FTRACE_FIELD_INTEGER, 1u << choice / 8 % 4,
					choice / 32 % 2);
		}
		for (size_t i = 0; i < fixture.bytes; i++)
			fixture.data[i] = (uint8_t)next_random(&random);
		type = encode(&fixture, &used);
		for (uint32_t i = 0; i < count; i++)
			check_field(&fixture, &fixture.event->fields[i],
				event_type_find_field(type, fixture.event->fields[i].name));
		end(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sched_switch),
		cmocka_unit_test(test_sys_exit),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_two_texts),
		cmocka_unit_test(test_far_fields),
		cmocka_unit_test(test_digit),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
