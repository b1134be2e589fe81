/* SPDX-License-Identifier: MIT */
/* Symbols that a user names: the three programs' forms, and what is no such file. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/model/symbol_file.h"

static void test_forms(void **state)
{
	static const char text[] = "0000000000000000 A fixed_percpu_data\n"
				   "ffffffff81000000 T _stext\n"
				   "                 U printf\n"
				   "                 w __gmon_start__\n"
				   "ffffffff81000200 t late\n"
				   "ffffffffc0001000 t in_module\t[mod]\n"
				   "ffff82d040200000 t xen.c#local.isra.0 [x]\n"
				   "FFFFFFFF81000100 W weak"; /* no newline at the end */
	struct names names = {0};
	struct error error = {0};
	uint64_t offset;

	(void)state;
	assert_int_equal(symbol_file_parse(&names, text, strlen(text), &error), 0);
	assert_int_equal(names.nr_symbols, 5);
	assert_string_equal(names_symbol(&names, 0xffffffff81000123, &offset), "weak");
	assert_int_equal(offset, 0x23);
	assert_string_equal(names_symbol(&names, 0xffffffffc0001001, &offset), "in_module");
	assert_string_equal(names_symbol(&names, 0xffff82d040200000, &offset), "xen.c#local.isra.0");
	assert_null(names_symbol(&names, 0x401000, &offset));
	names_deinit(&names);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *says;
		size_t bytes; /* 0: of the text */
	} cases[] = {
		{"", "is empty", 0},
		{"ffffffff81000000 T a\0b\n", "a NUL byte: this is no text", 23},
		{"0000000000000000 T a\n0000000000000000 t b\n", "no symbol has an address", 0},
		{"ffffffff81000000 T a\n\nffffffff81000000 T b\n", "line 2: no address at its beginning", 0},
		{"Symbols from xen-syms:\n", "line 1: no address at its beginning", 0},
		{"0xffffffff81000000 T a\n", "line 1: no address at its beginning", 0},
		{"ffffffff810000000 T a\n", "line 1: no address at its beginning", 0},
		{"         ", "line 1: no address at its beginning", 0},
		{"    UU x", "line 1: no address at its beginning", 0},
		{"ffffffff81000000", "line 1: no type, which is one letter, behind the address", 0},
		{"ffffffff81000000 ", "line 1: no type, which is one letter, behind the address", 0},
		{"ffffffff81000000 0000000000000010 T a\n",
			"line 1: no type, which is one letter, behind the address", 0},
		{"ffffffff81000000 T", "line 1: no name", 0},
		{"ffffffff81000000 T ", "line 1: no name", 0},
		{"ffffffff81000000 T  a", "line 1: no name", 0},
		{"ffffffff81000000 T a\r\n", "line 1: a name with a character that no symbol has", 0},
		{"ffffffff81000000 T a\"b\n", "line 1: a name with a character that no symbol has", 0},
		{"ffffffff81000000 T \xc3\xa4\n", "line 1: a name with a character that no symbol has", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct names names = {0};
		struct error error = {0};
		size_t bytes = cases[i].bytes ? cases[i].bytes : strlen(cases[i].text);

		assert_int_equal(symbol_file_parse(&names, cases[i].text, bytes, &error), -EINVAL);
		assert_string_equal(error.text, cases[i].says);
		assert_true(error.hint[0]);
		names_deinit(&names);
	}
}

static void test_files(void **state)
{
	struct names names = {0};
	struct error error = {0};

	(void)state;
	assert_int_equal(symbol_file_load(&names, "/nonexistent/System.map", &error), -ENOENT);
	assert_non_null(strstr(error.text, "/nonexistent/System.map"));
	assert_int_equal(symbol_file_load(&names, "/dev/null", &error), -EINVAL);
	assert_string_equal(error.text, "/dev/null: is empty");
	assert_int_equal(symbol_file_load(&names, "/dev/zero", &error), -EFBIG);
	names_deinit(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
