/* SPDX-License-Identifier: MIT */
/*
 * The analyses, fed with events that no kernel makes. The input is a list of events: type, CPU, a signed step
 * in time, pid, and the payload.
 */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "host/collect/event_table.h"
#include "lib/analysis/machine_report.h"

#define CPUS          3
#define EVENT_BYTES   40
#define PAYLOAD_BYTES 256

const char fuzz_name[] = "analysis";

struct input_event {
	uint8_t type, cpu;
	int16_t step_ns;
	uint32_t pid;
	uint8_t payload[EVENT_BYTES - 8];
} __attribute__((packed));
_Static_assert(sizeof(struct input_event) == EVENT_BYTES, "the input's layout");

/* sched_waking, sched_switch, sys_enter, sys_exit, irq and softirq around each other; see abi/events.def */
static const struct input_event seed[] = {
	{2, 0, 10, 7, {8}},
	{1, 0, 10, 7, {8, 0, 0x40, 0, 120}},
	{13, 0, 10, 8, {3}},
	{11, 0, 10, 8, {1}},
	{8, 0, 10, 8, {9}},
	{9, 0, 10, 8, {9}},
	{12, 0, 10, 8, {1}},
	{15, 0, 10, 8, {0xfe, 0xff, 0xff, 0xff}},
	{23, 0, 10, 8, {3}},
	{24, 0, 10, 8, {0xfe}},
	{16, 0, 10, 8, {0, 0, 0, 0, 1, 0, 0, 0, 3}},
	{33, 1, 10, 8, {2, 3, 0, 0, 0, 1}},
	{32, 1, 10, 8, {8, 0, 0, 0, 4, 0, 't', 'e', 'x', 't'}},
	{5, 1, 10, 8, {8, 0, 0, 0, 20, 0, 0, 0, 20, 0, 0, 0, 'n'}},
	{7, 1, 10, 20, {20}},
};

size_t fuzz_seed(size_t index, const uint8_t **data)
{
	*data = (const uint8_t *)seed;
	return index ? 0 : sizeof(seed);
}

/* Counts that must agree whatever the events were. */
static void check(const struct machine_report *report)
{
	uint64_t by_type = 0, by_cpu = 0, by_task = report->tasks.others.events;

	for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++)
		by_type += report->by_type[id];
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		by_cpu += report->cpus[cpu].events;
	for (uint32_t i = 0; i < report->tasks.nr_rows; i++)
		by_task += report->tasks.rows[i]->events;
	if (by_type != report->events || by_cpu != report->events || by_task != report->events)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_type lost = {.name = "lost"};
	static struct event_schema *schema;
	struct machine_report_options options = {
		.nr_cpus = CPUS, .ns_per_tsc = 0.4, .syscalls_by_task = true};
	struct machine_report *report;
	uint64_t now_ns = 1000000;

	if (!schema) {
		schema = event_table_schema(EVENT_TABLE_TRACE, NULL);
		if (!schema || event_type_add_field(&lost, "count", EVENT_FIELD_UNSIGNED, 64, NULL) < 0)
			abort();
	}
	options.schema = schema;
	options.lost_type = &lost;
	if (machine_report_create(&options, &report) < 0)
		return 0;
	for (; size >= EVENT_BYTES; data += EVENT_BYTES, size -= EVENT_BYTES) {
		uint8_t payload[PAYLOAD_BYTES] = {0};
		struct input_event event;
		const struct event_type *type;

		memcpy(&event, data, sizeof(event));
		type = event.type ? schema->types[event.type] : &lost;
		if (!type)
			continue;
		memcpy(payload, event.payload, sizeof(event.payload));
		/* the reader has checked the length of a text before */
		if (type->variable)
			memcpy(payload + type->fixed_bytes - 2, &(uint16_t){100}, 2);
		now_ns += (uint64_t)(int64_t)event.step_ns;
		machine_report_add(report, type, payload, event.cpu, event.pid, now_ns);
	}
	machine_report_finish(report);
	check(report);
	machine_report_destroy(report);
	return 0;
}
