/* SPDX-License-Identifier: MIT */
/* Names, and what hypertrace.json says. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/model/names.h"
#include "lib/model/trace_info.h"
#include "tests/unit/trace_maker.h"

#define PARSE(what, names, text) assert_int_equal(names_parse_##what(names, text, strlen(text)), 0)

static void test_tasks(void **state)
{
	struct names names = {0};

	(void)state;
	PARSE(tasks, &names,
		"1 1 systemd\n12 11 with space\n12 12 later\n7 7 \nx 1 y\n99999999999 1 z\n3 3 "
		"longer_than_sixteen_bytes");
	assert_string_equal(names_task(&names, 1)->comm, "systemd");
	assert_string_equal(names_task(&names, 12)->comm, "later");
	assert_int_equal(names_task(&names, 12)->tgid, 12);
	assert_string_equal(names_task(&names, 7)->comm, "");
	assert_string_equal(names_task(&names, 3)->comm, "longer_than_sixt");
	assert_null(names_task(&names, 2));
	assert_int_equal(names.bad_lines, 2);
	assert_int_equal(names_set_task(&names, 2, 1, "sixteen_bytes_ab"), 0);
	assert_string_equal(names_task(&names, 2)->comm, "sixteen_bytes_ab");
	names_deinit(&names);
}

static void test_symbols(void **state)
{
	struct names names = {0};
	uint64_t offset;

	(void)state;
	PARSE(symbols, &names,
		"ffffffff81000200 t late\nffffffff81000000 T _stext\nffffffff81000100 t a\tb [mod]\n"
		"0000000000000000 A hidden\nnonsense\nffffffff81000300 T\nffffffff81000100 t alias\n"
		"fffffffffffffffff t toolong\nffffffff81000400 T \n");
	assert_int_equal(names.nr_symbols, 4);
	assert_int_equal(names.bad_lines, 4);
	assert_null(names_symbol(&names, 0xffffffff80ffffff, &offset));
	assert_string_equal(names_symbol(&names, 0xffffffff81000000, &offset), "_stext");
	assert_int_equal(offset, 0);
	assert_string_equal(names_symbol(&names, 0xffffffff810001ff, &offset), "a");
	assert_int_equal(offset, 0xff);
	assert_string_equal(names_symbol(&names, 0xffffffff81000250, &offset), "late");
	assert_null(names_symbol(&names, 0xffffffff91000000, &offset)); /* far behind the last */
	names_deinit(&names);
}

static void test_load(void **state)
{
	char *path = maker_directory();
	int fd = open(path, O_DIRECTORY | O_RDONLY);
	struct names names = {0};
	struct error error;

	(void)state;
	assert_int_equal(names_load(&names, fd, NAMES_ALL, &error), 0); /* nothing there is no error */
	mkdirat(fd, "names", 0777);
	mkdirat(fd, "names/formats", 0777);
	file_replace(fd, "names/irqs", "24 virtio0 in\nx\n", 16, NULL);
	file_replace(fd, "names/formats/77", "system: a\n", 10, NULL);
	file_replace(fd, "names/formats/x", "no", 2, NULL);
	assert_int_equal(names_load(&names, fd, NAMES_ALL, &error), 0);
	assert_string_equal(names_irq(&names, 24), "virtio0 in");
	assert_null(names_irq(&names, 25));
	assert_string_equal(names_format(&names, 77), "system: a\n");
	mkdirat(fd, "names/tasks", 0777);
	assert_int_equal(names_load(&names, fd, NAMES_TASKS, &error), -EISDIR);
	assert_string_equal(error.text, "names: tasks: Is a directory");
	names_deinit(&names);
	close(fd);
	maker_remove(path);
}

static void test_info_round_trip(void **state)
{
	struct trace_info info = {.start_unix_ns = 1700000000123456789, .realtime_offset_ns = -5}, again;
	struct trace_machine_info *machine;
	struct trace_cpu_info *cpu;
	struct error error;
	char *text;

	(void)state;
	strcpy(info.state, "complete");
	assert_int_equal(trace_info_add_machine(&info, "vm-1", &machine, &error), 0);
	strcpy(machine->message, "bad \xff bytes\n\"");
	machine->text_address = 0xffffffff81000000;
	for (uint64_t i = 0; i < 100; i++)
		trace_machine_info_add_point(machine, (struct clock_point){i * 1000, (int64_t)i * 400, i});
	cpu = trace_machine_info_cpu(machine, 3);
	cpu->events = 12;
	cpu->lost[TRACE_LOST_OVERWRITTEN] = UINT64_MAX; /* JSON's integers end before */
	assert_ptr_equal(trace_machine_info_cpu(machine, 3), cpu);
	machine->budget.budget_ppm = 50000;
	machine->budget.share_ppm = 41234;
	assert_int_equal(trace_machine_info_leave_out(machine, "fput"), 0);
	assert_int_equal(trace_machine_info_leave_out(machine, "x\xff"), 0);
	assert_int_equal(trace_info_add_machine(&info, "vm-1", &machine, &error), -EEXIST);
	assert_int_equal(trace_info_add_machine(&info, "a/b", &machine, &error), -EINVAL);
	assert_int_equal(trace_info_add_machine(&info, "", &machine, &error), -EINVAL);

	assert_int_equal(trace_info_format(&info, &text, &error), 0);
	assert_int_equal(trace_info_parse(&again, text, strlen(text), &error), 0);
	assert_int_equal(again.start_unix_ns, info.start_unix_ns);
	assert_int_equal(again.realtime_offset_ns, -5);
	assert_int_equal(again.nr_machines, 1);
	assert_string_equal(again.machines[0].message, "bad ? bytes\n\"");
	assert_int_equal(again.machines[0].text_address, 0xffffffff81000000);
	assert_int_equal(again.machines[0].nr_points, 100);
	assert_memory_equal(
		again.machines[0].points, info.machines[0].points, 100 * sizeof(struct clock_point));
	assert_int_equal(again.machines[0].cpus[0].lost[TRACE_LOST_OVERWRITTEN], INT64_MAX);
	assert_int_equal(trace_machine_info_events(&again.machines[0]), 12);
	assert_int_equal(again.machines[0].budget.budget_ppm, 50000);
	assert_int_equal(again.machines[0].budget.share_ppm, 41234);
	assert_int_equal(again.machines[0].budget.nr_left_out, 2);
	assert_string_equal(again.machines[0].budget.left_out[0], "fput");
	assert_string_equal(again.machines[0].budget.left_out[1], "x?");
	free(text);
	trace_info_deinit(&info);
	trace_info_deinit(&again);
}

static void test_info_thins_points_out(void **state)
{
	struct trace_info info = {0};
	struct trace_machine_info *machine;
	const uint64_t added = 1 << 18;

	(void)state;
	assert_int_equal(trace_info_add_machine(&info, "vm", &machine, NULL), 0);
	for (uint64_t i = 0; i < added; i++)
		assert_int_equal(
			trace_machine_info_add_point(machine, (struct clock_point){i, (int64_t)i, 0}), 0);
	assert_in_range(machine->nr_points, 1 << 15, 1 << 16);
	assert_int_equal(machine->points[0].tsc, 0);
	assert_int_equal(machine->points[machine->nr_points - 1].tsc, added - 1);
	for (size_t i = 1; i < machine->nr_points; i++)
		assert_true(machine->points[i].tsc > machine->points[i - 1].tsc);
	trace_info_deinit(&info);
}

static void test_info_errors(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"[]", "it has no \"format\""},
		{"{\"format\":1,\"state\":5}", "\"state\" is not a text, or too long"},
		{"{\"format\":1,\"state\":\"12345678901234567\"}", "\"state\" is not a text, or too long"},
		{"{\"format\":1,\"machines\":[{}]}",
			"machine name: not 1 to 63 characters without a dot in front"},
		{"{\"format\":1,\"machines\":[{\"name\":\"a\"},{\"name\":\"a\"}]}",
			"machine a is there twice"},
		{"{\"format\":1,\"machines\":[{\"name\":\"a\",\"layer\":-1}]}",
			"\"layer\" is not a whole number in its range"},
		{"{\"format\":1,\"machines\":[{\"name\":\"a\",\"clock\":{\"points\":[[1,2]]}}]}",
			"\"points\" is not a list of [tsc, ns, bound_ns]"},
		{"{\"format\":1,\"machines\":[{\"name\":\"a\",\"clock\":{\"points\":[[-1,2,3]]}}]}",
			"\"points\" is not a list of [tsc, ns, bound_ns]"},
		{"{\"format\":1,\"machines\":[{\"name\":\"a\",\"kernel\":{\"text_address\":\"zz\"}}]}",
			"\"text_address\" is not a hexadecimal number"},
		{"{\"format\":1,\"machines\":[{\"name\":\"a\",\"cpus\":[{\"cpu\":4096}]}]}",
			"\"cpu\" is not a whole number in its range"},
		{"{\"format\":1,\"machines\":[{\"name\":\"a\",\"function_budget\":{\"left_out\":[1]}}]}",
			"\"left_out\" is not a list of names of that length"},
	};
	struct trace_info info;
	struct error error;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
			trace_info_parse(&info, cases[i].text, strlen(cases[i].text), &error), -EINVAL);
		assert_string_equal(error.text, cases[i].message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_info_round_trip),
		cmocka_unit_test(test_info_thins_points_out),
		cmocka_unit_test(test_info_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
