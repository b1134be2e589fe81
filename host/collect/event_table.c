/* SPDX-License-Identifier: MIT */
#include "host/collect/event_table.h"

#include <errno.h>
#include <string.h>

struct field_definition {
	const char *name;
	enum event_field_kind kind;
	unsigned bits;
};

struct event_definition {
	uint32_t id;
	const char *name, *group;
	const struct field_definition *fields; /* ends with a NULL name */
};

#define U(field, bits) {#field, EVENT_FIELD_UNSIGNED, bits},
#define S(field, bits) {#field, EVENT_FIELD_SIGNED, bits},
#define X(field, bits) {#field, EVENT_FIELD_HEX, bits},
#define K(field, bits) {#field, EVENT_FIELD_CODE, bits},
#define C(field)       {#field, EVENT_FIELD_COMM, 128},
#define T(field)       {#field, EVENT_FIELD_TEXT, 16},
#define B(field)       {#field, EVENT_FIELD_BYTES, 16},
#define HT_LAYOUT(id, identifier, name, group, ...) \
	static const struct field_definition fields_of_##identifier[] = {__VA_ARGS__{NULL}};
#include "abi/events.def"
#undef U
#undef S
#undef X
#undef K
#undef C
#undef T
#undef B

static const struct event_definition definitions[] = {
#define HT_LAYOUT(id, identifier, name, group, ...) {id, #name, #group, fields_of_##identifier},
#include "abi/events.def"
};
#define NR_DEFINITIONS (sizeof(definitions) / sizeof(definitions[0]))

static int add_definition(
	struct event_schema *schema, const struct event_definition *definition, struct error *error)
{
	struct event_type *type;
	int code = event_schema_add_type(schema, definition->id, definition->name, &type, error);

	for (const struct field_definition *field = definition->fields; !code && field->name; field++)
		code = event_type_add_field(type, field->name, field->kind, field->bits, error);
	return code;
}

struct event_schema *event_table_schema(enum event_table_part part, struct error *error)
{
	struct event_schema *schema = event_schema_create();
	int code = 0;

	if (!schema) {
		error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	for (size_t i = 0; !code && i < NR_DEFINITIONS; i++)
		if ((strcmp(definitions[i].group, "names") == 0) == (part == EVENT_TABLE_NAMES))
			code = add_definition(schema, &definitions[i], error);
	if (!code)
		code = event_schema_check(schema, error);
	if (code) {
		event_schema_destroy(schema);
		return NULL;
	}
	return schema;
}

#define CHOICE_OF_sched    both
#define CHOICE_OF_irq      both
#define CHOICE_OF_syscalls both
#define CHOICE_OF_args     both
#define CHOICE_OF_timers   both
#define CHOICE_OF_faults   both
#define CHOICE_OF_marker   both
#define CHOICE_OF_vcpu     both
/* On and off by themselves: a filter or a tracepoint by name needs them, or they say how the guest ends. */
#define CHOICE_OF_span      reading
#define CHOICE_OF_generic   reading
#define CHOICE_OF_functions reading /* -F */
#define CHOICE_OF_state     reading
/* Not in a trace's streams. */
#define CHOICE_OF_names none

#define ROW(id, name, group) {#name, #group, id},
#define NO_ROW(id, name, group)
#define RECORDING_both                 ROW
#define RECORDING_reading              NO_ROW
#define RECORDING_none                 NO_ROW
#define READING_both                   ROW
#define READING_reading                ROW
#define READING_none                   NO_ROW
#define JOIN_(table, of)               table##_##of
#define JOIN(table, of)                JOIN_(table, of)
#define CHOICE(table, id, name, group) JOIN(table, CHOICE_OF_##group)(id, name, group)

const struct event_choice event_table_choices[] = {
#define HT_LAYOUT(id, identifier, name, group, ...) CHOICE(RECORDING, id, name, group)
#include "abi/events.def"
	{0},
};

const struct event_choice event_table_read_choices[] = {
#define HT_LAYOUT(id, identifier, name, group, ...) CHOICE(READING, id, name, group)
#include "abi/events.def"
	/* with arguments or without; last, because an id's own name is the first */
	{"sys_enter", "syscalls", EVENT_ID_sys_enter_args},
	{0},
};
