/* SPDX-License-Identifier: MIT */
/* The nearest names for patterns that name no symbol; and how patterns become wishes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "host/collect/function_names.h"
#include "host/collect/recorder.h"

static const char symbols[] = "ffffffff81000000 t vfs_read\nffffffff81000100 t vfs_write\n"
			      "ffffffff81000200 t __do_sys_getppid\n";

static const char *hint_for(const char *patterns)
{
	static char hint[FUNCTION_NAMES_HINT_BYTES];
	static struct function_wishes wishes;
	const struct recorder_functions functions = {.patterns = patterns};
	struct names names = {0};

	assert_int_equal(function_wishes_parse(&wishes, &functions, NULL), 0);
	assert_int_equal(names_parse_symbols(&names, symbols, strlen(symbols)), 0);
	function_names_hint(&names, &wishes, hint);
	names_deinit(&names);
	return hint;
}

static void nearest_is_named(void **state)
{
	(void)state;
	assert_string_equal(hint_for("vfs_reed"), "vfs_reed: did you mean vfs_read?");
	assert_string_equal(hint_for("vfs_*,do_sys_getppid,vfs_wriet"),
		"do_sys_getppid: did you mean __do_sys_getppid? vfs_wriet: did you mean vfs_write?");
	assert_string_equal(hint_for("vfs_*"), "");
	assert_string_equal(hint_for("vfs_*,!vfs_reed"), "");
	assert_string_equal(hint_for("zzzzzzzzzzzzzzzzzzzz"), "");
}

/* As many as a page takes: what does not fit is left out, whole. */
static void hint_is_bounded(void **state)
{
	char many[1024] = "";

	(void)state;
	for (int i = 0; i < 60; i++)
		strcat(many, i ? ",vfs_reed" : "vfs_reed");
	hint_for(many);
	assert_true(strlen(hint_for(many)) < FUNCTION_NAMES_HINT_BYTES);
	assert_int_equal(hint_for(many)[strlen(hint_for(many)) - 1], '?');
}

static void no_symbols_no_hint(void **state)
{
	struct function_wishes wishes;
	const struct recorder_functions functions = {.patterns = "vfs_reed"};
	const struct names names = {0};
	char hint[FUNCTION_NAMES_HINT_BYTES];

	(void)state;
	assert_int_equal(function_wishes_parse(&wishes, &functions, NULL), 0);
	function_names_hint(&names, &wishes, hint);
	assert_string_equal(hint, "");
}

static void wishes_are_checked(void **state)
{
	static struct function_wishes wishes;
	static struct ht_control control;
	static char many[2 * HT_CONTROL_FUNCTION_BYTES];
	const struct {
		struct recorder_functions functions;
		int code;
	} cases[] = {
		{{.patterns = "a;b"}, -EINVAL},
		{{.patterns = "!vfs_*"}, -EINVAL},
		{{.depth = 2}, -EINVAL},
		{{.patterns = "vfs_read", .probe = HT_FUNCTION_ENTRY, .min_ns = 1}, -EINVAL},
		{{.patterns = many}, -E2BIG},
		{{.patterns = NULL}, 0},
	};
	struct error error = {0};

	(void)state;
	memset(many, 'a', sizeof(many) - 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(function_wishes_parse(&wishes, &cases[i].functions, &error), cases[i].code);
	assert_int_equal(
		function_wishes_parse(&wishes,
			&(struct recorder_functions){.patterns = "*,__rcu_read_lock", .depth = 3}, NULL),
		0);
	function_wishes_fill(&wishes, &control);
	assert_int_equal(strncmp(control.functions, "*\n__rcu_read_lock\n!", 19), 0);
	assert_non_null(strstr(control.functions, "!__rcu_read_unlock\n")); /* noise */
	assert_null(strstr(control.functions, "!__rcu_read_lock\n"));       /* but what is named */
	assert_int_equal(control.function_probe, HT_FUNCTION_RETURN);
	assert_int_equal(control.function_depth, 3);
	for (uint32_t i = 0; i < HT_CONTROL_DROPPED; i++)
		assert_int_equal(function_wishes_drop(&wishes, i), 0);
	assert_int_equal(function_wishes_drop(&wishes, 1), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nearest_is_named),
		cmocka_unit_test(hint_is_bounded),
		cmocka_unit_test(no_symbols_no_hint),
		cmocka_unit_test(wishes_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
