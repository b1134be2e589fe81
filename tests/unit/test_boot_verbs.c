/* SPDX-License-Identifier: MIT */
/* `hypertrace boot` and `shutdown`, run as a user runs them, on traces made here: output, messages, exit status. */
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
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/strbuf.h"
#include "lib/model/trace_info.h"
#include "tests/unit/trace_maker.h"
#include "tests/unit/verb_run.h"

#define MS (TRACE_MAKER_HZ / 1000)

static char *work;

static const char symbols[] = "ffffffff81000000 t con_init\nffffffff81000100 t acpi_init\n"
			      "ffffffff81000200 t <net>&init\nffffffff81000300 t kernel_restart\n"
			      "ffffffff81000400 t blocking_notifier_call_chain\n"
			      "ffffffff81000500 t md_notify_reboot\nffffffff81000600 t msleep\n"
			      "ffffffff81000700 t machine_restart\nffffffff81000800 t acpi_reboot\n";

enum { CON, ACPI, NET, RESTART, CHAIN, MD_NOTIFY, MSLEEP, MACHINE, LAST };

static uint64_t at(int symbol)
{
	return 0xffffffff81000000 + 0x100 * (uint64_t)symbol;
}

/* --- making --- */

struct making {
	struct maker_stream cpu;
	uint64_t base; /* TSC that ms count from */
};

static void start(struct making *m, uint64_t func, uint64_t ms)
{
	maker_event(&m->cpu, MAKER_INITCALL_START, m->base + ms * MS, &func, 8);
}

static void finish(struct making *m, uint64_t func, int32_t ret, uint64_t ms)
{
	struct {
		uint64_t func;
		int32_t ret;
	} __attribute__((packed)) payload = {func, ret};

	maker_event(&m->cpu, MAKER_INITCALL_FINISH, m->base + ms * MS, &payload, sizeof(payload));
}

static void named(struct making *m, uint32_t id, uint32_t pid, const char *comm, uint64_t ms)
{
	struct {
		uint32_t pid;
		char comm[16];
	} payload = {pid, ""};

	memcpy(payload.comm, comm, strlen(comm));
	maker_event(&m->cpu, id, m->base + ms * MS, &payload, sizeof(payload));
}

static void forks(struct making *m, uint32_t parent, uint32_t child, uint64_t ms)
{
	struct {
		uint32_t parent, child, tgid;
		char comm[16];
	} payload = {parent, child, child, "x"};

	maker_event(&m->cpu, MAKER_TASK, m->base + ms * MS, &payload, sizeof(payload));
}

static void graph(struct making *m, uint32_t id, int symbol, int32_t depth, uint64_t ms)
{
	struct {
		uint64_t func;
		int32_t depth;
		uint64_t calltime, rettime;
	} __attribute__((packed)) payload = {at(symbol), depth, 0, 0};

	maker_event(&m->cpu, id, m->base + ms * MS, &payload,
		id == MAKER_GRAPH_ENTRY ? 12u : (uint32_t)sizeof(payload));
}

static struct making begin(const char *name, uint64_t power_on_ms, int *fd)
{
	struct trace_info info = {.format = TRACE_FORMAT, .realtime_offset_ns = 1700000000000000000};
	struct making m = {.base = 20 * TRACE_MAKER_HZ};
	struct trace_machine_info *machine;
	char path[512], *text;

	/* the host's clock was 50 s at TSC second 20 */
	strcpy(info.state, "complete");
	assert_int_equal(trace_info_add_machine(&info, "guest", &machine, NULL), 0);
	strcpy(machine->channel, "ftrace");
	strcpy(machine->release, "6.12.0-test");
	if (power_on_ms)
		machine->start_host_ns = 50000000000 - (int64_t)power_on_ms * 1000000;
	for (uint64_t s = 0; s < 2; s++)
		trace_machine_info_add_point(machine,
			(struct clock_point){
				(20 + 10 * s) * TRACE_MAKER_HZ, 50000000000 + 10000000000 * (int64_t)s, 100});
	assert_int_equal(trace_info_format(&info, &text, NULL), 0);
	snprintf(path, sizeof(path), "%s/%s", work, name);
	assert_int_equal(mkdir(path, 0777), 0);
	snprintf(path, sizeof(path), "%s/%s/hypertrace.json", work, name);
	assert_int_equal(file_replace(AT_FDCWD, path, text, strlen(text), NULL), 0);
	snprintf(path, sizeof(path), "%s/%s/guest", work, name);
	assert_int_equal(mkdir(path, 0777), 0);
	free(text);
	trace_info_deinit(&info);
	*fd = open(path, O_RDONLY | O_DIRECTORY);
	maker_metadata(*fd, "guest");
	mkdirat(*fd, "names", 0777);
	assert_int_equal(file_replace(*fd, "names/symbols", symbols, strlen(symbols), NULL), 0);
	maker_stream_init(&m.cpu, *fd, 0);
	return m;
}

static void make_boot(const char *name, uint64_t power_on_ms, uint64_t module_ms)
{
	int fd;
	struct making m = begin(name, power_on_ms, &fd);
	uint64_t mod = 0xffffffffc0001000, later = module_ms;

	maker_text(&m.cpu, MAKER_CONSOLE, m.base, NULL, 0, "Linux version");
	maker_text(&m.cpu, MAKER_INITCALL_LEVEL, m.base + 2 * MS, NULL, 0, "console");
	start(&m, at(CON), 3);
	finish(&m, at(CON), 0, 4);
	forks(&m, 0, 1, 9);
	maker_switch(&m.cpu, m.base + 10 * MS, 1, 256, 120);
	maker_text(&m.cpu, MAKER_INITCALL_LEVEL, m.base + 12 * MS, NULL, 0, "subsys");
	start(&m, at(ACPI), 20);
	maker_switch(&m.cpu, m.base + 25 * MS, 0, 1, 120);
	maker_switch(&m.cpu, m.base + 45 * MS, 1, 0, 120);
	finish(&m, at(ACPI), -19, 50);
	start(&m, at(NET), 51);
	finish(&m, at(NET), 0, 52);
	maker_text(&m.cpu, MAKER_CONSOLE, m.base + 59 * MS, NULL, 0, "Run /init\033[31m as init process");
	named(&m, MAKER_EXEC, 1, "init", 60);
	forks(&m, 1, 30, 61);
	maker_switch(&m.cpu, m.base + 62 * MS, 30, 1, 120);
	named(&m, MAKER_EXEC, 30, "modprobe", 63);
	maker_text(&m.cpu, MAKER_MODULE_LOAD, m.base + 64 * MS, "\0\0\0", 4, "slow");
	start(&m, mod, 65);
	finish(&m, mod, 0, 65 + later);
	maker_event(&m.cpu, MAKER_EXIT, m.base + (67 + later) * MS, &(uint32_t){30}, 4);
	maker_switch(&m.cpu, m.base + (68 + later) * MS, 1, 16, 120);
	maker_switch(&m.cpu, m.base + (100 + later) * MS, 0, 1, 120);
	maker_stream_deinit(&m.cpu);
	close(fd);
}

static void make_shutdown(const char *name)
{
	int fd;
	struct making m = begin(name, 0, &fd);

	maker_switch(&m.cpu, m.base, 40, 1, 120);
	named(&m, MAKER_EXEC, 40, "reboot", 10);
	maker_event(&m.cpu, MAKER_EXIT, m.base + 20 * MS, &(uint32_t){40}, 4);
	maker_switch(&m.cpu, m.base + 25 * MS, 1, 16, 120);
	graph(&m, MAKER_GRAPH_ENTRY, RESTART, 0, 30);
	graph(&m, MAKER_GRAPH_ENTRY, CHAIN, 1, 30);
	graph(&m, MAKER_GRAPH_ENTRY, MD_NOTIFY, 2, 31);
	graph(&m, MAKER_GRAPH_ENTRY, MSLEEP, 3, 32);
	maker_switch(&m.cpu, m.base + 33 * MS, 0, 1, 120);
	maker_switch(&m.cpu, m.base + 1030 * MS, 1, 0, 120);
	graph(&m, MAKER_GRAPH_EXIT, MSLEEP, 3, 1032);
	graph(&m, MAKER_GRAPH_EXIT, MD_NOTIFY, 2, 1033);
	graph(&m, MAKER_GRAPH_EXIT, CHAIN, 1, 1034);
	maker_text(&m.cpu, MAKER_CONSOLE, m.base + 1035 * MS, NULL, 0, "reboot: Restarting system");
	graph(&m, MAKER_GRAPH_ENTRY, MACHINE, 1, 1036);
	graph(&m, MAKER_GRAPH_ENTRY, LAST, 2, 1040);
	maker_stream_deinit(&m.cpu);
	close(fd);
}

/* --- running --- */

static void expect(const char *arguments, int status, const char *text)
{
	verb_expect(work, arguments, status, text);
}

static void contains(const char *arguments, int status, const char *text)
{
	verb_contains(work, arguments, status, text);
}

static void test_boot_text(void **state)
{
	(void)state;
	expect("boot a", 0,
		"guest  Linux 6.12.0-test, channel ftrace\n"
		"  401 ms to the trace's end: 300 ms before the first event, 60.0 ms kernel, 41.0 ms user space\n"
		"  24 events, 0 lost\n"
		"\n"
		"Stages\n"
		"  stage                      start  duration   share  CPUs busy  initcalls  their time\n"
		"  before the first event  0.000000    300 ms  74.8 %          -          -           -\n"
		"  kernel start            0.300000   2.00 ms   0.5 %          -          -           -\n"
		"  console                 0.302000   2.00 ms   0.5 %          -          1     1.00 ms\n"
		"  set-up after console    0.304000   8.00 ms   2.0 %          -          -           -\n"
		"  subsys                  0.312000   40.0 ms  10.0 %       0.50          2     31.0 ms\n"
		"  after the initcalls     0.352000   8.00 ms   2.0 %       1.00          -           -\n"
		"  user space: init        0.360000   41.0 ms  10.2 %       1.00          -           -\n"
		"\n"
		"Waterfall  7.29 ms a column; '.', '-', '=': much of it off the CPU\n"
		"  before the first event           300 ms  ##########################################\n"
		"  kernel start                    2.00 ms                                           #\n"
		"  console                         2.00 ms                                           #\n"
		"    con_init                      1.00 ms                                           #\n"
		"  set-up after console            8.00 ms                                           ##\n"
		"  subsys                          40.0 ms                                            #######\n"
		"    acpi_init                     30.0 ms                                             ------\n"
		"    <net>&init                    1.00 ms                                                  #\n"
		"  after the initcalls             8.00 ms                                                  ##\n"
		"  user space: init                41.0 ms                                                   ######\n"
		"    init                          41.0 ms                                                   --####\n"
		"    modprobe                      5.00 ms                                                   ##\n"
		"    init [slow]                   1.00 ms                                                    #\n"
		"\n"
		"Initcalls  4 in 33.0 ms, 1 of them of modules\n"
		"  function    module  level       start  duration  off the CPU  returned\n"
		"  acpi_init   -       subsys   0.320000   30.0 ms       66.7 %       -19\n"
		"  con_init    -       console  0.303000   1.00 ms            -         -\n"
		"  <net>&init  -       subsys   0.351000   1.00 ms            -         -\n"
		"  init        slow    -        0.365000   1.00 ms            -         -\n"
		"\n"
		"Between initcalls\n"
		"  no initcall for      from  level    until\n"
		"          8.00 ms  0.312000  subsys   acpi_init\n"
		"          1.00 ms  0.302000  console  con_init\n"
		"          1.00 ms  0.350000  subsys   <net>&init\n"
		"\n"
		"Programs  2 executed, 2 processes, 0 threads and 0 kernel threads begun\n"
		"  program   pid  parent      start    lived  on the CPU    share  until\n"
		"  init        1  swapper  0.360000  41.0 ms     34.0 ms   82.9 %  still runs\n"
		"  modprobe   30  init     0.363000  5.00 ms     5.00 ms  100.0 %  exit\n"
		"\n"
		"Kernel messages  2; after the longest silences\n"
		"    silence          at  message\n"
		"    59.0 ms    0.359000  Run /init\\x1b[31m as init process\n");
}

static void test_shutdown_text(void **state)
{
	(void)state;
	expect("shutdown end", 0,
		"guest  Linux 6.12.0-test, channel ftrace\n"
		"  1.03 s from reboot to the trace's end: 20.0 ms user space, 1.01 s kernel\n"
		"  kernel: from kernel_restart on, in the task ?/1\n"
		"  16 events, 0 lost\n"
		"  the machine stopped inside kernel_restart > machine_restart > acpi_reboot\n"
		"\n"
		"Stages\n"
		"  stage                start  duration   share  calls  function\n"
		"  user space        0.000000   20.0 ms   1.9 %      -  -\n"
		"  reboot notifiers  0.020000    1.00 s  97.5 %      1  blocking_notifier_call_chain\n"
		"  kernel, other     1.024000   2.00 ms   0.2 %      -  -\n"
		"  machine           1.026000   4.00 ms   0.4 %      1  machine_restart\n"
		"\n"
		"Waterfall  17.5 ms a column\n"
		"  user space                    20.0 ms  ##\n"
		"  reboot notifiers               1.00 s   ##########################################################\n"
		"    md_notify_reboot             1.00 s   ##########################################################\n"
		"  kernel, other                 2.00 ms                                                            #\n"
		"  machine                       4.00 ms                                                            #\n"
		"\n"
		"Sleeps, delays and waits  1.00 s in all\n"
		"  waited        at  function  in\n"
		"  1.00 s  0.022000  msleep    md_notify_reboot\n"
		"\n"
		"Reboot notifiers  1 in 1.00 s\n"
		"  function             start  duration  waited  mostly in\n"
		"  md_notify_reboot  0.021000    1.00 s  1.00 s  msleep\n"
		"\n"
		"Machine  1 in 0 ns\n"
		"  function        start  duration  waited  mostly in\n"
		"  acpi_reboot  1.030000     0 ns+       -  the machine stopped inside\n"
		"\n"
		"The task ?/1  off the CPU for 997 ms of 1.01 s in the kernel's part\n"
		"  off the CPU      from  why\n"
		"       997 ms  0.023000  slept\n"
		"\n"
		"Programs that ended  1\n"
		"  program  pid  parent     ended    lived\n"
		"  reboot    40  -       0.010000  10.0 ms\n"
		"\n"
		"Kernel messages\n"
		"          at    silence  message\n"
		"    1.025000     1.02 s  reboot: Restarting system\n");
}

static void test_diff(void **state)
{
	(void)state;
	expect("boot --diff a b", 0,
		"B's boot took 500 ms longer: 500 ms in initcall init [slow]\n"
		"  A  401 ms    a, guest, Linux 6.12.0-test\n"
		"  B  901 ms    b, guest, Linux 6.12.0-test\n"
		"\n"
		"Initcalls  1 of 4 differ by 1.00 ms or more\n"
		"  name               A       B  difference\n"
		"  init [slow]  1.00 ms  501 ms     +500 ms\n"
		"\n"
		"Stages\n"
		"  name                          A        B  difference\n"
		"  before the first event   300 ms   300 ms        0 ns\n"
		"  kernel start            2.00 ms  2.00 ms        0 ns\n"
		"  console                 2.00 ms  2.00 ms        0 ns\n"
		"  set-up after console    8.00 ms  8.00 ms        0 ns\n"
		"  subsys                  40.0 ms  40.0 ms        0 ns\n"
		"  after the initcalls     8.00 ms  8.00 ms        0 ns\n"
		"  user space: init        41.0 ms   541 ms     +500 ms\n"
		"\n"
		"Programs  1 of 1 differ by 1.00 ms or more\n"
		"  name            A       B  difference\n"
		"  modprobe  5.00 ms  505 ms     +500 ms\n");
	contains("boot --diff b a", 0, "B's boot took 500 ms less: 500 ms in initcall init [slow]\n");
	contains("boot --diff a b --threshold 1s", 0, "B's boot took as long as A's");
	contains("boot --diff a a --json", 0, "\"difference_ns\": 0");
	contains("boot --diff a unknown", 0, "from the first event on");
	contains("boot --diff a", 2, "--diff compares two traces, not 1\nhint: ");
	contains("boot --diff a b --svg x", 2, "--svg draws one boot");
	contains("boot --diff a end", 1, "holds no start of a machine");
}

static void test_json(void **state)
{
	(void)state;
	contains(
		"boot a --json | python3 -c 'import json,sys; d=json.load(sys.stdin)[\"machines\"][0];"
		"assert d[\"initcalls\"][\"count\"]==4==len(d[\"initcalls\"][\"rows\"]); i=d[\"initcalls\"][\"rows\"][0];"
		"assert (i[\"function\"],i[\"duration_ns\"],i[\"off_cpu_ns\"],i[\"returned\"])==(\"acpi_init\",30000000,"
		"20000000,-19); assert sum(s[\"duration_ns\"] for s in d[\"stages\"])==d[\"total_ns\"]==401000000;"
		"print(\"good\")'",
		0, "good\n");
	contains(
		"shutdown end --json | python3 -c 'import json,sys; d=json.load(sys.stdin)[\"machines\"][0];"
		"assert d[\"waits\"][0][\"in\"]==\"md_notify_reboot\"; assert d[\"waits\"][0][\"duration_ns\"]==1000000000;"
		"assert d[\"stopped_inside\"][-1]==\"acpi_reboot\"; assert d[\"command\"]==\"reboot\";"
		"assert sum(s[\"duration_ns\"] for s in d[\"stages\"])==d[\"total_ns\"]==1030000000; print(\"good\")'",
		0, "good\n");
}

static void test_svg(void **state)
{
	(void)state;
	/* well-formed, nothing from elsewhere, what the guest says is escaped */
	contains(
		"boot a --svg a.svg >/dev/null && python3 -c 'import xml.dom.minidom as x; "
		"d=x.parse(\"a.svg\"); t=open(\"a.svg\").read(); assert \"<script\" not in t and \"href\" not in t;"
		"assert \"&lt;net&gt;&amp;init\" in t; print(len(d.getElementsByTagName(\"rect\"))>20)'",
		0, "True\n");
	contains(
		"shutdown end --svg s.svg >/dev/null && python3 -c 'import xml.dom.minidom as x; x.parse(\"s.svg\");"
		"print(\"md_notify_reboot\" in open(\"s.svg\").read())'",
		0, "True\n");
	contains("boot a --svg /nonexistent/x", 1, "hypertrace: /nonexistent/x: No such file or directory\n");
	contains("boot a --svg /dev/full", 1, "hypertrace: /dev/full: write: No space left on device\n");
}

static void test_parts(void **state)
{
	(void)state;
	contains("boot a --until modprobe", 0,
		"  363 ms to the start of modprobe: 300 ms before the first event, ");
	contains("boot a --until nginx", 0, "  no program nginx was executed\n");
	contains("boot a -t 55ms-", 0, "  no initcall events of the kernel's own start");
	contains("boot a -t 70ms-", 1, "the trace, in that time, holds no start of a machine");
	contains("boot a -m other", 1, "other");
	contains("boot a -n 1", 0, "; the longest\n  function   module  level");
	contains("boot end", 1,
		"hypertrace: the trace holds no start of a machine: no initcalls, and no start of its init\n"
		"hint: hypertrace run --channel ftrace -e initcall,sched");
	contains("shutdown a", 1, "hypertrace: the trace holds no shutdown");
	contains("shutdown end -t 0-30ms", 1, "the trace, in that time, holds no shutdown");
	contains("boot nosuch --json", 1, "\"error\"");
}

static int set_up(void **state)
{
	(void)state;
	work = maker_directory();
	make_boot("a", 300, 1);
	make_boot("b", 300, 501);
	make_boot("unknown", 0, 1);
	make_shutdown("end");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	maker_remove(work);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boot_text),
		cmocka_unit_test(test_shutdown_text),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_svg),
		cmocka_unit_test(test_parts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
