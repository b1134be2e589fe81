/* SPDX-License-Identifier: MIT */
/* ftrace: types of events, rings, clocks, and records on their way into a trace. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/event_table.h"
#include "host/collect/ftrace_buffer.h"
#include "host/collect/ftrace_clock.h"
#include "host/collect/ftrace_events.h"
#include "host/collect/ftrace_packet.h"
#include "host/collect/ftrace_plan.h"
#include "tests/fuzz/guest_walks.h"

#define POLLS 4

/* --- types --- */

static void check_event(uint64_t type, const struct ftrace_event *event)
{
	WALK_MUST(type == event->type && event->nr_fields <= FTRACE_FIELDS_MAX);
	WALK_MUST(event->name[0] && memchr(event->name, '\0', sizeof(event->name)));
	WALK_MUST(memchr(event->system, '\0', sizeof(event->system)));
	for (uint32_t i = 0; i < event->nr_fields; i++) {
		WALK_MUST(memchr(event->fields[i].name, '\0', sizeof(event->fields[i].name)));
		WALK_MUST(event->fields[i].kind <= FTRACE_FIELD_TAIL_BYTES);
	}
}

static int open_events(struct ftrace_events *events, const struct guest_kernel *kernel)
{
	size_t position = 0;
	uint64_t type, event;
	struct error error = {0};
	int code = ftrace_events_init(events, kernel, &error);

	if (code) {
		WALK_MUST(error.text[0] && !events->by_type.slots);
		return code;
	}
	WALK_MUST(events->by_type.count <= FTRACE_EVENTS_MAX);
	while (hash_map_next(&events->by_type, &position, &type, &event))
		check_event(type, (const struct ftrace_event *)(uintptr_t)event);
	return 0;
}

int guest_walk_events(const struct guest_kernel *kernel, unsigned choice, uint64_t *found)
{
	struct ftrace_events events;
	int code = open_events(&events, kernel);

	if (code)
		return code;
	*found = events.by_type.count;
	events.loaded_ns = 0; /* long ago: an unknown type is looked for again */
	ftrace_events_find(&events, 54321);
	WALK_MUST(events.by_type.count <= FTRACE_EVENTS_MAX);
	ftrace_events_deinit(&events);
	return 0;
}

/* --- rings --- */

struct reading {
	uint32_t cpus; /* 0: so far not known */
	uint64_t records, stop_at;
	struct ftrace_plans *plans; /* NULL: records are only looked at */
	struct ftrace_packet packet;
};

/* As a reader of the trace goes through a record: its bytes must be those that the encoder says. */
static void check_payload(const struct event_type *type, const uint8_t *payload, uint32_t bytes)
{
	uint32_t used = type->fixed_bytes;
	uint16_t length;

	for (unsigned tail = 0; tail < type->nr_tails; tail++) {
		WALK_MUST(used <= bytes);
		memcpy(&length, payload + used - sizeof(length), sizeof(length));
		used += length + (tail + 1 < type->nr_tails ? sizeof(length) : 0);
	}
	WALK_MUST(used == bytes);
}

static void plan_record(struct reading *reading, const struct ftrace_record *record)
{
	static uint8_t payload[FTRACE_PAYLOAD_MAX + 8];
	const struct ftrace_plan *plan = ftrace_plans_find(reading->plans, record->type);
	uint32_t bytes;

	if (!plan || record->bytes < plan->need_bytes)
		return;
	if (ftrace_packet_is_full(&reading->packet))
		ftrace_packet_clear(&reading->packet);
	WALK_MUST(!plan->comm_offset || plan->comm_offset + 16u <= record->bytes);
	WALK_MUST(!plan->comm_offset || plan->pid_offset + 4u <= record->bytes);
	WALK_MUST(!plan->irq_name_offset || plan->irq_name_offset + 4u <= record->bytes);
	WALK_MUST(!plan->irq_name_offset || plan->irq_offset + 4u <= record->bytes);
	if (plan->comm_offset)
		ftrace_packet_add_comm(&reading->packet, record, 1, record->data + plan->comm_offset);
	ftrace_packet_add(&reading->packet, plan, record);
	bytes = ftrace_plan_encode(&plan, record, payload);
	check_payload(reading->plans->schema->types[plan->id], payload, bytes);
}

static int take_record(void *context, uint32_t cpu, const struct ftrace_record *record)
{
	struct reading *reading = context;
	volatile uint8_t touched = 0;

	WALK_MUST(cpu < KERNEL_CPUS_MAX && (!reading->cpus || cpu < reading->cpus));
	WALK_MUST(record->bytes >= 8);
	touched ^= record->data[0] ^ record->data[record->bytes - 1];
	if (reading->plans)
		plan_record(reading, record);
	return ++reading->records == reading->stop_at ? -ECANCELED : 0;
}

static void take_lost(void *context, uint32_t cpu, uint64_t count, bool damaged)
{
	struct reading *reading = context;

	WALK_MUST(count && cpu < KERNEL_CPUS_MAX && (!reading->cpus || cpu < reading->cpus));
}

static void take_change(void *context, enum ftrace_change change)
{
	WALK_MUST(change <= FTRACE_CHANGE_GONE);
}

/* What is asked of a buffer beside its records. */
static void ask(struct ftrace_buffer *buffer)
{
	struct ftrace_counts counts;

	for (uint32_t cpu = 0; cpu < ftrace_buffer_cpus(buffer); cpu++)
		ftrace_buffer_counts(buffer, cpu, &counts);
	ftrace_buffer_ring_bytes(buffer);
	ftrace_buffer_is_on(buffer);
	WALK_MUST(strlen(ftrace_buffer_clock(buffer)) < 64 && strlen(ftrace_buffer_tracer(buffer)) < 64);
}

static int read_buffer(
	const struct guest_kernel *kernel, uint64_t address, bool whole, struct reading *reading)
{
	const struct ftrace_callbacks callbacks = {take_record, take_lost, take_change, reading};
	struct ftrace_buffer *buffer = NULL;
	struct error error = {0};
	int code = ftrace_buffer_create(&buffer, kernel, address, whole, &callbacks, &error);

	if (code) {
		WALK_MUST(error.text[0] && !buffer);
		return code;
	}
	reading->cpus = ftrace_buffer_cpus(buffer);
	WALK_MUST(reading->cpus && reading->cpus <= KERNEL_CPUS_MAX);
	for (int i = 0; i < POLLS && code >= 0; i++) {
		code = ftrace_buffer_poll(buffer);
		WALK_MUST(code <= 1000);
		ask(buffer);
	}
	ftrace_buffer_destroy(buffer);
	reading->cpus = 0;
	return code < 0 ? code : 0;
}

static int read_all(const struct guest_kernel *kernel, struct reading *reading)
{
	struct ftrace_instance instances[8];
	struct error error = {0};
	int code = 0,
	    count = ftrace_instances(kernel, instances, sizeof(instances) / sizeof(instances[0]), &error);

	WALK_MUST(count <= (int)(sizeof(instances) / sizeof(instances[0])));
	for (int i = 0; i < count; i++) {
		int one = read_buffer(kernel, instances[i].address, true, reading);

		WALK_MUST(strlen(instances[i].name) < FTRACE_INSTANCE_NAME);
		code = code ? code : one;
	}
	return count < 0 ? count : code;
}

int guest_walk_rings(const struct guest_kernel *kernel, unsigned choice, uint64_t *found)
{
	struct reading reading = {0}, stopped = {.stop_at = 5};
	const uint64_t main = guest_kernel_symbol(kernel, "global_trace");
	int code = read_all(kernel, &reading);

	*found = reading.records;
	if (main) {
		read_buffer(kernel, main, false, &reading);
		read_buffer(kernel, main, true, &stopped);
	}
	return code;
}

/* --- clocks --- */

int guest_walk_clocks(const struct guest_kernel *kernel, unsigned choice, uint64_t *found)
{
	static const char *const names[] = {"local", "global", "x86-tsc", "mono", "mono_raw", "boot", "tai",
		"perf", "uptime", "counter", ""};
	int last = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct ftrace_clock_reading reading;
		struct ftrace_clock *clock;
		struct clock_point point;
		int code = ftrace_clock_create(&clock, kernel, names[i], NULL);

		if (code)
			continue;
		for (int tries = 0; tries < 3; tries++) {
			code = ftrace_clock_read(clock, &reading);
			*found += !code;
			last = code ? code : last;
		}
		ftrace_clock_seen(clock, reading.trace, 1000, 2000, &point);
		if (i == 2 || i == 3) /* takes some ms: nothing ticks here */
			ftrace_clock_poll(clock, &point);
		WALK_MUST(ftrace_clock_khz(clock));
		ftrace_clock_destroy(clock);
	}
	return last;
}

/* --- records on their way into a trace --- */

static int read_planned(const struct guest_kernel *kernel, unsigned choice, struct reading *reading,
	const struct event_schema *known)
{
	static const char *const words[] = {"", "sched,irq,args", "all,!sched_switch"};
	const struct recorder_options options = {
		.channel = RECORDER_FTRACE, .events = words[choice % (sizeof(words) / sizeof(words[0]))]};
	cleanup_ftrace_selection struct ftrace_selection selection = {0};
	struct ftrace_events events;
	struct ftrace_plans plans;
	struct error error = {0};
	int code = open_events(&events, kernel);

	if (code)
		return code;
	WALK_MUST(!ftrace_selection_init(&selection, &options, &error));
	WALK_MUST(!ftrace_plans_init(&plans, &events, &selection, known, &error));
	WALK_MUST(!ftrace_packet_init(&reading->packet));
	reading->plans = &plans;
	code = read_all(kernel, reading);
	free(reading->packet.buffer);
	WALK_MUST(!event_schema_check(plans.schema, &error));
	ftrace_plans_deinit(&plans);
	ftrace_events_deinit(&events);
	return code;
}

int guest_walk_plans(const struct guest_kernel *kernel, unsigned choice, uint64_t *found)
{
	struct event_schema *known = event_table_schema(EVENT_TABLE_TRACE, NULL);
	struct reading reading = {0};
	int code;

	WALK_MUST(known);
	code = read_planned(kernel, choice, &reading, known);
	*found = reading.records;
	event_schema_destroy(known);
	return code;
}
