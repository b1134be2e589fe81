/* SPDX-License-Identifier: MIT */
/* `hypertrace dump` and `info`, run as a user runs them: output, messages and exit status. */
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
#include "tests/unit/trace_maker.h"
#include "tests/unit/verb_run.h"

static char *trace_path;

static void put(int dir_fd, const char *path, const char *text)
{
	assert_int_equal(file_replace(dir_fd, path, text, strlen(text), NULL), 0);
}

/* A kernel tracepoint's format and record, as the guest sends them. */
static const char format[] = "system: demo\nname: thing\nID: 300\nformat:\n"
			     "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
			     "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
			     "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
			     "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
			     "\tfield:int number;\toffset:8;\tsize:4;\tsigned:1;\n"
			     "\nprint fmt: \"number=%d\", REC->number\n";

static int set_up(void **state)
{
	static const struct {
		uint32_t parent, child, tgid;
		char comm[16];
	} fork = {7, 8, 8, "ch\033ld"};
	static const uint8_t marker[] = {7, 0, 0, 0, 5, 0, 'h', 'i', '\n', '\\', '!'};
	uint8_t raw[6 + 12] = {300 & 255, 300 >> 8, 0, 0, 12, 0, 300 & 255, 300 >> 8};
	uint8_t sys_exit[6] = {0xfe, 0xff, 0xff, 0xff, 0x01, 0x01}; /* -2, 257 */
	uint64_t function = 0xffffffff81000010;
	const uint64_t second = TRACE_MAKER_HZ;
	struct maker_stream cpu;
	uint16_t nr = 257;
	int fd;

	(void)state;
	trace_path = maker_directory();
	fd = open(trace_path, O_RDONLY | O_DIRECTORY);
	maker_metadata(fd, "vm");
	mkdirat(fd, "names", 0777);
	mkdirat(fd, "names/formats", 0777);
	put(fd, "names/tasks", "7 7 bash\n");
	put(fd, "names/symbols", "ffffffff81000000 T tick\n");
	put(fd, "names/formats/300", format);

	maker_stream_init(&cpu, fd, 0);
	maker_switch(&cpu, second, 7, 1, 120);
	maker_event(&cpu, MAKER_SYS_ENTER, second + 2500, &nr, 2);
	maker_event(&cpu, MAKER_SYS_EXIT, second + 7500, sys_exit, 6);
	maker_event(&cpu, MAKER_MARKER, second + 10000, marker, sizeof(marker));
	maker_event(&cpu, MAKER_TASK, second + 12500, &fork, 28);
	maker_switch(&cpu, second + 15000, 8, 256, -1);
	maker_flush(&cpu);
	cpu.lost = 3;
	maker_event(&cpu, MAKER_SYS_EXIT, 3 * second, sys_exit, 6);
	maker_switch(&cpu, 3 * second + 2500, 9, 0, 5);
	maker_stream_deinit(&cpu);

	maker_stream_init(&cpu, fd, 12);
	maker_event(&cpu, MAKER_TIMER, second + 5000, &function, 8);
	maker_event(&cpu, MAKER_TIMER_EXIT, second + 6250, NULL, 0);
	raw[6 + 8] = 42;
	maker_event(&cpu, MAKER_RAW, second + 8750, raw, sizeof(raw));
	maker_stream_deinit(&cpu);
	close(fd);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	maker_remove(trace_path);
	return 0;
}

/* %s in `arguments` is the trace. */
static int run(struct strbuf *out, const char *arguments)
{
	char filled[512];

	snprintf(filled, sizeof(filled), arguments, trace_path);
	return verb_run(".", filled, out);
}

static void expect(const char *arguments, int status, const char *text)
{
	cleanup_strbuf struct strbuf out = STRBUF_EMPTY, want = STRBUF_EMPTY;
	int result = run(&out, arguments);

	strbuf_printf(&want, strstr(text, "%s") ? text : "%s", strstr(text, "%s") ? trace_path : text);
	assert_string_equal(out.data ? out.data : "", want.data);
	assert_int_equal(result, status);
}

#define LOST "hypertrace: 3 events were lost while recording\n"

static void test_text(void **state)
{
	(void)state;
	expect("dump %s", 0,
		"          <idle>-0       [000]     0.000000000: sched_switch:         <idle>:0 S ==> bash:7 "
		"[120]\n"
		"            bash-7       [000]     0.000001000: sys_enter:            openat()\n"
		"          <idle>-0       [012]     0.000002000: hrtimer_expire_entry: function=tick+0x10\n"
		"          <idle>-0       [012]     0.000002500: hrtimer_expire_exit:  \n"
		"            bash-7       [000]     0.000003000: sys_exit:             openat = -2 ENOENT\n"
		"          <idle>-0       [012]     0.000003500: thing:                number=42\n"
		"            bash-7       [000]     0.000004000: marker:               hi\\n\\\\!\n"
		"            bash-7       [000]     0.000005000: sched_process_fork:   bash:7 forks "
		"ch\\x1bld:8\n"
		"            bash-7       [000]     0.000006000: sched_switch:         bash:7 [120] R+ ==> "
		"ch\\x1bld:8 [-1]\n"
		"[CPU 0: 3 events lost]\n"
		"        ch\\x1bld-8       [000]     2.000000000: sys_exit:             openat = -2 ENOENT\n"
		"        ch\\x1bld-8       [000]     2.000001000: sched_switch:         ch\\x1bld:8 R ==> "
		"<...>:9 [5]\n" LOST);
}

static void test_filters(void **state)
{
	(void)state;
	expect("dump %s -e syscalls -f pid==7 --utc", 0,
		"            bash-7       [000] 2023-11-14T22:13:21.500001000: sys_enter:            "
		"openat()\n"
		"            bash-7       [000] 2023-11-14T22:13:21.500003000: sys_exit:             openat "
		"= -2 ENOENT\n"
		"[CPU 0: 3 events lost]\n" LOST);
	expect("dump %s -f comm==bash -e marker --time 0..1", 0,
		"            bash-7       [000]     0.000004000: marker:               hi\\n\\\\!\n");
	expect("dump %s -f cpu==12 -e 'demo:*' ", 2,
		"hypertrace: -e: unknown event 'demo:*'\n"
		"hint: groups: sched, irq, syscalls, args, timers, faults, functions, marker, span, generic, state, vcpu, all; "
		"an event's name; or system:event for any tracepoint of the kernel\n");
	expect("dump %s -e demo:thing", 0,
		"          <idle>-0       [012]     0.000003500: thing:                number=42\n"
		"[CPU 0: 3 events lost]\n" LOST);
	expect("dump %s -e demo:other -c", 0, "0\n" LOST);
	/* a pair is one line, with its duration; nothing is measured across a gap */
	expect("dump %s -e syscalls,timers -f 'duration>500ns'", 0,
		"          <idle>-0       [012]     0.000002500: hrtimer_expire_exit:   (took 0.500 us)\n"
		"            bash-7       [000]     0.000003000: sys_exit:             openat = -2 ENOENT "
		"(took 2.000 us)\n"
		"[CPU 0: 3 events lost]\n" LOST);
	expect("dump %s -f 'hrtimer.duration>501ns' -e timers,marker", 0,
		"            bash-7       [000]     0.000004000: marker:               hi\\n\\\\!\n"
		"[CPU 0: 3 events lost]\n" LOST);
}

static void test_counts(void **state)
{
	(void)state;
	expect("dump %s --count", 0, "11\n" LOST);
	expect("dump %s --count --time -1s", 0, "9\n");
	expect("dump %s --count --json -e sched", 0,
		"{\"events\":4,\"lost\":3,\"by_event\":{\"sched_switch\":3,\"sched_process_fork\":1}}"
		"\n" LOST);
}

static void test_json(void **state)
{
	cleanup_strbuf struct strbuf out = STRBUF_EMPTY;
	const char *name = strrchr(trace_path, '/') + 1;
	char want[1024];

	(void)state;
	assert_int_equal(run(&out, "dump %s --json -e marker,timers,generic --time -1"), 0);
	snprintf(want, sizeof(want),
		"{\"machine\":\"%s\",\"time_ns\":1700000001500002000,\"cpu\":12,\"pid\":0,\"comm\":\"<idle>"
		"\","
		"\"event\":\"hrtimer_expire_entry\",\"symbol\":\"tick\",\"fields\":{\"function\":\"0xffffffff81000010\"}}\n"
		"{\"machine\":\"%s\",\"time_ns\":1700000001500002500,\"cpu\":12,\"pid\":0,\"comm\":\"<idle>"
		"\","
		"\"event\":\"hrtimer_expire_exit\",\"fields\":{}}\n"
		"{\"machine\":\"%s\",\"time_ns\":1700000001500003500,\"cpu\":12,\"pid\":0,\"comm\":\"<idle>"
		"\","
		"\"event\":\"tracepoint\",\"tracepoint\":\"demo:thing\",\"text\":\"number=42\","
		"\"fields\":{\"format\":300,\"raw\":\"2c01000000000000"
		"2a000000\"}}\n"
		"{\"machine\":\"%s\",\"time_ns\":1700000001500004000,\"cpu\":0,\"pid\":7,\"comm\":\"bash\","
		"\"event\":\"marker\",\"fields\":{\"pid\":7,\"text\":\"hi\\u000a\\\\!\"}}\n",
		name, name, name, name);
	assert_string_equal(out.data, want);
}

/* Whose sys_exit does not say which call it ends: the enter before says it, or the parent's before the fork. */
static void test_calls(void **state)
{
	static const struct {
		uint32_t parent, child, tgid;
		char comm[16];
	} fork = {7, 8, 8, "bash"};
	char *other = trace_path;
	struct maker_stream cpu;
	uint16_t nrs[] = {110, 57, 0};
	int8_t ret = 1, no = 0;
	uint64_t at = TRACE_MAKER_HZ;
	int fd;

	(void)state;
	trace_path = maker_directory();
	fd = open(trace_path, O_RDONLY | O_DIRECTORY);
	maker_metadata(fd, "vm");
	maker_stream_init(&cpu, fd, 0);
	maker_event(&cpu, MAKER_SYS_EXIT_SHORT, at, &ret, 1); /* it began before the trace */
	maker_switch(&cpu, at, 7, 1, 120);
	maker_event(&cpu, MAKER_SYS_ENTER, at, &nrs[0], 2);
	maker_event(&cpu, MAKER_SYS_EXIT_SHORT, at, &ret, 1);
	maker_event(&cpu, MAKER_SYS_ENTER, at, &nrs[1], 2);
	maker_event(&cpu, MAKER_TASK, at, &fork, 28);
	maker_switch(&cpu, at, 8, 0, 120);
	maker_event(&cpu, MAKER_SYS_EXIT_SHORT, at, &no, 1);
	maker_event(&cpu, MAKER_SYS_ENTER, at, &nrs[2], 2);
	maker_flush(&cpu);
	cpu.lost = 3;
	maker_event(&cpu, MAKER_SYS_EXIT_SHORT, at, &ret, 1); /* the end of which? */
	maker_event(&cpu, MAKER_SYS_ENTER, at, &nrs[2], 2);
	maker_event(&cpu, MAKER_SYS_EXIT, at, "\xfb\xff\xff\xff\0\0", 6); /* this one says it itself */
	maker_stream_deinit(&cpu);
	close(fd);
	expect("dump %s -e sys_exit 2>/dev/null | cut -c 71-", 0,
		"? = 1\ngetppid = 1\nfork = 0\n\n? = 1\nread = -5 EIO\n");
	expect("dump %s -e sys_exit --json 2>/dev/null | grep -o '\"syscall.*'", 0,
		"\"syscall\":\"getppid\",\"fields\":{\"ret\":1,\"nr\":110}}\n"
		"\"syscall\":\"fork\",\"fields\":{\"ret\":0,\"nr\":57}}\n"
		"\"syscall\":\"read\",\"fields\":{\"ret\":-5,\"nr\":0}}\n");
	expect("dump %s --count --json -e syscalls", 0,
		"{\"events\":9,\"lost\":3,\"by_event\":{\"sys_enter\":4,\"sys_exit\":5}}\n" LOST);
	maker_remove(trace_path);
	trace_path = other;
}

static void test_errors(void **state)
{
	(void)state;
	expect("dump %s -f pdi==1", 2, "hypertrace: -f: unknown word 'pdi'\nhint: did you mean pid?\n");
	expect("dump %s --time 5-2", 2,
		"hypertrace: --time: '5-2' is not FROM-TO\nhint: for example 1.5-2, 200ms-300ms, 1m- or "
		"-10s, from the "
		"start of the trace\n");
	expect("dump %s --utc --monotonic", 2,
		"hypertrace: --utc and --monotonic exclude each other\nhint: leave one of them out\n");
	expect("info /etc/passwd", 1,
		"hypertrace: /etc/passwd: not a trace: a trace is a directory\n"
		"hint: name a directory that hypertrace record or run has made\n");
	expect("dump %s | head -1", 0,
		"          <idle>-0       [000]     0.000000000: sched_switch:         <idle>:0 S ==> bash:7 "
		"[120]\n");
}

/* Last, because it leaves the trace damaged: what is whole is shown, then the error, and the status says so. */
static void test_damage(void **state)
{
	char path[256];

	(void)state;
	snprintf(path, sizeof(path), "%s/cpu0", trace_path);
	assert_int_equal(truncate(path, 330), 0);
	expect("dump %s -e marker", 1,
		"            bash-7       [000]     0.000004000: marker:               hi\\n\\\\!\n"
		"hypertrace: %s/cpu0: packet at byte 208: the file ends 6 bytes before it does\n"
		"hint: what could be read of the trace was read: all but 2 events\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
