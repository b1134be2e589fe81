/* SPDX-License-Identifier: MIT */
#include "tests/unit/trace_maker.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/record.h"
#include "lib/writer/ctf_metadata.h"

#define CAPACITY (64 << 10)

const uint8_t maker_uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* Tests stop at once, and say where, when what they stand on fails. */
#define MUST(condition)                                                                 \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

static const struct {
	uint32_t id;
	const char *name;
	struct {
		const char *name;
		enum event_field_kind kind;
		unsigned bits;
	} fields[4];
} types[] = {
	{MAKER_SWITCH, "sched_switch",
		{{"next_pid", EVENT_FIELD_UNSIGNED, 22}, {"prev_state", EVENT_FIELD_UNSIGNED, 10},
			{"next_prio", EVENT_FIELD_SIGNED, 8}}},
	{MAKER_WAKING, "sched_waking",
		{{"pid", EVENT_FIELD_UNSIGNED, 22}, {"target_cpu", EVENT_FIELD_UNSIGNED, 10},
			{"prio", EVENT_FIELD_SIGNED, 8}}},
	{MAKER_SYS_ENTER, "sys_enter", {{"nr", EVENT_FIELD_UNSIGNED, 16}}},
	{MAKER_SYS_EXIT, "sys_exit", {{"ret", EVENT_FIELD_SIGNED, 32}, {"nr", EVENT_FIELD_UNSIGNED, 16}}},
	{MAKER_SYS_EXIT_SHORT, "sys_exit", {{"ret", EVENT_FIELD_SIGNED, 8}}},
	{MAKER_TIMER, "hrtimer_expire_entry", {{"function", EVENT_FIELD_HEX, 64}}},
	{MAKER_TIMER_EXIT, "hrtimer_expire_exit", {{0}}},
	{MAKER_MARKER, "marker", {{"pid", EVENT_FIELD_UNSIGNED, 32}, {"text", EVENT_FIELD_TEXT, 0}}},
	{MAKER_RAW, "tracepoint", {{"format", EVENT_FIELD_UNSIGNED, 32}, {"raw", EVENT_FIELD_BYTES, 0}}},
	{MAKER_TASK, "sched_process_fork",
		{{"parent_pid", EVENT_FIELD_UNSIGNED, 32}, {"child_pid", EVENT_FIELD_UNSIGNED, 32},
			{"child_tgid", EVENT_FIELD_UNSIGNED, 32}, {"child_comm", EVENT_FIELD_COMM, 0}}},
	{MAKER_EXEC, "sched_process_exec",
		{{"pid", EVENT_FIELD_UNSIGNED, 32}, {"comm", EVENT_FIELD_COMM, 0}}},
	{MAKER_EXIT, "sched_process_exit", {{"pid", EVENT_FIELD_UNSIGNED, 32}}},
	{MAKER_RENAME, "task_rename", {{"pid", EVENT_FIELD_UNSIGNED, 32}, {"comm", EVENT_FIELD_COMM, 0}}},
	{MAKER_END, "guest_end", {{"reason", EVENT_FIELD_UNSIGNED, 8}, {"message", EVENT_FIELD_TEXT, 0}}},
	{MAKER_INITCALL_LEVEL, "initcall_level", {{"level", EVENT_FIELD_TEXT, 0}}},
	{MAKER_INITCALL_START, "initcall_start", {{"func", EVENT_FIELD_HEX, 64}}},
	{MAKER_INITCALL_FINISH, "initcall_finish",
		{{"func", EVENT_FIELD_HEX, 64}, {"ret", EVENT_FIELD_SIGNED, 32}}},
	{MAKER_MODULE_LOAD, "module_load",
		{{"taints", EVENT_FIELD_UNSIGNED, 32}, {"name", EVENT_FIELD_TEXT, 0}}},
	{MAKER_CONSOLE, "console", {{"msg", EVENT_FIELD_TEXT, 0}}},
	{MAKER_GRAPH_ENTRY, "funcgraph_entry",
		{{"func", EVENT_FIELD_HEX, 64}, {"depth", EVENT_FIELD_SIGNED, 32}}},
	{MAKER_GRAPH_EXIT, "funcgraph_exit",
		{{"func", EVENT_FIELD_HEX, 64}, {"depth", EVENT_FIELD_SIGNED, 32},
			{"calltime", EVENT_FIELD_UNSIGNED, 64}, {"rettime", EVENT_FIELD_UNSIGNED, 64}}},
	{MAKER_FUNC_ENTRY, "func_entry", {{"function", EVENT_FIELD_CODE, 32}}},
	{MAKER_FUNC_EXIT, "func_exit", {{0}}},
	{MAKER_FUNC_SPAN, "func_span",
		{{"function", EVENT_FIELD_CODE, 32}, {"duration_tsc", EVENT_FIELD_UNSIGNED, 40}}},
	{MAKER_FUNCTION, "function", {{"ip", EVENT_FIELD_HEX, 64}, {"parent_ip", EVENT_FIELD_HEX, 64}}},
	{MAKER_FUNC_ENTRY_TEXT, "func_entry", {{"function", EVENT_FIELD_CODE, 24}}},
};

struct event_schema *maker_schema(void)
{
	struct event_schema *schema = event_schema_create();

	MUST(schema);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct event_type *type;

		MUST(!event_schema_add_type(schema, types[i].id, types[i].name, &type, NULL));
		for (int f = 0; f < 4 && types[i].fields[f].name; f++)
			MUST(!event_type_add_field(type, types[i].fields[f].name, types[i].fields[f].kind,
				types[i].fields[f].bits, NULL));
	}
	return schema;
}

char *maker_directory(void)
{
	char *path = strdup("/tmp/hypertrace-test-XXXXXX");

	MUST(path && mkdtemp(path));
	return path;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status, (void)kind, (void)walk;
	return remove(path);
}

void maker_remove(char *path)
{
	nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(path);
}

void maker_stream_init(struct maker_stream *maker, int dir_fd, uint32_t cpu)
{
	struct error error;

	*maker = (struct maker_stream){.capacity = CAPACITY};
	maker->buffer = malloc(sizeof(struct ctf_packet_header) + CAPACITY + 16);
	MUST(maker->buffer);
	MUST(!ctf_stream_init(&maker->stream, dir_fd, cpu, maker_uuid, &error));
}

void maker_flush(struct maker_stream *maker)
{
	struct error error;

	if (!maker->bytes)
		return;
	MUST(!ctf_stream_write(&maker->stream, maker->buffer, maker->bytes, maker->events, maker->begin_tsc,
		maker->end_tsc, maker->lost, maker->begin_pid, &error));
	maker->bytes = maker->events = 0;
}

void maker_stream_deinit(struct maker_stream *maker)
{
	maker_flush(maker);
	ctf_stream_deinit(&maker->stream);
	free(maker->buffer);
}

void maker_event(struct maker_stream *maker, uint32_t id, uint64_t tsc, const void *payload, uint32_t bytes)
{
	uint8_t *at;

	MUST(bytes + RECORD_LONG_BYTES <= maker->capacity);
	if (maker->bytes + RECORD_LONG_BYTES + bytes > maker->capacity)
		maker_flush(maker);
	at = maker->buffer + sizeof(struct ctf_packet_header) + maker->bytes;
	if (!maker->bytes) {
		maker->begin_tsc = tsc;
		maker->begin_pid = maker->pid;
	}
	if (!maker->bytes || id >= RECORD_ID_LONG || tsc - maker->end_tsc > RECORD_TIME_MASK) {
		uint32_t head = id << RECORD_TIME_SHIFT | RECORD_ID_LONG;

		memcpy(at, &head, sizeof(head));
		memcpy(at + 4, &tsc, sizeof(tsc));
		at += RECORD_LONG_BYTES;
		maker->bytes += RECORD_LONG_BYTES;
	} else {
		uint32_t head = (uint32_t)tsc << RECORD_TIME_SHIFT | id;

		memcpy(at, &head, sizeof(head));
		at += RECORD_SHORT_BYTES;
		maker->bytes += RECORD_SHORT_BYTES;
	}
	if (bytes)
		memcpy(at, payload, bytes);
	maker->bytes += bytes;
	maker->events++;
	maker->end_tsc = tsc;
}

void maker_text(struct maker_stream *maker, uint32_t id, uint64_t tsc, const void *payload, uint32_t bytes,
	const char *text)
{
	uint16_t length = (uint16_t)strlen(text);
	uint8_t *whole = malloc(bytes + sizeof(length) + length);

	MUST(whole);
	if (bytes)
		memcpy(whole, payload, bytes);
	memcpy(whole + bytes, &length, sizeof(length));
	memcpy(whole + bytes + sizeof(length), text, length);
	maker_event(maker, id, tsc, whole, bytes + (uint32_t)sizeof(length) + length);
	free(whole);
}

void maker_switch(struct maker_stream *maker, uint64_t tsc, uint32_t next_pid, unsigned state, int prio)
{
	uint64_t payload = next_pid | (uint64_t)state << 22 | (uint64_t)(uint8_t)prio << 32;

	maker_event(maker, MAKER_SWITCH, tsc, &payload, 5);
	maker->pid = next_pid;
}

void maker_metadata(int dir_fd, const char *machine)
{
	struct event_schema *schema = maker_schema();
	struct ctf_metadata metadata = {
		.schema = schema,
		.clock_hz = TRACE_MAKER_HZ,
		.offset_s = 1700000000,
		.offset_cycles = TRACE_MAKER_HZ / 2,
		.precision_cycles = 2500,
		.machine = machine,
		.hostname = "a \"host\"\n\x1b",
		.release = "6.1.0-test",
		.version = "#1 SMP",
		.channel = "shm",
		.text_address = TRACE_MAKER_TEXT,
		.program_version = "0",
	};
	struct error error;

	memcpy(metadata.uuid, maker_uuid, sizeof(metadata.uuid));
	MUST(!ctf_metadata_write(&metadata, dir_fd, &error));
	event_schema_destroy(schema);
}
