/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/filter/event_selection.h"
#include "lib/filter/filter.h"

static const struct event_choice choices[] = {
	{"sched_switch", "sched", 1},
	{"sched_waking", "sched", 2},
	{"irq_handler_entry", "irq", 8},
	{"marker", "marker", 32},
	{"far", "far", 4095},
	{0},
};

static void test_selection(void **state)
{
	struct event_selection selection;
	struct error error;

	(void)state;
	assert_int_equal(event_selection_parse(&selection, "sched,marker", choices, &error), 0);
	assert_int_equal(selection.ids[0], 1ull << 1 | 1ull << 2 | 1ull << 32);
	assert_int_equal(event_selection_parse(&selection, "all,!sched_waking", choices, &error), 0);
	assert_int_equal(selection.ids[0], 1ull << 1 | 1ull << 8 | 1ull << 32);
	assert_true(event_selection_has(&selection, 4095));
	assert_false(event_selection_has(&selection, 4096));
	assert_int_equal(event_selection_parse(&selection,
				 "block:block_rq_issue,net:x,net:x,!net:x,kvm:y,irq", choices, &error),
		0);
	assert_string_equal(selection.tracepoints, "block:block_rq_issue\nkvm:y\n");
	assert_int_equal(selection.nr_tracepoints, 2);
	assert_true(event_selection_has_tracepoint(&selection, "kvm:y"));
	assert_false(event_selection_has_tracepoint(&selection, "kvm:"));
}

static void test_selection_errors(void **state)
{
	static const struct {
		const char *list, *text, *hint;
	} cases[] = {
		{"shed", "-e: unknown event 'shed'", "did you mean sched?"},
		{"sched,sched_swich", "-e: unknown event 'sched_swich'", "did you mean sched_switch?"},
		{"\033[2J", "-e: unknown event '\\x1b[2J'", NULL},
		{"block:", "-e: unknown event 'block:'", NULL},
		{":x", "-e: unknown event ':x'", NULL},
		{"a:b:c", "-e: unknown event 'a:b:c'", NULL},
		{"qqqqqqqq", "-e: unknown event 'qqqqqqqq'",
			"groups: sched, irq, marker, far, all; an event's name; or system:event for any tracepoint of the kernel"},
		{"", "-e: an empty word in ''", "one comma between two words: sched,irq,!sched_waking"},
		{"sched,", "-e: an empty word in 'sched,'",
			"one comma between two words: sched,irq,!sched_waking"},
		{"!", "-e: an empty word in '!'", "one comma between two words: sched,irq,!sched_waking"},
	};
	struct event_selection selection;
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(event_selection_parse(&selection, cases[i].list, choices, &error), -EINVAL);
		assert_string_equal(error.text, cases[i].text);
		if (cases[i].hint)
			assert_string_equal(error.hint, cases[i].hint);
	}
}

static void test_filter(void **state)
{
	struct filter filter;
	struct error error;

	(void)state;
	assert_int_equal(filter_parse(&filter, NULL, &error), 0);
	assert_true(filter_is_empty(&filter));
	assert_int_equal(
		filter_parse(&filter,
			"pid==1|100-199, comm!=\"a,b|c\"|bash, cpu == 0-3|6, syscall.duration>1.5ms", &error),
		0);
	assert_false(filter_is_empty(&filter));
	assert_int_equal(filter.min_duration_ns[FILTER_PAIR_SYSCALL], 1500000);
	assert_int_equal(filter.min_duration_ns[FILTER_PAIR_IRQ], 0);
	assert_true(filter_match(&filter, 6, 150, "sh"));
	assert_true(filter_match(&filter, 0, 1, NULL));
	assert_false(filter_match(&filter, 0, 1, "bash"));
	assert_false(filter_match(&filter, 0, 1, "a,b|c"));
	assert_false(filter_match(&filter, 4, 1, "sh"));
	assert_false(filter_match(&filter, 0, 200, "sh"));
	assert_int_equal(filter_parse(&filter, "pid!=0,pid!=7", &error), 0);
	assert_false(filter_match(&filter, 0, 7, NULL));
	assert_true(filter_match(&filter, 0, 8, NULL));
	assert_int_equal(filter_parse(&filter, "comm==x", &error), 0);
	assert_false(filter_match(&filter, 0, 0, NULL));
	assert_int_equal(filter_parse(&filter, "duration>10us,irq.duration>=20us", &error), 0);
	assert_int_equal(filter.min_duration_ns[FILTER_PAIR_TIMER], 10000);
	assert_int_equal(filter.min_duration_ns[FILTER_PAIR_IRQ], 20000);
}

static void test_filter_errors(void **state)
{
	static const struct {
		const char *expression, *text, *hint;
	} cases[] = {
		{"pdi==1", "-f: unknown word 'pdi'", "did you mean pid?"},
		{"pid", "-f: pid cannot be compared so", "pid==VALUE or pid!=VALUE"},
		{"pid>1", "-f: pid cannot be compared so", "pid==VALUE or pid!=VALUE"},
		{"duration==1ms", "-f: duration cannot be compared so", "duration>1ms"},
		{"duration>1", "-f: duration: '1' is not a time",
			"times have a unit: 500ns, 100us, 1.5ms, 2s"},
		{"pid==", "-f: pid: '' is not a number or range up to 2147483647",
			"for example pid==7 or pid==1|10-19"},
		{"pid==1||2", "-f: pid: '' is not a number or range up to 2147483647",
			"for example pid==7 or pid==1|10-19"},
		{"pid==-5", "-f: pid: '-5' is not a number or range up to 2147483647",
			"for example pid==7 or pid==1|10-19"},
		{"cpu==7-3", "-f: cpu: '7-3' is not a number or range up to 4095",
			"for example cpu==7 or cpu==1|10-19"},
		{"cpu==4096", "-f: cpu: '4096' is not a number or range up to 4095",
			"for example cpu==7 or cpu==1|10-19"},
		{"pid==1,pid==2", "-f: pid is there twice", "several values in one condition: pid==A|B"},
		{"comm==1234567890123456", "-f: comm: '1234567890123456' is not 1 to 15 bytes long",
			"the kernel cuts names to 15 bytes: see /proc/PID/comm"},
		{"pid==1,,cpu==2", "-f: an empty condition in 'pid==1,,cpu==2'",
			"one comma between two conditions: pid==1,cpu!=0"},
		{"pid==1,", "-f: it ends with a comma", "one comma between two conditions: pid==1,cpu!=0"},
	};
	struct filter filter;
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(filter_parse(&filter, cases[i].expression, &error), -EINVAL);
		assert_string_equal(error.text, cases[i].text);
		assert_string_equal(error.hint, cases[i].hint);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selection),
		cmocka_unit_test(test_selection_errors),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_filter_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
