/* SPDX-License-Identifier: MIT */
/* `hypertrace graph`: calls in their places, the report, callers, filters and mistakes, run as a user runs them. */
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

#include "lib/base/file.h"
#include "lib/base/strbuf.h"
#include "lib/model/trace_info.h"
#include "tests/unit/host_maker.h"
#include "tests/unit/verb_run.h"

#define START_NS 50000000000           /* the host's clock, where the trace begins */
#define TSC_BASE (20 * TRACE_MAKER_HZ) /* the guest's TSC there */

static char *work;

static const char symbols[] = "ffffffff81000000 t vfs_read\nffffffff81000100 t schedule\n"
			      "ffffffff81000200 t handle_irq\nffffffff81000300 t ev\033il\n"
			      "ffffffff81000400 t do_idle\n";
static const char tasks[] = "70 70 nginx\n80 80 dd\n";

enum { VFS_READ, SCHEDULE, HANDLE_IRQ, EVIL, DO_IDLE };

struct making {
	int host_fd, guest_fd;
	struct maker_stream pcpu, cpus[2];
};

static uint64_t tsc(uint64_t us)
{
	return TSC_BASE + us * 2500;
}

static int make_directory(const char *name, const char *machine)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", work, name);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/%s", work, name, machine);
	assert_int_equal(mkdir(path, 0777), 0);
	return open(path, O_RDONLY | O_DIRECTORY);
}

static void write_info(const char *name, bool with_host)
{
	struct trace_info info = {.format = TRACE_FORMAT, .realtime_offset_ns = 1700000000000000000};
	struct trace_machine_info *machine;
	struct trace_vm_info *vm;
	char path[512], *text;

	strcpy(info.state, "complete");
	if (with_host) {
		assert_int_equal(trace_info_add_machine(&info, "host", &machine, NULL), 0);
		strcpy(machine->clock, "mono");
		for (int i = 0; i < 2; i++)
			trace_machine_info_add_point(machine,
				(struct clock_point){
					START_NS + 1000000000ull * i, START_NS + 1000000000 * i, 1});
		vm = trace_machine_info_vm(machine, 400);
		strcpy(vm->machine, "guest");
		assert_int_equal(trace_vm_info_vcpu(vm, 0, 401), 0);
		assert_int_equal(trace_vm_info_vcpu(vm, 1, 402), 0);
	}
	assert_int_equal(trace_info_add_machine(&info, "guest", &machine, NULL), 0);
	strcpy(machine->release, "6.12.0-test");
	machine->layer = 1;
	for (int i = 0; i < 2; i++)
		trace_machine_info_add_point(machine,
			(struct clock_point){TSC_BASE + TRACE_MAKER_HZ * i, START_NS + 1000000000 * i, 1});
	assert_int_equal(trace_info_format(&info, &text, NULL), 0);
	snprintf(path, sizeof(path), "%s/%s/hypertrace.json", work, name);
	assert_int_equal(file_replace(AT_FDCWD, path, text, strlen(text), NULL), 0);
	free(text);
	trace_info_deinit(&info);
}

static void begin(struct making *m, const char *name, bool with_host)
{
	*m = (struct making){.host_fd = -1};
	if (with_host) {
		m->host_fd = make_directory(name, "host");
		host_maker_metadata(m->host_fd);
		maker_stream_init(&m->pcpu, m->host_fd, 0);
	}
	m->guest_fd = make_directory(name, "guest");
	maker_metadata(m->guest_fd, "guest");
	mkdirat(m->guest_fd, "names", 0777);
	assert_int_equal(file_replace(m->guest_fd, "names/symbols", symbols, strlen(symbols), NULL), 0);
	assert_int_equal(file_replace(m->guest_fd, "names/tasks", tasks, strlen(tasks), NULL), 0);
	for (uint32_t i = 0; i < 2; i++)
		maker_stream_init(&m->cpus[i], m->guest_fd, i);
	write_info(name, with_host);
}

static void end(struct making *m)
{
	for (uint32_t i = 0; i < 2; i++)
		maker_stream_deinit(&m->cpus[i]);
	close(m->guest_fd);
	if (m->host_fd < 0)
		return;
	maker_stream_deinit(&m->pcpu);
	close(m->host_fd);
}

static uint32_t address(int function)
{
	return 0x81000000 + 0x100 * (uint32_t)function;
}

static void in(struct making *m, uint32_t cpu, uint64_t us, int function)
{
	const uint32_t payload = address(function);

	maker_event(&m->cpus[cpu], MAKER_FUNC_ENTRY, tsc(us), &payload, sizeof(payload));
}

static void out(struct making *m, uint32_t cpu, uint64_t us)
{
	maker_event(&m->cpus[cpu], MAKER_FUNC_EXIT, tsc(us), NULL, 0);
}

/* nginx reads: it sleeps meanwhile, an interrupt comes in its way, it goes on on the other CPU. */
static void make_calls(const char *name, bool with_host)
{
	struct making m;

	begin(&m, name, with_host);
	if (with_host)
		host_maker_event(
			&m.pcpu, START_NS + 1000, "vcpu_in", 401, 0, 0, 0, HOST_MAKER_TEXT("swapper/0"));
	maker_switch(&m.cpus[0], tsc(10), 70, 0, 120);
	in(&m, 0, 100, VFS_READ);
	in(&m, 0, 110, HANDLE_IRQ);
	if (with_host) {
		host_maker_event(&m.pcpu, START_NS + 115000, "vcpu_out", 401, 0, 0x100, 900, 900,
			HOST_MAKER_TEXT("stress"));
		host_maker_event(
			&m.pcpu, START_NS + 155000, "vcpu_in", 401, 0, 900, 900, HOST_MAKER_TEXT("stress"));
	}
	out(&m, 0, 160);
	in(&m, 0, 170, SCHEDULE);
	maker_switch(&m.cpus[0], tsc(180), 0, 1, 120);
	in(&m, 0, 190, DO_IDLE);
	maker_switch(&m.cpus[1], tsc(2000), 70, 0, 120);
	out(&m, 1, 2010);
	in(&m, 1, 2012, EVIL);
	out(&m, 1, 2013);
	out(&m, 1, 2020);
	end(&m);
}

static int set_up(void **state)
{
	struct making m;

	(void)state;
	work = maker_directory();
	make_calls("calls", false);
	make_calls("hosted", true);
	begin(&m, "entries", false);
	for (unsigned i = 0; i < 3; i++)
		in(&m, 0, 100 + i, i ? VFS_READ : EVIL);
	end(&m);
	begin(&m, "lost", false);
	maker_switch(&m.cpus[0], tsc(10), 70, 0, 120);
	in(&m, 0, 100, VFS_READ);
	maker_flush(&m.cpus[0]);
	m.cpus[0].lost = 5;
	in(&m, 0, 200, SCHEDULE);
	out(&m, 0, 210);
	out(&m, 0, 220);
	end(&m);
	begin(&m, "none", false);
	maker_switch(&m.cpus[0], tsc(10), 70, 0, 120);
	end(&m);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	maker_remove(work);
	return 0;
}

static void test_calls(void **state)
{
	(void)state;
	verb_expect(work, "graph calls", 0,
		"          <idle>-0      [000]     0.000000000:            | ==> nginx-70\n"
		"           nginx-70     [000]     0.000090000:            | vfs_read() {\n"
		"           nginx-70     [000]     0.000100000: +  50.0 us |   handle_irq();\n"
		"           nginx-70     [000]     0.000160000:            |   schedule() {\n"
		"           nginx-70     [000]     0.000170000:            | ==> <idle>-0\n"
		"          <idle>-0      [001]     0.001990000:            | ==> nginx-70\n"
		"           nginx-70     [001]     0.002000000: #  1.84 ms |   } /* schedule, 20.0 us on CPU */\n"
		"           nginx-70     [001]     0.002002000:    1.00 us |   ev\\x1bil();\n"
		"           nginx-70     [001]     0.002010000: #  1.92 ms | } /* vfs_read, 100 us on CPU */\n"
		"          <idle>-0      [000]     0.000180000:          ? | do_idle(); /*, still open */\n");
	verb_expect(work, "graph calls -f comm==nginx -F handle_* ", 0,
		"           nginx-70     [000]     0.000100000: +  50.0 us |   handle_irq();\n");
	verb_expect(work, "graph calls -F handle_* --json", 0,
		"{\"machine\":\"guest\",\"comm\":\"nginx\",\"pid\":70,\"cpu\":0,\"begin_ns\":100000,"
		"\"function\":\"handle_irq\",\"depth\":1,\"duration_ns\":50000,\"self_ns\":50000,"
		"\"on_cpu_ns\":50000,\"end\":\"returned\"}\n");
	verb_expect(work, "graph calls --depth 1 -f pid==70,cpu==1 -t 1ms-", 0,
		"          <idle>-0      [001]     0.001990000:            | ==> nginx-70\n");
}

static void test_report(void **state)
{
	(void)state;
	verb_contains(work, "graph calls --report", 0, "5 calls of 5 functions");
	verb_contains(work, "graph calls --report", 0, "calls without an end: 1 open when the trace ended, 0 when their task did");
	verb_contains(work, "graph calls --report --sort total", 0, "  vfs_read        1  29.0 us");
	verb_contains(work, "graph calls -F schedule -f comm==nginx --report --json", 0,
		"     \"function\": \"schedule\",\n"
		"     \"address\": \"0xffffffff81000100\",\n"
		"     \"calls\": 1,\n"
		"     \"unended\": 0,\n"
		"     \"total_ns\": 1840000,\n"
		"     \"total_on_cpu_ns\": 20000,\n");
	verb_contains(work, "graph calls --report -t -1ms", 0, "4 calls of");
	verb_contains(work, "graph calls --top 2", 0, "2 of 5 functions make 40.0 % of the calls");
	verb_contains(work, "graph calls --callers schedule", 0, "vfs_read      1  100.0 %  1.84 ms");
	verb_contains(work, "graph calls --callees vfs_read", 0, "handle_irq      1  33.3 %  50.0 us");
	verb_contains(work, "graph calls --callers vfs_read", 0, "[none, or unknown]      1");
}

/* The host says when the vCPU had no pCPU. */
static void test_hosted(void **state)
{
	(void)state;
	verb_contains(work, "graph hosted -m guest", 0, "handle_irq(); /* 10.0 us on a pCPU */");
	verb_contains(work, "graph hosted -F handle_irq --report --json", 0,
		"     \"total_ns\": 50000,\n"
		"     \"total_on_cpu_ns\": 50000,\n"
		"     \"total_on_pcpu_ns\": 10000,\n");
	verb_contains(work, "graph hosted --report", 0, "on pCPU");
	verb_contains(work, "graph hosted --report -m host", 1, "machine host has no events of functions");
}

static void test_entries_only(void **state)
{
	(void)state;
	verb_contains(work, "graph entries --report", 0, "entries only: what calls took");
	verb_contains(work, "graph entries --report", 0, "vfs_read      2  66.7 %");
	verb_contains(work, "graph entries --report --json", 0, "\"timed\": false");
	verb_contains(work, "graph entries", 0, ":            | vfs_read\n");
}

static void test_lost(void **state)
{
	(void)state;
	verb_contains(
		work, "graph lost", 0, "          ? | vfs_read(); /*, end not known: events were lost */\n");
	verb_contains(work, "graph lost", 0, "[CPU 0: 5 events lost]\n");
	verb_contains(work, "graph lost --report", 0,
		"5 events lost, gaps: 1, calls whose end is not known: 1\n"
		"  exits without an entry: 1, of functions entered before, or in a gap\n");
}

static void test_mistakes(void **state)
{
	(void)state;
	verb_expect(work, "graph none", 1,
		"hypertrace: the trace has no events of functions\n"
		"hint: a stock guest: hypertrace run --channel ftrace -F '*' --probe fgraph -- COMMAND\n");
	verb_contains(work, "graph calls --callers vfs_rea", 1,
		"hypertrace: the trace has no call of a function vfs_rea\nhint: did you mean vfs_read?");
	verb_contains(work, "graph calls -f 'irq.duration>1ms'", 2, "a condition on durations is of no use here");
	verb_contains(work, "graph calls --report --callers x", 2, "only one of");
	verb_contains(work, "graph calls -m nobody", 1, "nobody");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_hosted),
		cmocka_unit_test(test_entries_only),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
