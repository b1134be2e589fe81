/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/ftrace_boot.h"

static void words_are(const struct ftrace_boot_wishes *wishes, const char *part, const char *missing)
{
	char *words = ftrace_boot_words(wishes);

	assert_non_null(words);
	if (!strstr(words, part))
		fail_msg("'%s' is not in: %s", part, words);
	if (missing && strstr(words, missing))
		fail_msg("'%s' is in: %s", missing, words);
	free(words);
}

static void selection_is(const struct ftrace_boot_wishes *wishes, const char *expected)
{
	char *selection = ftrace_boot_selection(wishes);

	assert_string_equal(selection, expected);
	free(selection);
}

static void test_events(void **state)
{
	const struct ftrace_boot_wishes usual = {.events = ""};
	const struct ftrace_boot_wishes shutdown = {
		.events = "shutdown,!sched_switch", .ring_bytes = 1 << 20};

	(void)state;
	words_are(&usual, "trace_buf_size=4096K trace_event=sched:sched_switch,", "ftrace=");
	words_are(&usual, "irq:*,raw_syscalls:*", NULL);
	words_are(&shutdown, "trace_buf_size=1024K", "sched:sched_switch");
	words_are(&shutdown,
		" ftrace=function_graph initcall_debug ftrace_graph_filter=kernel_restart,kernel_power_off,kernel_halt",
		"ftrace_filter=");
}

static void test_functions(void **state)
{
	const struct ftrace_boot_wishes all = {.functions = "*"};
	const struct ftrace_boot_wishes some = {
		.functions = "vfs_*,!vfs_fsync*,ksys_read,!ksys_sync", .graph = true, .events = "irq"};
	const struct ftrace_boot_wishes others = {.functions = "*,!rcu_*"};

	(void)state;
	words_are(&all, "trace_buf_size=16384K", "ftrace_filter=");
	words_are(&all, "initcall:*,module:module_load ftrace=function", "ftrace_notrace=");
	words_are(&some,
		"irq:* ftrace=function_graph ftrace_filter=vfs_*,ksys_read ftrace_notrace=vfs_fsync*,ksys_sync",
		"initcall");
	words_are(&others, " ftrace=function ftrace_notrace=rcu_*", "ftrace_filter=");
	selection_is(
		&all, "sched_switch,sched_process_fork,sched_process_exec,task_rename,initcall,function");
	selection_is(
		&some, "sched_switch,sched_process_fork,sched_process_exec,task_rename,irq,function_graph");
}

static void refused(const char *functions, int code, const char *text)
{
	struct error error = {0};

	assert_int_equal(
		ftrace_boot_check(&(struct ftrace_boot_wishes){.functions = functions}, &error), code);
	assert_string_equal(error.text, text);
}

static void test_bad_patterns(void **state)
{
	char *many = calloc(1, FTRACE_BOOT_PATTERNS_MAX + 2);

	(void)state;
	assert_int_equal(ftrace_boot_check(&(struct ftrace_boot_wishes){.functions = NULL}, NULL), 0);
	assert_int_equal(
		ftrace_boot_check(&(struct ftrace_boot_wishes){.functions = "a.isra.0,!b[cd]?*"}, NULL), 0);
	refused("a b", -EINVAL, "-F a b: 'a b' is no pattern of functions");
	refused("a,,b", -EINVAL, "-F a,,b: '' is no pattern of functions");
	refused("a,", -EINVAL, "-F a,: '' is no pattern of functions");
	refused("!", -EINVAL, "-F !: '' is no pattern of functions");
	refused("a=b", -EINVAL, "-F a=b: 'a=b' is no pattern of functions");
	memset(many, 'a', FTRACE_BOOT_PATTERNS_MAX + 1);
	refused(many, -E2BIG, "-F: more patterns than a kernel's command line takes");
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_functions),
		cmocka_unit_test(test_bad_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
