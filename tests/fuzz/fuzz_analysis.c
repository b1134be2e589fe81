/* SPDX-License-Identifier: MIT */
/*
 * The analyses, fed with events that no kernel makes. The input is a list of events: type, CPU, a signed step
 * in time, pid, and the payload.
 */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/event_table.h"
#include "lib/analysis/boot.h"
#include "lib/analysis/boot_compare.h"
#include "lib/analysis/machine_report.h"
#include "lib/analysis/shutdown.h"

#define CPUS          3
#define EVENT_BYTES   40
#define PAYLOAD_BYTES 512

/* Of the channel ftrace, beside those of abi/events.def. */
enum { LEVEL = 200, START, FINISH, MODULE, CONSOLE, ENTRY, EXIT };

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
	/* a boot: levels, nested initcalls, a module's, init; then a shutdown's functions */
	{LEVEL, 0, 10, 0, {7, 0, 'c', 'o', 'n', 's', 'o', 'l', 'e'}},
	{START, 0, 10, 0, {1}},
	{FINISH, 0, 10, 0, {1}},
	{LEVEL, 0, 10, 1, {5, 0, 'e', 'a', 'r', 'l', 'y'}},
	{START, 0, 10, 1, {2}},
	{START, 0, 10, 1, {3}},
	{CONSOLE, 0, 10, 1, {4, 0, 't', 'e', 'x', 't'}},
	{FINISH, 0, 10, 1, {3}},
	{FINISH, 0, 10, 1, {2}},
	{6, 0, 10, 1, {1, 0, 0, 0, 0, 0, 0, 0, 'i', 'n', 'i', 't'}},
	{MODULE, 0, 10, 30, {0, 0, 0, 0, 1, 0, 'm'}},
	{START, 0, 10, 30, {4}},
	{0, 1, 10, 30, {4}},
	{FINISH, 0, 10, 30, {4}},
	{6, 0, 10, 30, {30, 0, 0, 0, 0, 0, 0, 0, 'h', 'a', 'l', 't'}},
	{13, 0, 10, 1, {169}},
	{ENTRY, 0, 10, 1, {0}},
	{ENTRY, 0, 10, 1, {1, 0, 0, 0, 0, 0, 0, 0, 1}},
	{ENTRY, 0, 10, 1, {4, 0, 0, 0, 0, 0, 0, 0, 2}},
	{ENTRY, 0, 10, 1, {5, 0, 0, 0, 0, 0, 0, 0, 3}},
	{EXIT, 0, 10, 1, {5, 0, 0, 0, 0, 0, 0, 0, 3}},
	{EXIT, 0, 10, 1, {4, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9}},
	{CONSOLE, 0, 10, 1,
		{18, 0, 'r', 'e', 'b', 'o', 'o', 't', ':', ' ', 'P', 'o', 'w', 'e', 'r', ' ', 'd', 'o', 'w',
			'n'}},
	{ENTRY, 0, 10, 1, {2, 0, 0, 0, 0, 0, 0, 0, 2}},
	{ENTRY, 0, 10, 1, {6, 0, 0, 0, 0, 0, 0, 0, 3}},
	{35, 0, 10, 1, {5}},
};

/* Functions 0x100 apart; a START, FINISH, ENTRY or EXIT has one of them. */
static const char symbols[] = "ffffffff81000000 t kernel_restart\nffffffff81000100 t kernel_restart_prepare\n"
			      "ffffffff81000200 t device_shutdown\nffffffff81000300 t syscore_shutdown\n"
			      "ffffffff81000400 t blocking_notifier_call_chain\nffffffff81000500 t msleep\n"
			      "ffffffff81000600 t machine_restart\nffffffff81000700 t md_notify_reboot\n"
			      "ffffffff81000800 t __do_sys_reboot\nffffffff81000900 t mutex_lock\n";
#define FUNCTIONS 12

static const char format[] =
	"name: initcall_finish\nformat:\n\tfield:initcall_t func;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:int ret;\toffset:16;\tsize:4;\tsigned:1;\n";

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

static void check_boot(const struct boot *boot)
{
	const struct initcalls *initcalls = &boot->initcalls;
	const struct boot_side side = {boot, NULL, 0};
	struct boot_comparison comparison;
	uint64_t finished = 0;

	for (size_t i = 0; i < initcalls->nr_rows; i++) {
		finished += initcalls->rows[i].end_ns != 0;
		if (initcalls->rows[i].end_ns && initcalls->rows[i].end_ns < initcalls->rows[i].start_ns)
			abort();
	}
	if (initcalls->nr_open || finished + initcalls->left_out != initcalls->finished)
		abort();
	for (uint32_t i = 0; i < boot->nr_stages; i++)
		if (boot->stages[i].to_ns < boot->stages[i].from_ns)
			abort();
	if (boot_compare(&comparison, &side, &side) == 0 && boot_comparison_cause(&comparison, 1))
		abort(); /* a boot is as long as itself */
	boot_comparison_deinit(&comparison);
}

static void check_shutdown(const struct shutdown *shutdown)
{
	const struct shutdown_graph *graph = &shutdown->graph;

	for (size_t i = 0; i < graph->nr_calls; i++)
		if (graph->calls[i].end_ns && graph->calls[i].end_ns < graph->calls[i].start_ns)
			abort();
	for (uint32_t i = 0; i < shutdown->nr_stages; i++)
		if (shutdown->stages[i].to_ns < shutdown->stages[i].from_ns)
			abort();
}

static void add_type(struct event_schema *schema, uint32_t id, const char *name, const char *const *fields)
{
	struct event_type *type;
	int result = event_schema_add_type(schema, id, name, &type, NULL);

	for (; *fields && !result; fields++)
		result = event_type_add_field(type, *fields + 1,
			**fields == 'T' ? EVENT_FIELD_TEXT : EVENT_FIELD_UNSIGNED, **fields == '4' ? 32 : 64,
			NULL);
	if (result)
		abort();
}

static struct event_schema *make_schema(void)
{
	struct event_schema *schema = event_table_schema(EVENT_TABLE_TRACE, NULL);

	if (!schema)
		abort();
	add_type(schema, LEVEL, "initcall_level", (const char *const[]){"Tlevel", NULL});
	add_type(schema, START, "initcall_start", (const char *const[]){"8func", NULL});
	add_type(schema, FINISH, "initcall_finish", (const char *const[]){"8func", "4ret", NULL});
	add_type(schema, MODULE, "module_load", (const char *const[]){"4taints", "Tname", NULL});
	add_type(schema, CONSOLE, "console", (const char *const[]){"Tmsg", NULL});
	add_type(schema, ENTRY, "funcgraph_entry", (const char *const[]){"8func", "4depth", NULL});
	add_type(schema, EXIT, "funcgraph_exit",
		(const char *const[]){"8func", "4depth", "8calltime", "8rettime", NULL});
	return schema;
}

static void make_names(struct names *names)
{
	uint64_t *place = hash_map_put(&names->formats, 0);

	if (!place || names_parse_symbols(names, symbols, strlen(symbols)) < 0)
		abort();
	*place = (uintptr_t)strdup(format);
}

/* What the reader has checked before, and what would hardly ever be met by chance. */
static void mend(const struct event_type *type, uint8_t payload[PAYLOAD_BYTES])
{
	uint64_t func = 0xffffffff81000000 + 0x100 * (uint64_t)(payload[0] % FUNCTIONS);

	if (type->variable && type->id < LEVEL)
		memcpy(payload + type->fixed_bytes - 2, &(uint16_t){100}, 2);
	else if (type->variable)
		payload[type->fixed_bytes - 1] = 0; /* below 256 */
	if (type->id == START || type->id == FINISH || type->id == ENTRY || type->id == EXIT)
		memcpy(payload, &func, sizeof(func));
}

struct analyses {
	struct machine_report *report;
	struct boot *boot;
	struct shutdown *shutdown;
};

static bool create(struct analyses *analyses, const struct event_schema *schema,
	const struct event_type *lost, const struct names *names)
{
	const struct machine_report_options report = {.schema = schema,
		.lost_type = lost,
		.nr_cpus = CPUS,
		.ns_per_tsc = 0.4,
		.syscalls_by_task = true};
	const struct boot_options boot = {
		.schema = schema, .lost_type = lost, .names = names, .nr_cpus = CPUS};
	const struct shutdown_options shutdown = {
		.schema = schema, .lost_type = lost, .names = names, .nr_cpus = CPUS};

	return !machine_report_create(&report, &analyses->report) && !boot_create(&boot, &analyses->boot) &&
		!shutdown_create(&shutdown, &analyses->shutdown);
}

static void finish(struct analyses *analyses)
{
	machine_report_finish(analyses->report);
	check(analyses->report);
	boot_finish(analyses->boot);
	check_boot(analyses->boot);
	shutdown_finish(analyses->shutdown);
	check_shutdown(analyses->shutdown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_type lost = {.name = "lost"};
	static struct event_schema *schema;
	static struct names names;
	struct analyses analyses = {0};
	uint64_t now_ns = 1000000;

	if (!schema) {
		schema = make_schema();
		make_names(&names);
		if (event_type_add_field(&lost, "count", EVENT_FIELD_UNSIGNED, 64, NULL) < 0)
			abort();
	}
	if (!create(&analyses, schema, &lost, &names))
		size = 0;
	for (; size >= EVENT_BYTES; data += EVENT_BYTES, size -= EVENT_BYTES) {
		uint8_t payload[PAYLOAD_BYTES] = {0};
		struct input_event event;
		const struct event_type *type;

		memcpy(&event, data, sizeof(event));
		type = event.type ? schema->types[event.type] : &lost;
		if (!type)
			continue;
		memcpy(payload, event.payload, sizeof(event.payload));
		mend(type, payload);
		now_ns += (uint64_t)(int64_t)event.step_ns;
		machine_report_add(analyses.report, type, payload, event.cpu, event.pid, now_ns);
		boot_add(analyses.boot, type, payload, event.cpu, event.pid, now_ns);
		shutdown_add(analyses.shutdown, type, payload, event.cpu, event.pid, now_ns);
	}
	if (analyses.shutdown)
		finish(&analyses);
	shutdown_destroy(analyses.shutdown);
	boot_destroy(analyses.boot);
	machine_report_destroy(analyses.report);
	return 0;
}
