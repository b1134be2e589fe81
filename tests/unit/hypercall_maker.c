/* SPDX-License-Identifier: MIT */
#include "tests/unit/hypercall_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/ring.h"
#include "host/collect/event_table.h"
#include "host/vm/cache_directory.h"

#define RECORD_BYTES (sizeof(struct hypercall_record) + HT_FLUSH_MAX_BYTES)

int hypercall_maker_init(struct hypercall_maker *maker)
{
	static const char parent[] = "/tmp/hypercall-XXXXXX";
	struct error error = {0};

	*maker = (struct hypercall_maker){.common = {.dir = {.fd = -1}, .info = {.format = TRACE_FORMAT}}};
	memcpy(maker->path, parent, sizeof(parent));
	if (!mkdtemp(maker->path) || trace_dir_init(&maker->common.dir, maker->path, &error))
		return -1;
	snprintf(maker->common.info.state, sizeof(maker->common.info.state), "recording");
	maker->record = calloc(1, RECORD_BYTES);
	maker->common.names_schema = event_table_schema(EVENT_TABLE_NAMES, &error);
	maker->events.common = &maker->common;
	maker->events.schema = event_table_schema(EVENT_TABLE_TRACE, &error);
	if (!maker->record || !maker->common.names_schema || !maker->events.schema)
		return -1;
	ring_walk_table_init(&maker->events.table, maker->events.schema);
	ring_walk_table_init(&maker->events.names_table, maker->common.names_schema);
	maker->header = (struct ht_region){.magic = HT_MAGIC,
		.abi_version = HT_ABI_VERSION,
		.header_bytes = sizeof(maker->header),
		.generation = 77,
		.nr_rings = 3,
		.tsc_khz = 1000000};
	maker->machine = hypercall_machine_create(&maker->events, &maker->header, "vm1", &error);
	return maker->machine ? 0 : -1;
}

void hypercall_maker_end(struct hypercall_maker *maker)
{
	struct error error = {0};

	hypercall_machine_destroy(maker->machine, "stopped", "");
	maker->machine = NULL;
	snprintf(maker->common.info.state, sizeof(maker->common.info.state), "complete");
	trace_dir_write_info(&maker->common.dir, &maker->common.info, &error);
}

void hypercall_maker_deinit(struct hypercall_maker *maker)
{
	if (maker->machine)
		hypercall_maker_end(maker);
	event_schema_destroy(maker->events.schema);
	event_schema_destroy(maker->common.names_schema);
	trace_info_deinit(&maker->common.info);
	trace_dir_deinit(&maker->common.dir);
	free(maker->record);
	remove_tree(maker->path);
}

uint8_t *hypercall_maker_event(
	uint8_t *at, uint32_t id, uint64_t tsc, bool is_long, const void *payload, uint32_t bytes)
{
	const uint32_t head = is_long ? id << HT_ID_BITS | HT_ID_LONG : (uint32_t)tsc << HT_ID_BITS | id;

	memcpy(at, &head, sizeof(head));
	at += HT_SHORT_HEADER_BYTES;
	if (is_long) {
		memcpy(at, &tsc, sizeof(tsc));
		at += sizeof(tsc);
	}
	memcpy(at, payload, bytes);
	return at + bytes;
}

size_t hypercall_maker_flush(struct hypercall_maker *maker, uint32_t vcpu, const uint8_t *records,
	uint32_t bytes, uint32_t events, uint64_t begin_tsc, uint64_t end_tsc)
{
	const uint32_t content = (uint32_t)sizeof(struct ht_packet) + bytes;
	const struct ht_packet header = {.seq = 1,
		.begin_tsc = begin_tsc,
		.end_tsc = end_tsc,
		.events = events,
		.content_bytes = content,
		.current_pid = 42};

	*maker->record = (struct hypercall_record){.host_ns = end_tsc + 10,
		.args = {0x1000,
			content | (uint64_t)events << 16 | (uint64_t)vcpu << 32 |
				(uint64_t)maker->sequence++ << 48,
			0, end_tsc},
		.number = HT_HYPERCALL_FLUSH,
		.tid = 100 + vcpu,
		.copied = (int32_t)content};
	memcpy(maker->record->packet, &header, sizeof(header));
	memcpy(maker->record->packet + sizeof(header), records, bytes);
	return sizeof(*maker->record) + content;
}

size_t hypercall_maker_registers(
	struct hypercall_maker *maker, uint32_t vcpu, const uint8_t *records, uint32_t bytes, uint32_t events)
{
	*maker->record =
		(struct hypercall_record){.args = {42 | bytes << 22 | events << 27 | (uint64_t)vcpu << 32 |
						  (uint64_t)maker->sequence++ << 48},
			.number = HT_HYPERCALL_EVENTS,
			.tid = 100 + vcpu};
	memcpy(&maker->record->args[1], records, bytes);
	return sizeof(*maker->record);
}
