/* SPDX-License-Identifier: MIT */
/* The last words of a recording. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hypertrace/recording_summary.h"

static void expect(const struct trace_info *info, const char *want)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	show_recording_summary(info, "t", out);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

static void sums_up(void **state)
{
	struct trace_machine_info *machine;
	struct trace_cpu_info *cpu;
	struct trace_info info = {0};

	(void)state;
	expect(&info, "hypertrace: t: nothing was recorded: no guest's module started\n");

	assert_int_equal(trace_info_add_machine(&info, "vm1", &machine, NULL), 0);
	for (uint32_t i = 0; i < 2; i++) {
		cpu = trace_machine_info_cpu(machine, i);
		cpu->events = 1000;
		cpu->bytes = 1500;
	}
	expect(&info, "hypertrace: t/vm1: 2000 events, 3 KiB, 0 lost\n");

	machine = &info.machines[0];
	trace_machine_info_cpu(machine, 0)->lost[TRACE_LOST_NESTED] = 1;
	expect(&info, "hypertrace: t/vm1: 2000 events, 3 KiB, 1 lost: 1 nested\n");

	trace_machine_info_cpu(machine, 0)->lost[TRACE_LOST_OVERWRITTEN] = 20;
	trace_machine_info_cpu(machine, 1)->lost[TRACE_LOST_OVERWRITTEN] = 3;
	expect(&info,
		"hypertrace: t/vm1: 2000 events, 3 KiB, 24 lost: 1 nested, 23 overwritten\n"
		"hint: larger rings (--size, --region-size) or fewer events (-e, -f) lose less\n");
	trace_info_deinit(&info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(sums_up)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
