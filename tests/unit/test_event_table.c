/* SPDX-License-Identifier: MIT */
/* The schema that is made of abi/events.def, against the same file read in other ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "abi/ring.h"
#include "host/collect/event_table.h"

struct definition {
	uint32_t id, bits;
	const char *name, *group;
};

/* The sum of the fields' bits. */
#define U(field, bits) +bits
#define S(field, bits) +bits
#define X(field, bits) +bits
#define K(field, bits) +bits
#define C(field)       +128
#define T(field)       +16
#define B(field)       +16
static const struct definition definitions[] = {
#define HT_LAYOUT(id, identifier, name, group, ...) {id, 0 __VA_ARGS__, #name, #group},
#include "abi/events.def"
};
#undef U
#undef S
#undef X
#undef K
#undef C
#undef T
#undef B
#define COUNT (sizeof(definitions) / sizeof(definitions[0]))

static void schema_is_events_def(void **state)
{
	struct event_schema *trace = event_table_schema(EVENT_TABLE_TRACE, NULL);
	struct event_schema *names = event_table_schema(EVENT_TABLE_NAMES, NULL);

	(void)state;
	assert_non_null(trace);
	assert_non_null(names);
	assert_int_equal(trace->nr_types + names->nr_types, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		const struct definition *definition = &definitions[i];
		bool is_name = !strcmp(definition->group, "names");
		const struct event_type *type = (is_name ? names : trace)->types[definition->id];
		uint32_t offset = 0;

		assert_non_null(type);
		assert_null((is_name ? trace : names)->types[definition->id]);
		assert_string_equal(type->name, definition->name);
		assert_true(definition->id <= HT_MAX_EVENT_ID && definition->id != HT_ID_LONG &&
			definition->id < 64);
		assert_int_equal(definition->bits % 8, 0);
		assert_int_equal(type->fixed_bytes, definition->bits / 8);
		for (uint16_t field = 0; field < type->nr_fields; field++) {
			assert_int_equal(type->fields[field].bit_offset, offset);
			offset += type->fields[field].bits;
		}
		assert_int_equal(offset, definition->bits);
	}
	event_schema_destroy(trace);
	event_schema_destroy(names);
}

/* next_pid 22 bits, prev_state 10, next_prio 8 with a sign */
static void fields_are_packed(void **state)
{
	struct event_schema *schema = event_table_schema(EVENT_TABLE_TRACE, NULL);
	const struct event_type *type = schema->types[EVENT_ID_sched_switch];
	const uint8_t payload[16] = {0x56, 0x34, 0xd2, 0xff, 0xfe};

	(void)state;
	assert_int_equal(event_field_value(event_type_find_field(type, "next_pid"), payload), 0x123456);
	assert_int_equal(event_field_value(event_type_find_field(type, "prev_state"), payload), 0x3ff);
	assert_int_equal(event_field_signed(event_type_find_field(type, "next_prio"), payload), -2);
	event_schema_destroy(schema);
}

static bool has(const char *list, const struct event_choice *choices, const char *name)
{
	struct event_selection selection;

	assert_int_equal(event_selection_parse(&selection, list, choices, NULL), 0);
	for (size_t i = 0; i < COUNT; i++)
		if (!strcmp(definitions[i].name, name) && !event_selection_has(&selection, definitions[i].id))
			return false; /* one of its layouts is missing */
	return true;
}

static void words_select(void **state)
{
	const struct event_choice *recorded = event_table_choices, *read = event_table_read_choices;
	struct event_selection selection;

	(void)state;
	assert_true(has("sys_exit", recorded, "sys_exit") && has("sys_exit", read, "sys_exit"));
	assert_true(has("syscalls", recorded, "sys_enter") && !has("syscalls", recorded, "sys_enter_args"));
	assert_false(has("sys_enter", recorded, "sys_enter_args"));
	assert_true(has("sys_enter", read, "sys_enter_args"));
	assert_true(has("sys_enter,!sys_enter_args", read, "sys_enter"));
	assert_true(has("span,state,generic", read, "cpu_state"));
	for (size_t i = 0; i < COUNT; i++) {
		bool by_itself = strstr("span generic state functions names", definitions[i].group);

		assert_int_equal(event_selection_parse(&selection, definitions[i].group, recorded, NULL) != 0,
			by_itself);
		assert_int_equal(event_selection_parse(&selection, definitions[i].group, read, NULL) != 0,
			!strcmp(definitions[i].group, "names"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_is_events_def),
		cmocka_unit_test(fields_are_packed),
		cmocka_unit_test(words_select),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
