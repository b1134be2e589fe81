/* SPDX-License-Identifier: MIT */
#include "tests/unit/host_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/host_events.h"
#include "lib/writer/ctf_metadata.h"

#define MUST(condition)                                                                 \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

void host_maker_metadata(int dir_fd)
{
	struct ctf_metadata metadata = {
		.schema = host_events_schema(NULL),
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
	struct event_schema *schema = host_events_schema(NULL);
	const struct event_type *type = schema ? event_schema_find(schema, name) : NULL;
	uint16_t length = 4 * HOST_MAKER_BUCKETS;
	uint8_t payload[HOST_PAYLOAD_MAX] = {0};
	uint32_t bytes = 0;

	MUST(type);
	for (uint8_t i = 0; i < type->nr_fields; i++, values++) {
		const struct event_field *field = &type->fields[i];

		bytes = field->byte_offset;
		if (field->kind == EVENT_FIELD_COMM) {
			const char *comm = (const char *)(uintptr_t)*values;

			memcpy(payload + bytes, comm, strnlen(comm, 16));
		} else if (field->kind == EVENT_FIELD_BYTES) {
			memcpy(payload + bytes, &length, sizeof(length));
			memcpy(payload + bytes + sizeof(length), (const void *)(uintptr_t)*values, length);
			bytes += length;
		} else {
			MUST(field->bits % 8 == 0);
			memcpy(payload + bytes, values, field->bits / 8); /* little-endian, as all of this */
		}
		bytes += field->bits / 8;
	}
	maker_event(stream, type->id, at_ns, payload, bytes);
	event_schema_destroy(schema);
}
