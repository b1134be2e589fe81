/* SPDX-License-Identifier: MIT */
/* `hypertrace graph`'s tree, flame graph, folded stacks, comparison and levels, run as a user runs them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/strbuf.h"
#include "lib/model/trace_info.h"
#include "tests/unit/trace_maker.h"
#include "tests/unit/verb_run.h"

#define MS (TRACE_MAKER_HZ / 1000)

static char *work;

static const char symbols[] = "ffffffff81000000 t do_one_initcall\nffffffff81000100 t acpi_init\n"
			      "ffffffff81000200 t msleep\nffffffff81000300 t <evil>&name;x\n"
			      "ffffffff81000400 t do_idle\n";

enum { INITCALL, ACPI, MSLEEP, EVIL, IDLE };

struct making {
	struct maker_stream cpu;
	int fd;
	int depth;
};

static void write_info(const char *name)
{
	struct trace_info info = {.format = TRACE_FORMAT, .realtime_offset_ns = 1700000000000000000};
	struct trace_machine_info *machine;
	char path[512], *text;

	strcpy(info.state, "complete");
	assert_int_equal(trace_info_add_machine(&info, "guest", &machine, NULL), 0);
	strcpy(machine->channel, "ftrace");
	strcpy(machine->release, "6.12.0-test");
	for (uint64_t s = 0; s < 2; s++)
		trace_machine_info_add_point(machine,
			(struct clock_point){
				(20 + 10 * s) * TRACE_MAKER_HZ, 50000000000 + 10000000000 * (int64_t)s, 100});
	assert_int_equal(trace_info_format(&info, &text, NULL), 0);
	snprintf(path, sizeof(path), "%s/%s/hypertrace.json", work, name);
	assert_int_equal(file_replace(AT_FDCWD, path, text, strlen(text), NULL), 0);
	free(text);
	trace_info_deinit(&info);
}

static struct making begin(const char *name)
{
	struct making m = {0};
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", work, name);
	assert_int_equal(mkdir(path, 0777), 0);
	write_info(name);
	snprintf(path, sizeof(path), "%s/%s/guest", work, name);
	assert_int_equal(mkdir(path, 0777), 0);
	m.fd = open(path, O_RDONLY | O_DIRECTORY);
	maker_metadata(m.fd, "guest");
	mkdirat(m.fd, "names", 0777);
	assert_int_equal(file_replace(m.fd, "names/symbols", symbols, strlen(symbols), NULL), 0);
	maker_stream_init(&m.cpu, m.fd, 0);
	return m;
}

static void end(struct making *m)
{
	maker_stream_deinit(&m->cpu);
	close(m->fd);
}

static uint64_t tsc(uint64_t ms)
{
	return 20 * TRACE_MAKER_HZ + ms * MS;
}

static void graph(struct making *m, uint32_t id, int symbol, uint64_t ms)
{
	struct {
		uint64_t func;
		int32_t depth;
		uint64_t calltime, rettime;
	} __attribute__((packed)) payload = {/* behind the symbol's endbr64, as kernels with IBT tell it */
		0xffffffff81000004 + 0x100 * (uint64_t)symbol,
		id == MAKER_GRAPH_ENTRY ? m->depth++ : --m->depth, 0, 0};

	maker_event(
		&m->cpu, id, tsc(ms), &payload, id == MAKER_GRAPH_ENTRY ? 12u : (uint32_t)sizeof(payload));
}

static void enter(struct making *m, int symbol, uint64_t ms)
{
	graph(m, MAKER_GRAPH_ENTRY, symbol, ms);
}

static void leave(struct making *m, int symbol, uint64_t ms)
{
	graph(m, MAKER_GRAPH_EXIT, symbol, ms);
}

static void initcall(struct making *m, uint32_t id, uint64_t ms)
{
	struct {
		uint64_t func;
		int32_t ret;
	} __attribute__((packed)) payload = {0xffffffff81000300, 0};

	maker_event(
		&m->cpu, id, tsc(ms), &payload, id == MAKER_INITCALL_START ? 8u : (uint32_t)sizeof(payload));
}

/*
 * pid 1: an initcall at device of 40 ms, in which acpi_init is called twice: 10 ms, and `more` ms with a sleep of 10 ms in
 * it; and one at late of 5 ms. The CPU idles meanwhile.
 */
static void make_boot(const char *name, uint64_t more)
{
	struct making m = begin(name);
	const uint64_t sleep = 13 + more, last = sleep + 30;

	maker_switch(&m.cpu, tsc(1), 1, 0, 120);
	maker_text(&m.cpu, MAKER_INITCALL_LEVEL, tsc(1), NULL, 0, "device");
	enter(&m, INITCALL, 2);
	enter(&m, ACPI, 3);
	leave(&m, ACPI, 13);
	enter(&m, ACPI, 13);
	enter(&m, MSLEEP, sleep);
	maker_switch(&m.cpu, tsc(sleep), 0, 1, 120);
	m.depth = 0;
	enter(&m, IDLE, sleep);
	leave(&m, IDLE, sleep + 10);
	m.depth = 3;
	maker_switch(&m.cpu, tsc(sleep + 10), 1, 0, 120);
	leave(&m, MSLEEP, sleep + 10);
	leave(&m, ACPI, sleep + 10);
	leave(&m, INITCALL, sleep + 19);
	maker_text(&m.cpu, MAKER_INITCALL_LEVEL, tsc(sleep + 20), NULL, 0, "late");
	initcall(&m, MAKER_INITCALL_START, sleep + 20);
	enter(&m, EVIL, sleep + 21);
	leave(&m, EVIL, sleep + 26);
	initcall(&m, MAKER_INITCALL_FINISH, sleep + 27);
	maker_switch(&m.cpu, tsc(last), 0, 1, 120);
	end(&m);
}

static void expect(const char *arguments, int status, const char *text)
{
	verb_expect(work, arguments, status, text);
}

static void contains(const char *arguments, int status, const char *text)
{
	verb_contains(work, arguments, status, text);
}

static int setup(void **state)
{
	(void)state;
	work = maker_directory();
	make_boot("a", 1);
	make_boot("b", 101);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	maker_remove(work);
	return 0;
}

static void test_tree(void **state)
{
	(void)state;
	contains("graph a --tree", 0,
		"Call tree  by time on a CPU; less than 1 % is left out\n"
		"    total   share     self  calls  function\n"
		"  21.0 ms  80.8 %  10.0 ms      1  do_one_initcall\n"
		"  11.0 ms  42.3 %  11.0 ms      2    acpi_init\n"
		"  5.00 ms  19.2 %  5.00 ms      1  <evil>&name;x\n");
	contains("graph a --tree --by wall --least 20%", 0,
		"Call tree  by time; less than 20 % is left out\n"
		"    total   share     self  calls  function\n"
		"  31.0 ms  67.4 %  10.0 ms      1  do_one_initcall\n"
		"  21.0 ms  45.7 %  11.0 ms      2    acpi_init\n"
		"  10.0 ms  21.7 %  10.0 ms      1      msleep\n"
		"  10.0 ms  21.7 %  10.0 ms      1  do_idle\n");
	contains("graph a --tree --by calls --depth 1", 0,
		"  calls   share  own  function\n"
		"      4  66.7 %    1  do_one_initcall\n"
		"      1  16.7 %    1  do_idle\n"
		"      1  16.7 %    1  <evil>&name;x\n");
	contains(
		"graph a --tree --json --by wall | python3 -c 'import json, sys\n"
		"m = json.load(sys.stdin)[\"machines\"][0]\n"
		"outer = m[\"calls_to\"][0]\n"
		"print(m[\"by\"], outer[\"function\"], outer[\"total_ns\"], outer[\"self_on_cpu_ns\"], outer[\"calls_to\"][0]"
		"[\"calls\"])'",
		0, "time do_one_initcall 31000000 10000000 2\n");
}

static void test_folded(void **state)
{
	(void)state;
	expect("graph a --folded | sort", 0,
		"<evil>&name_x 5000000\n"
		"do_one_initcall 10000000\n"
		"do_one_initcall;acpi_init 11000000\n");
	expect("graph a --folded --by calls | sort", 0,
		"<evil>&name_x 1\ndo_idle 1\ndo_one_initcall 1\ndo_one_initcall;acpi_init 2\n"
		"do_one_initcall;acpi_init;msleep 1\n");
}

static void test_flame(void **state)
{
	(void)state;
	expect("graph a --flame a.svg", 0, "");
	contains(
		"info a >/dev/null; python3 -c 'import xml.dom.minidom as x\n"
		"d = x.parse(\"a.svg\")\n"
		"for g in d.getElementsByTagName(\"g\"):\n"
		"    r = g.getElementsByTagName(\"rect\")[0]\n"
		"    title = g.getElementsByTagName(\"title\")[0].firstChild.data\n"
		"    print(r.getAttribute(\"x\"), r.getAttribute(\"width\"), title.replace(chr(10), \"|\"))'",
		0,
		"10 953.08 do_one_initcall|21.0 ms, 80.8 %|10.0 ms itself, 1 calls\n"
		"10 499.23 acpi_init|11.0 ms, 42.3 %|11.0 ms itself, 2 calls\n"
		"963.08 226.92 <evil>&name;x|5.00 ms, 19.2 %|5.00 ms itself, 1 calls\n");
	contains("graph a --flame /nowhere/a.svg", 1,
		"hypertrace: /nowhere/a.svg: No such file or directory\n");
}

static void test_diff(void **state)
{
	(void)state;
	contains("graph --diff a b", 0,
		"B's functions were on CPUs for 100 ms longer: the most in acpi_init, +100 ms, +0 calls\n");
	contains("graph --diff a b", 0,
		"  function   calls A  calls B  calls   self A  self B     self   mean A   mean B\n"
		"  acpi_init        2        2      0  11.0 ms  111 ms  +100 ms  10.5 ms  60.5 ms\n");
	contains(
		"graph --diff b a --json | python3 -c 'import json, sys\n"
		"d = json.load(sys.stdin)\n"
		"print(d[\"verdict\"])\n"
		"print([(f[\"function\"], f[\"calls_difference\"], f[\"self_on_cpu_ns_difference\"]) for f in d[\"functions\"]])'",
		0,
		"B's functions were on CPUs for 100 ms less: the most in acpi_init, -100 ms, +0 calls\n"
		"[('acpi_init', 0, -100000000)]\n");
	contains("graph --diff a", 2,
		"hypertrace: --diff compares two traces, not 1\nhint: hypertrace graph --diff BEFORE AFTER\n");
}

static void test_levels(void **state)
{
	(void)state;
	contains("graph a --boot-level", 0,
		"  level                   took  in functions  calls   share  functions  first called\n"
		"  device               33.0 ms       21.0 ms      5  83.3 %          4             4\n"
		"  late                 7.00 ms       5.00 ms      1  16.7 %          1             1\n"
		"  after the initcalls  3.00 ms             -      -   0.0 %          -             -\n");
	contains("graph a --boot-level --top 1", 0,
		"  level   function          self    share  calls\n"
		"  device  acpi_init      11.0 ms   52.4 %      2\n"
		"  late    <evil>&name;x  5.00 ms  100.0 %      1\n");
	contains(
		"graph a --boot-level --json | python3 -c 'import json, sys\n"
		"for l in json.load(sys.stdin)[\"machines\"][0][\"levels\"]:\n"
		"    print(l[\"level\"], l[\"duration_ns\"], l[\"calls\"], l[\"self_on_cpu_ns\"], len(l[\"functions\"]))'",
		0,
		"device 33000000 5 21000000 4\nlate 7000000 1 5000000 1\nafter the initcalls 3000000 0 0 0\n");
}

/* The level between is not there: its ring was emptied. */
static void test_missing_level(void **state)
{
	struct making m = begin("gap");

	(void)state;
	maker_switch(&m.cpu, tsc(1), 1, 0, 120);
	maker_text(&m.cpu, MAKER_INITCALL_LEVEL, tsc(1), NULL, 0, "pure");
	enter(&m, INITCALL, 2);
	leave(&m, INITCALL, 3);
	maker_text(&m.cpu, MAKER_INITCALL_LEVEL, tsc(4), NULL, 0, "postcore");
	initcall(&m, MAKER_INITCALL_START, 5);
	enter(&m, INITCALL, 5);
	leave(&m, INITCALL, 6);
	initcall(&m, MAKER_INITCALL_FINISH, 7);
	end(&m);
	contains("graph gap --boot-level", 0, "\n  pure, core  ");
	contains("graph gap --boot-level", 0, "\n  postcore    ");
}

static void test_bad_words(void **state)
{
	(void)state;
	contains("graph a --tree --least much", 2, "hypertrace: --least much: no percentage\n");
	contains(
		"graph a --report --least 1", 2, "hypertrace: --least is for --tree, --flame and --folded\n");
	contains("graph a --tree --folded", 2, "at a time\n");
	contains("graph a --folded --json", 2, "\"text\":\"--folded: no --json\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_folded),
		cmocka_unit_test(test_flame),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_missing_level),
		cmocka_unit_test(test_bad_words),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
