/* SPDX-License-Identifier: MIT */
/* Events as a reader hands them over, through the schema, to the analyses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/analysis/machine_report.h"

enum { SWITCH = 1, WAKING, ENTER, EXIT, MARKER, SPAN, FAULT, END, TRACEPOINT, NEW, NO_FIELD, SHORT_EXIT };

static const struct {
	uint32_t id;
	const char *name;
	struct {
		const char *name;
		enum event_field_kind kind;
		unsigned bits;
	} fields[4];
} types[] = {
	{SWITCH, "sched_switch",
		{{"next_pid", EVENT_FIELD_UNSIGNED, 22}, {"prev_state", EVENT_FIELD_UNSIGNED, 10}}},
	{WAKING, "sched_waking", {{"pid", EVENT_FIELD_UNSIGNED, 32}}},
	{ENTER, "sys_enter", {{"nr", EVENT_FIELD_UNSIGNED, 16}}},
	{EXIT, "sys_exit", {{"ret", EVENT_FIELD_SIGNED, 32}, {"nr", EVENT_FIELD_UNSIGNED, 16}}},
	{SHORT_EXIT, "sys_exit", {{"ret", EVENT_FIELD_SIGNED, 8}}},
	{MARKER, "marker", {{"pid", EVENT_FIELD_UNSIGNED, 32}, {"text", EVENT_FIELD_TEXT, 0}}},
	{SPAN, "span",
		{{"pair", EVENT_FIELD_UNSIGNED, 8}, {"key", EVENT_FIELD_UNSIGNED, 32},
			{"value", EVENT_FIELD_SIGNED, 64}, {"duration_tsc", EVENT_FIELD_UNSIGNED, 64}}},
	{FAULT, "page_fault_kernel", {{"ip", EVENT_FIELD_HEX, 64}, {"error_code", EVENT_FIELD_UNSIGNED, 8}}},
	{END, "guest_end", {{"reason", EVENT_FIELD_UNSIGNED, 8}, {"message", EVENT_FIELD_TEXT, 0}}},
	{TRACEPOINT, "tracepoint", {{"format", EVENT_FIELD_UNSIGNED, 32}, {"raw", EVENT_FIELD_BYTES, 0}}},
	{NEW, "of_a_later_version", {{"what", EVENT_FIELD_UNSIGNED, 8}}},
	{NO_FIELD, "softirq_entry", {{"vector", EVENT_FIELD_UNSIGNED, 8}}}, /* `vec` is not there */
};

struct fixture {
	struct event_schema *schema;
	struct event_type *lost;
	struct machine_report *report;
};

static struct fixture begin(struct machine_report_options options)
{
	struct fixture f = {.schema = event_schema_create(), .lost = calloc(1, sizeof(*f.lost))};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct event_type *type;

		assert_int_equal(event_schema_add_type(f.schema, types[i].id, types[i].name, &type, NULL), 0);
		for (int n = 0; n < 4 && types[i].fields[n].name; n++)
			assert_int_equal(event_type_add_field(type, types[i].fields[n].name,
						 types[i].fields[n].kind, types[i].fields[n].bits, NULL),
				0);
	}
	strcpy(f.lost->name, "lost");
	assert_int_equal(event_type_add_field(f.lost, "count", EVENT_FIELD_UNSIGNED, 64, NULL), 0);
	options.schema = f.schema;
	options.lost_type = f.lost;
	options.nr_cpus = 2;
	options.ns_per_tsc = 0.5;
	assert_int_equal(machine_report_create(&options, &f.report), 0);
	return f;
}

static void end(struct fixture *f)
{
	machine_report_destroy(f->report);
	event_schema_destroy(f->schema);
	free(f->lost);
}

/* `payload` is copied, so that the analyses must take what they keep. */
static void feed(struct fixture *f, uint32_t id, const void *payload, size_t bytes, uint32_t cpu,
	uint32_t pid, uint64_t now)
{
	uint8_t copy[256] = {0};

	memcpy(copy, payload, bytes);
	machine_report_add(f->report, id ? f->schema->types[id] : f->lost, copy, cpu, pid, now);
	memset(copy, 0xff, sizeof(copy));
}

static void feed_number(
	struct fixture *f, uint32_t id, uint64_t value, uint32_t cpu, uint32_t pid, uint64_t now)
{
	feed(f, id, &value, sizeof(value), cpu, pid, now);
}

static void test_another_layout_of_an_event(void **state)
{
	struct fixture f = begin((struct machine_report_options){0});
	const struct syscall_row *call;

	(void)state;
	feed_number(&f, ENTER, 3, 0, 7, 1000);
	feed_number(&f, SHORT_EXIT, (uint8_t)-9, 0, 7, 1100);
	feed_number(&f, ENTER, 3, 0, 7, 1200);
	feed_number(&f, EXIT, 3ull << 32 | (uint32_t)-9, 0, 7, 1300);
	feed_number(&f, SHORT_EXIT, 0, 0, 7, 1400);
	machine_report_finish(f.report);
	call = capped_table_at(&f.report->syscalls.rows, 3);
	assert_int_equal(f.report->syscalls.rows.count, 1);
	assert_int_equal(call->exits, 2);
	assert_int_equal(call->errors, 2);
	assert_int_equal(call->durations.histogram.sum, 200);
	assert_int_equal(f.report->syscalls.unmatched, 1);
	end(&f);
}

static void test_everything_arrives(void **state)
{
	struct fixture f = begin((struct machine_report_options){0});
	const struct machine_report *r = f.report;
	struct {
		uint8_t pair;
		uint32_t key;
		int64_t value;
		uint64_t duration;
	} __attribute__((packed)) span = {REPORT_PAIR_SYSCALL, 3, -9, 200};
	const struct syscall_row *call;

	(void)state;
	feed_number(&f, ENTER, 0, 0, 7, 1000);
	feed_number(&f, EXIT, (uint64_t)(uint32_t)-4, 0, 7, 1100); /* ret -4, nr 0 */
	feed_number(&f, WAKING, 8, 0, 7, 1150);
	feed_number(&f, SWITCH, 8 | 1u << 22, 0, 7, 1200);
	feed(&f, MARKER, "\x08\0\0\0\x05\0hello", 11, 0, 8, 1300);
	feed(&f, SPAN, &span, sizeof(span), 0, 8, 1400);
	span.pair = REPORT_PAIR_HRTIMER;
	span.key = 0x81234567;
	feed(&f, SPAN, &span, sizeof(span), 0, 8, 1400);
	span.pair = 99;
	span.duration = UINT64_MAX;
	feed(&f, SPAN, &span, sizeof(span), 0, 8, 1400);
	feed(&f, FAULT, "\x01\0\0\0\0\0\0\0\x02", 9, 1, 9, 1450);
	feed(&f, TRACEPOINT, "\x05\0\0\0\0", 6, 0, 8, 1500);
	feed(&f, TRACEPOINT, "\x05\0\0\0\0", 6, 0, 8, 1500);
	feed_number(&f, NEW, 1, 0, 8, 1600);
	feed_number(&f, NO_FIELD, 1, 0, 8, 1600);
	feed(&f, END,
		"\x01\x03\0"
		"bad",
		6, 0, 8, 1700);
	feed_number(&f, NEW, 1, 2, 8, 1700); /* no such CPU */
	machine_report_finish(f.report);

	assert_int_equal(r->events, 14);
	assert_int_equal(r->first_ns, 1000);
	assert_int_equal(r->last_ns, 1700);
	assert_int_equal(r->by_type[SPAN], 3);
	assert_int_equal(r->by_type[NEW], 1);
	assert_int_equal(r->cpus[0].events, 13);
	call = capped_table_row(&r->syscalls.rows, 0);
	assert_int_equal(call->key, 0);
	assert_int_equal(call->errnos[0].number, 4);
	assert_int_equal(call->durations.histogram.sum, 100);
	call = capped_table_row(&r->syscalls.rows, 1);
	assert_int_equal(call->key, 3);
	assert_int_equal(call->errors, 1);
	assert_int_equal(call->durations.histogram.sum, 100); /* 200 TSC units */
	assert_int_equal(
		((struct interrupt_row *)capped_table_row(&r->interrupts.rows[INTERRUPT_HRTIMER], 0))->key,
		0xffffffff81234567);
	assert_int_equal(r->schedule.woken.histogram.sum, 50);
	assert_int_equal(r->tasks.rows[r->tasks.by_pid[7] - 1]->run_ns, 200);
	assert_int_equal(r->tasks.rows[r->tasks.by_pid[8] - 1]->run_ns, 500);
	assert_int_equal(r->markers.count, 1);
	assert_int_equal(r->markers.items[0]->pid, 8);
	assert_memory_equal(r->markers.items[0]->text, "hello", 5);
	assert_int_equal(r->ends.items[0]->reason, 1);
	assert_int_equal(r->ends.items[0]->bytes, 3);
	assert_string_equal(machine_report_end_name(1), "panic");
	assert_string_equal(machine_report_end_name(200), "end");
	assert_int_equal(r->faults.kernel, 1);
	assert_int_equal(r->faults.writes, 1);
	assert_int_equal(r->by_format.count, 1);
	assert_int_equal(((struct format_row *)capped_table_row(&r->by_format, 0))->count, 2);
	assert_int_equal(r->interrupts.rows[INTERRUPT_SOFT].count, 0);
	end(&f);
}

static void test_lost_events(void **state)
{
	struct fixture f = begin((struct machine_report_options){0});
	const struct machine_report *r = f.report;

	(void)state;
	feed_number(&f, 0, 5, 1, 3, 900); /* before anything else of that CPU */
	feed_number(&f, ENTER, 0, 0, 7, 1000);
	feed_number(&f, SWITCH, 7, 0, 7, 1100);
	feed_number(&f, 0, 123, 1, 3, 1500);
	feed_number(&f, 0, 10, 0, 9, 2000);
	feed_number(&f, EXIT, 0, 0, 7, 2100);
	feed_number(&f, SWITCH, 0, 0, 9, 2200);
	machine_report_finish(f.report);
	assert_int_equal(r->lost, 138);
	assert_int_equal(r->cpus[1].lost, 128);
	assert_int_equal(r->events, 4); /* lost ones are none */
	assert_int_equal(r->syscalls.unmatched, 1);
	assert_int_equal(r->schedule.cpus[0].unknown_ns, 900);
	assert_int_equal(r->tasks.rows[r->tasks.by_pid[9] - 1]->run_ns, 200);
	end(&f);
}

static bool is_eight(const void *context, uint32_t pid, const char *comm)
{
	(void)context, (void)comm;
	return pid == 8;
}

static void test_only_what_is_wanted(void **state)
{
	const uint64_t cpu0 = 1;
	struct fixture f = begin((struct machine_report_options){.wanted = is_eight, .cpus = &cpu0});
	const struct machine_report *r = f.report;

	(void)state;
	feed_number(&f, WAKING, 8, 1, 7, 1000);            /* another CPU */
	feed_number(&f, SWITCH, 8 | 1u << 22, 0, 7, 1100); /* to it */
	feed_number(&f, ENTER, 0, 0, 8, 1200);             /* by it */
	feed_number(&f, ENTER, 0, 1, 7, 1300);
	feed_number(&f, FAULT, 0, 0, 7, 1300);
	machine_report_finish(f.report);
	assert_int_equal(r->events, 2);
	assert_int_equal(r->faults.kernel, 0);
	assert_int_equal(r->schedule.woken.histogram.sum, 100);
	end(&f);
}

static void test_many_notes_are_counted(void **state)
{
	struct fixture f = begin((struct machine_report_options){0});
	uint8_t payload[256] = {1, 0, 0, 0, 200, 0};

	(void)state;
	for (uint64_t i = 0; i < MACHINE_REPORT_MARKERS + 100; i++)
		feed(&f, MARKER, payload, 206, 0, 1, 1000 + i);
	assert_int_equal(f.report->markers.count, MACHINE_REPORT_MARKERS + 100);
	assert_int_equal(f.report->markers.kept, MACHINE_REPORT_MARKERS);
	end(&f);
}

static void test_too_many_cpus(void **state)
{
	struct machine_report_options options = {.nr_cpus = MACHINE_REPORT_CPUS_MAX + 1};
	struct machine_report *report = (void *)&options;

	(void)state;
	assert_int_not_equal(machine_report_create(&options, &report), 0);
	assert_null(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_arrives),
		cmocka_unit_test(test_another_layout_of_an_event),
		cmocka_unit_test(test_lost_events),
		cmocka_unit_test(test_only_what_is_wanted),
		cmocka_unit_test(test_many_notes_are_counted),
		cmocka_unit_test(test_too_many_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
