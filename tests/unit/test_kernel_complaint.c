/* SPDX-License-Identifier: MIT */
/* What kernels complain of: lines as 6.1 and 6.12 write them, and which of them belong together. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "host/kernel/kernel_complaint.h"
#include "host/kernel/panic_state.h"

static void test_lines(void **state)
{
	static const struct {
		const char *line;
		int kind; /* -1: an ordinary line */
		enum complaint_severity severity;
	} lines[] = {
		{"Kernel panic - not syncing: sysrq triggered crash", COMPLAINT_PANIC, COMPLAINT_FATAL},
		{"---[ end Kernel panic - not syncing: sysrq triggered crash ]---", -1, 0},
		{"BUG: kernel NULL pointer dereference, address: 0000000000000000", COMPLAINT_OOPS,
			COMPLAINT_ERROR},
		{"BUG: unable to handle page fault for address: ffffffffc0000000", COMPLAINT_OOPS,
			COMPLAINT_ERROR},
		{"Oops: 0002 [#1] PREEMPT SMP NOPTI", COMPLAINT_OOPS, COMPLAINT_ERROR},
		{"Oops: Oops: 0002 [#1] PREEMPT SMP NOPTI", COMPLAINT_OOPS, COMPLAINT_ERROR},
		{"Oops: general protection fault, probably for non-canonical address 0x12: 0000 [#1]",
			COMPLAINT_OOPS, COMPLAINT_ERROR},
		{"general protection fault, probably for non-canonical address 0xdead000000000122: 0000 [#1]",
			COMPLAINT_OOPS, COMPLAINT_ERROR},
		{"divide error: 0000 [#1] PREEMPT SMP NOPTI", COMPLAINT_OOPS, COMPLAINT_ERROR},
		{"kernel BUG at mm/slub.c:435!", COMPLAINT_OOPS, COMPLAINT_ERROR},
		{"BUG: Bad page state in process cat  pfn:1234", COMPLAINT_CORRUPTION, COMPLAINT_ERROR},
		{"BUG: KASAN: use-after-free in foo+0x12/0x34", COMPLAINT_CORRUPTION, COMPLAINT_ERROR},
		{"BUG: scheduling while atomic: insmod/123/0x00000002", COMPLAINT_LOCKING, COMPLAINT_ERROR},
		{"BUG: something new", COMPLAINT_BUG, COMPLAINT_ERROR},
		{"WARNING: CPU: 1 PID: 77 at kernel/softirq.c:376 foo+0x12/0x34", COMPLAINT_WARNING,
			COMPLAINT_WARN},
		{"WARNING: possible circular locking dependency detected", COMPLAINT_LOCKING, COMPLAINT_WARN},
		{"watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [dd:123]", COMPLAINT_LOCKUP,
			COMPLAINT_ERROR},
		{"watchdog: Watchdog detected hard LOCKUP on cpu 3", COMPLAINT_LOCKUP, COMPLAINT_ERROR},
		{"BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 31s!",
			COMPLAINT_LOCKUP, COMPLAINT_ERROR},
		{"INFO: task dd:123 blocked for more than 120 seconds.", COMPLAINT_HUNG_TASK,
			COMPLAINT_ERROR},
		{"rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:", COMPLAINT_STALL, COMPLAINT_ERROR},
		{"rcu: INFO: rcu_sched self-detected stall on CPU", COMPLAINT_STALL, COMPLAINT_ERROR},
		{"Out of memory: Killed process 12 (stress) total-vm:1kB", COMPLAINT_OUT_OF_MEMORY,
			COMPLAINT_WARN},
		{"kworker/0:1: page allocation failure: order:5, mode:0x40cc0", COMPLAINT_OUT_OF_MEMORY,
			COMPLAINT_WARN},
		{"irq 16: nobody cared (try booting with the \"irqpoll\" option)", COMPLAINT_HARDWARE,
			COMPLAINT_WARN},
		{"list_del corruption. prev->next should be ffff, but was dead", COMPLAINT_CORRUPTION,
			COMPLAINT_ERROR},
		{"Linux version 6.12.117 (debian-kernel@lists.debian.org)", -1, 0},
		{"Kernel command line: panic=-1 oops=panic", -1, 0},
		{"rcu: Hierarchical RCU implementation.", -1, 0},
		{"watchdog: Delayed init of the lockup detector failed: -19", -1, 0},
		{"NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.", -1, 0},
		{"", -1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct complaint_rule *rule = complaint_rule_find(lines[i].line, strlen(lines[i].line));

		if (lines[i].kind < 0) {
			if (rule)
				fail_msg("'%s': '%s'", lines[i].line, rule->text);
			continue;
		}
		if (!rule || (int)rule->kind != lines[i].kind || rule->severity != lines[i].severity)
			fail_msg("'%s': '%s'", lines[i].line, rule ? rule->text : "nothing");
	}
	assert_null(complaint_rule_find("Kernel panic - not syn", 22));
}

/* Feeds the lines of `text`, one record each, of one caller. */
static void feed(struct kernel_complaints *complaints, uint32_t caller, const char *text)
{
	static uint64_t seq;

	while (*text) {
		struct printk_record record = {
			.seq = ++seq, .ts_ns = 1000 * seq, .caller = caller, .text = text};

		record.length = strcspn(text, "\n");
		assert_int_equal(kernel_complaints_feed(complaints, &record), 0);
		text += record.length + (text[record.length] == '\n');
	}
}

static void test_oops_and_panic(void **state)
{
	struct kernel_complaints complaints = {0};
	const struct kernel_complaint *oops, *panic;

	(void)state;
	feed(&complaints, 144,
		"BUG: kernel NULL pointer dereference, address: 0000000000000000\n"
		"#PF: supervisor write access in kernel mode\n"
		"Oops: Oops: 0002 [#1] PREEMPT SMP NOPTI\n"
		"CPU: 1 UID: 0 PID: 144 Comm: my prog Not tainted 6.12.117+deb12-cloud-amd64 #1  Debian\n"
		"RIP: 0010:do_bad+0x16/0x20 [bad]\n");
	feed(&complaints, 145, "an ordinary line of another task\n"); /* between them */
	feed(&complaints, 144,
		"Call Trace:\n <TASK>\n ? __die_body.cold+0x19/0x27\n do_bad+0x16/0x20 [bad]\n vfs_write+0xf8/0x450\n"
		"RIP: 0033:0x47b7a0\nCode: 40 00\n </TASK>\nModules linked in: bad\n"
		"---[ end trace 0000000000000000 ]---\nRIP: 0010:other+0x1/0x2\n"
		"Kernel panic - not syncing: Fatal exception\n"
		"Kernel Offset: 0x18600000 from 0xffffffff81000000\n");
	assert_int_equal(complaints.count, 2);
	oops = complaints.items[0];
	panic = complaints.items[1];
	assert_int_equal(oops->kind, COMPLAINT_OOPS);
	assert_string_equal(oops->text, "BUG: kernel NULL pointer dereference, address: 0000000000000000");
	assert_string_equal(oops->rip, "do_bad+0x16/0x20 [bad]");
	assert_string_equal(oops->comm, "my prog");
	assert_int_equal(oops->cpu, 1);
	assert_int_equal(oops->pid, 144);
	assert_int_equal(oops->nr_calls, 3);
	assert_string_equal(oops->calls[0], "? __die_body.cold+0x19/0x27");
	assert_string_equal(oops->calls[2], "vfs_write+0xf8/0x450");
	assert_int_equal(panic->kind, COMPLAINT_PANIC);
	assert_int_equal(panic->severity, COMPLAINT_FATAL);
	assert_string_equal(panic->text, "Kernel panic - not syncing: Fatal exception");
	assert_int_equal(complaints.total[COMPLAINT_OOPS], 1);
	kernel_complaints_deinit(&complaints);
}

static void test_first_lines(void **state)
{
	struct kernel_complaints complaints = {0};

	(void)state;
	feed(&complaints, PRINTK_CALLER_CPU | 1,
		"watchdog: BUG: soft lockup - CPU#12 stuck for 22s! [a:b c:123]\n");
	feed(&complaints, 30,
		"INFO: task kworker/0:1:77 blocked for more than 120 seconds.\n"
		"      Not tainted 6.1.0-56-cloud-amd64 #1\nCall Trace:\n <TASK>\n __schedule+0x34d/0xa00\n");
	feed(&complaints, 31,
		"WARNING: CPU: 3 PID: 9 at kernel/softirq.c:376 foo+0x12/0x34\nWARNING: something else\n");
	assert_int_equal(complaints.count, 4);
	assert_int_equal(complaints.items[0]->cpu, 12);
	assert_int_equal(complaints.items[0]->pid, 123);
	assert_string_equal(complaints.items[0]->comm, "a:b c");
	assert_string_equal(complaints.items[1]->comm, "kworker/0:1");
	assert_int_equal(complaints.items[1]->pid, 77);
	assert_int_equal(complaints.items[1]->cpu, -1);
	assert_string_equal(complaints.items[1]->calls[0], "__schedule+0x34d/0xa00");
	assert_int_equal(complaints.items[2]->cpu, 3);
	assert_int_equal(complaints.items[2]->pid, 9);
	assert_int_equal(complaints.items[3]->pid, -1);
	kernel_complaints_deinit(&complaints);
}

static void test_foreign(void **state)
{
	struct kernel_complaints complaints = {0};
	struct printk_record record = {
		.facility = 1, .text = "Kernel panic - not syncing: a joke", .length = 34};
	char noise[3000];

	(void)state;
	kernel_complaints_feed(&complaints, &record); /* a program may write anything */
	assert_int_equal(complaints.count, 0);
	memset(noise, 'x', sizeof(noise));
	memcpy(noise, "BUG: ", 5);
	noise[8] = '\0';
	record = (struct printk_record){.text = noise, .length = sizeof(noise)};
	kernel_complaints_feed(&complaints, &record);
	assert_int_equal(complaints.count, 1);
	assert_int_equal(strlen(complaints.items[0]->text), COMPLAINT_TEXT_BYTES - 1);
	for (unsigned i = 0; i < 2000; i++) /* many of them, with traces without an end */
		feed(&complaints, i, "BUG: again\nCall Trace:\n a+0x1/0x2\n b+0x1/0x2\n");
	assert_int_equal(complaints.count, COMPLAINTS_MAX);
	assert_int_equal(complaints.total[COMPLAINT_BUG], 2001);
	feed(&complaints, 5, "Kernel panic - not syncing: after all\n");
	assert_int_equal(complaints.items[complaints.count - 1]->kind, COMPLAINT_PANIC);
	for (unsigned i = 0; i < 100; i++)
		feed(&complaints, 5, " c+0x1/0x2\nCall Trace:\n d+0x1/0x2\n");
	assert_int_equal(complaints.items[complaints.count - 1]->nr_calls, COMPLAINT_CALLS_MAX);
	kernel_complaints_deinit(&complaints);
}

static void test_names(void **state)
{
	(void)state;
	for (int kind = 0; kind < COMPLAINT_KINDS; kind++)
		assert_non_null(complaint_kind_name((enum complaint_kind)kind));
	assert_string_equal(complaint_kind_name(COMPLAINT_HUNG_TASK), "hung task");
	assert_string_equal(complaint_severity_name(COMPLAINT_FATAL), "fatal");
	assert_int_equal(taint_name(7)->letter, 'D');
	assert_int_equal(taint_name(9)->letter, 'W');
	assert_null(taint_name(TAINT_BITS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_oops_and_panic),
		cmocka_unit_test(test_first_lines),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
