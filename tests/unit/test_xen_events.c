/* SPDX-License-Identifier: MIT */
/* What events mean, which vCPU runs, how fast the TSC is. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/model/xen_clock.h"
#include "lib/model/xen_context.h"
#include "lib/model/xen_events.h"

#define EVENT(code_, ...)                                                        \
	(&(struct xen_event){.code = code_,                                      \
		.n_extra = sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), \
		.extra = {__VA_ARGS__}})

static const struct xen_value *find(const struct xen_event *event, const char *name)
{
	static struct xen_value values[XEN_VALUES_MAX];
	const struct xen_event_type *type = xen_event_type(event->code);
	unsigned count;

	assert_non_null(type);
	count = xen_event_decode(type, event, values);
	for (unsigned i = 0; i < count; i++)
		if (strcmp(values[i].name, name) == 0)
			return &values[i];
	return NULL;
}

static uint64_t value(const struct xen_event *event, const char *name)
{
	const struct xen_value *found = find(event, name);

	assert_non_null(found);
	return found->value;
}

static void test_table(void **state)
{
	const struct xen_event_type *type;
	struct xen_value values[XEN_VALUES_MAX];
	struct xen_event event;
	unsigned index;

	(void)state;
	for (index = 0; (type = xen_event_type_at(index)); index++) {
		assert_ptr_equal(xen_event_type(type->code), type);
		assert_non_null(xen_class_name(type->code));
		assert_true(type->extras_min <= type->extras_max && type->extras_max <= XEN_EXTRAS_MAX);
		assert_true(xen_event_fits(type->code, type->extras_min));
		/* whatever the words are, and however many */
		for (unsigned n = 0; n <= XEN_EXTRAS_MAX; n++) {
			event = (struct xen_event){.code = type->code, .n_extra = (uint8_t)n};
			memset(event.extra, 0xff, n * sizeof(uint32_t));
			assert_true(xen_event_decode(type, &event, values) <= XEN_VALUES_MAX);
		}
	}
	assert_true(index > 200);
	assert_null(xen_event_type(0));
	assert_null(xen_event_type(0x28099));
	assert_false(xen_event_fits(0x28004, 3));
	assert_int_equal(xen_class_of_name("pv"), XEN_CLASS_PV);
	assert_int_equal(xen_class_of_name("none"), 0);
}

static void test_values(void **state)
{
	const struct xen_value *found;

	(void)state;
	/* the states are in the code */
	assert_string_equal(find(EVENT(0x21101, 5 << 16 | 3), "from")->text, "runnable");
	assert_string_equal(find(EVENT(0x21101, 5 << 16 | 3), "to")->text, "running");
	assert_true(value(EVENT(0x21101, 5 << 16 | 3), "vcpu") == (5ull << 32 | 3));
	assert_null(find(EVENT(0x21ff1, 0), "from")->text);
	/* in two words */
	assert_true(value(EVENT(0x2800a, 1, 2, 3, 4), "next") == (3ull << 32 | 4));
	/* none */
	assert_int_equal(find(EVENT(0x22203, 0, 1, 0x80000000, 1), "budget")->kind, XEN_VALUE_NONE);
	assert_int_equal((int64_t)value(EVENT(0x22203, 0, 0xffffffff, 5, 1), "credit"), -1);
	assert_int_equal(find(EVENT(0x22214, 0, 0xffffffff, 1), "tickled_cpu")->kind, XEN_VALUE_NONE);
	/* a fixed point number, and where its shift is */
	found = find(EVENT(0x2220c, 0x40000, 0, 1, 0, 2 | 3 << 16 | 18 << 24), "avgload");
	assert_int_equal(found->value, 0x40000);
	assert_int_equal(found->shift, 18);
	/* traps: the code only if it is one */
	assert_null(find(EVENT(0x201103, 0x1000, 0, 14 | 7 << 16), "ec"));
	assert_int_equal(value(EVENT(0x201103, 0x1000, 0, 14 | 1 << 15 | 7 << 16), "ec"), 7);
	assert_string_equal(find(EVENT(0x201103, 0x1000, 0, 14 | 1 << 15), "vector")->text, "PF");
	/* populate on demand: as 4.17 has it, and since */
	assert_int_equal(value(EVENT(0x10f010, 1, 0, 2, 0, 7 | 9 << 16, 0xdead), "order"), 9);
	assert_int_equal(value(EVENT(0x10f010, 1, 0, 2, 0, 7 | 9 << 16, 0xdead), "domain"), 7);
	assert_int_equal(value(EVENT(0x10f010, 1, 0, 2, 0, 7, 9), "order"), 9);
	/* exits: Intel's; until 4.18 also AMD's */
	assert_string_equal(find(EVENT(0x81102, 48, 1, 0), "reason")->text, "EPT_VIOLATION");
	assert_string_equal(find(EVENT(0x81102, 0x400, 1, 0), "reason")->text, "npf");
	assert_string_equal(find(EVENT(0x81103, 0x4e, 1, 0), "reason")->text, "PF excp");
	assert_null(find(EVENT(0x81102, 0x1234, 1, 0), "reason")->text);
}

static void test_hypercalls(void **state)
{
	/* arguments 0: absent, 1: of 32 bits, 2: of 64 */
	const uint32_t wide = 12 | 1u << 22 | 2u << 24;

	(void)state;
	assert_string_equal(find(EVENT(0x20100d, 23), "op")->text, "iret");
	assert_int_equal(value(EVENT(0x20100d, wide, 5, 6, 7), "arg1"), 5);
	assert_true(value(EVENT(0x20100d, wide, 5, 6, 7), "arg2") == (7ull << 32 | 6));
	assert_null(find(EVENT(0x20100d, wide, 5, 6, 7), "arg0"));
	assert_null(find(EVENT(0x20100d, wide, 5, 6), "arg2")); /* half of it is missing */
	assert_int_equal(value(EVENT(0x20200e, 26 | 1 << 22, 0x80000003), "ops"), 3);
	assert_int_equal(value(EVENT(0x20200e, 26 | 1 << 22, 0x80000003), "preempted"), 1);
	assert_string_equal(find(EVENT(0x20100d, 29 | 1 << 20, 1), "cmd")->text, "block");
	assert_int_equal(value(EVENT(0x20100d, 20 | 1 << 20 | 1 << 24, 5, 77), "ops"), 77);
	assert_null(find(EVENT(0x20100d, 0xfffff), "op")->text);
}

static void test_context(void **state)
{
	struct xen_context context = {0};
	struct xen_running running;

	(void)state;
	assert_int_equal(xen_context_at(&context, 3).state, XEN_RUNNING_NOT_SEEN);
	assert_int_equal(xen_context_feed(&context, EVENT(0x2800a, 0, 0, 1, 2)), 0);
	running = xen_context_at(&context, 0);
	assert_int_equal(running.state, XEN_RUNNING_VCPU);
	assert_int_equal(running.domain, 1);
	assert_int_equal(running.vcpu, 2);
	/* runstates say it better, and are believed from then on */
	xen_context_feed(&context, EVENT(0x21011, 1 << 16 | 2)); /* running to runnable */
	assert_int_equal(xen_context_at(&context, 0).state, XEN_RUNNING_NONE);
	xen_context_feed(&context, EVENT(0x21101, 4 << 16 | 1));
	xen_context_feed(&context, EVENT(0x2800a, 4, 1, 9, 9));
	assert_int_equal(xen_context_at(&context, 0).domain, 4);
	/* somebody else's change is not ours; what was lost ends with who runs */
	xen_context_feed(&context, EVENT(0x21211, 7 << 16));
	xen_context_feed(&context, EVENT(0x21011, 7 << 16));
	assert_int_equal(xen_context_at(&context, 0).domain, 4);
	xen_context_feed(&context, EVENT(XEN_LOST_RECORDS, 5, 3 << 16 | 6, 0, 0));
	assert_int_equal(xen_context_at(&context, 0).domain, 6);
	assert_int_equal(xen_context_at(&context, 0).vcpu, 3);
	xen_context_deinit(&context);
}

static void test_clock(void **state)
{
	struct xen_clock_estimate estimate;
	struct xen_clock clock;
	struct error error = {0};
	uint64_t tsc = 1000000;
	double hz;

	(void)state;
	assert_int_equal(xen_clock_parse_hz("2596.124M", &hz, &error), 0);
	assert_true(hz == 2596.124e6);
	assert_int_equal(xen_clock_parse_hz("2.4G", &hz, &error), 0);
	assert_int_equal(xen_clock_parse_hz("3000000000", &hz, &error), 0);
	assert_true(hz == 3e9);
	for (const char *const *bad =
			(const char *const[]){"", "x", "-1G", "0", "1", "2.4GHz", "nan", "inf", "1e30", NULL};
		*bad; bad++)
		assert_int_equal(xen_clock_parse_hz(*bad, &hz, &error), -EINVAL);
	xen_clock_set(&clock, 2.5e9, 1000);
	assert_int_equal(xen_clock_ns(&clock, 1000), 0);
	assert_int_equal(xen_clock_ns(&clock, 3500), 1000);
	assert_int_equal(xen_clock_ns(&clock, 0), -400);
	/* a day, to the ns */
	assert_true(xen_clock_ns(&clock, 1000 + 2500000000ull * 86400) == 86400000000000ll);

	assert_int_equal(xen_clock_estimate_init(&estimate, &error), 0);
	assert_true(xen_clock_estimate_hz(&estimate) == 0);
	for (uint32_t i = 0; i < 50; i++) {
		struct xen_event event = {.code = 0x2800f, .n_extra = 4, .extra = {1, i}, .tsc = tsc};
		uint32_t ns = 100000 + i * 1000;

		xen_clock_estimate_feed(&estimate, &event);
		tsc += (uint64_t)ns * 3 +
			(i % 7 == 0 ? 90000 : 0); /* 3 GHz; now and then something came between */
		event = (struct xen_event){.code = 0x2800e, .n_extra = 3, .extra = {1, i, ns}, .tsc = tsc};
		xen_clock_estimate_feed(&estimate, &event);
	}
	hz = xen_clock_estimate_hz(&estimate);
	assert_true(hz > 2.999e9 && hz < 3.001e9);
	xen_clock_estimate_deinit(&estimate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_hypercalls),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
