/* SPDX-License-Identifier: MIT */
#include "tests/unit/host_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/writer/ctf_metadata.h"

#define MUST(condition)                                                                 \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

struct field_definition {
	const char *name;
	enum event_field_kind kind;
	unsigned bits;
};

#define U(field, bits) {#field, EVENT_FIELD_UNSIGNED, bits},
#define S(field, bits) {#field, EVENT_FIELD_SIGNED, bits},
#define X(field, bits) {#field, EVENT_FIELD_HEX, bits},
#define C(field)       {#field, EVENT_FIELD_COMM, 128},
#define B(field)       {#field, EVENT_FIELD_BYTES, 16},
#define HT_LAYOUT(id, identifier, name, group, ...) \
	static const struct field_definition fields_of_##identifier[] = {__VA_ARGS__{NULL}};
#include "host/collect/collector_events.def"

static const struct {
	uint32_t id;
	const char *name;
	const struct field_definition *fields;
} definitions[] = {
#define HT_LAYOUT(id, identifier, name, group, ...) {id, #name, fields_of_##identifier},
#include "host/collect/collector_events.def"
};

struct event_schema *host_maker_schema(void)
{
	struct event_schema *schema = event_schema_create();

	MUST(schema);
	for (size_t i = 0; i < sizeof(definitions) / sizeof(definitions[0]); i++) {
		const struct field_definition *field = definitions[i].fields;
		struct event_type *type;

		MUST(!event_schema_add_type(schema, definitions[i].id, definitions[i].name, &type, NULL));
		for (; field->name; field++)
			MUST(!event_type_add_field(type, field->name, field->kind, field->bits, NULL));
	}
	MUST(!event_schema_check(schema, NULL));
	return schema;
}

void host_maker_metadata(int dir_fd)
{
	struct ctf_metadata metadata = {
		.schema = host_maker_schema(),
		.clock_hz = 1000000000,
		.offset_s = 1700000000,
		.precision_cycles = 1,
		.machine = "host",
		.hostname = "hypervisor",
		.release = "6.12.0-test",
		.version = "#1 SMP",
		.channel = "kvm",
		.program_version = "0",
	};

	memcpy(metadata.uuid, maker_uuid, sizeof(metadata.uuid));
	MUST(!ctf_metadata_write(&metadata, dir_fd, NULL));
	event_schema_destroy((struct event_schema *)metadata.schema);
}

void host_maker_values(struct maker_stream *stream, uint64_t at_ns, const char *name, const uint64_t *values)
{
	uint8_t payload[512] = {0};
	uint32_t bytes = 0;
	size_t i = 0;

	while (i < sizeof(definitions) / sizeof(definitions[0]) && strcmp(definitions[i].name, name))
		i++;
	MUST(i < sizeof(definitions) / sizeof(definitions[0]));
	for (const struct field_definition *field = definitions[i].fields; field->name; field++, values++) {
		uint16_t length = 4 * HOST_MAKER_BUCKETS;

		if (field->kind == EVENT_FIELD_COMM) {
			const char *comm = (const char *)(uintptr_t)*values;

			memcpy(payload + bytes, comm, strnlen(comm, 16));
			bytes += 16;
		} else if (field->kind == EVENT_FIELD_BYTES) {
			memcpy(payload + bytes, &length, sizeof(length));
			memcpy(payload + bytes + sizeof(length), (const void *)(uintptr_t)*values, length);
			bytes += (uint32_t)sizeof(length) + length;
		} else {
			MUST(field->bits % 8 == 0);
			memcpy(payload + bytes, values, field->bits / 8); /* little-endian, as all of this */
			bytes += field->bits / 8;
		}
	}
	maker_event(stream, definitions[i].id, at_ns, payload, bytes);
}
