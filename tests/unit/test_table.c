/* SPDX-License-Identifier: MIT */
/* Tables of text, and numbers as people read them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hypertrace/human.h"
#include "tools/hypertrace/table.h"

static void test_numbers(void **state)
{
	(void)state;
	assert_string_equal(human_ns(0).text, "0 ns");
	assert_string_equal(human_ns(999).text, "999 ns");
	assert_string_equal(human_ns(1000).text, "1.00 us");
	assert_string_equal(human_ns(12345).text, "12.3 us");
	assert_string_equal(human_ns(999499).text, "999 us");
	assert_string_equal(human_ns(999600).text, "1.00 ms");
	assert_string_equal(human_ns(119000000000).text, "119 s");
	assert_string_equal(human_ns(125000000000).text, "2 m 05 s");
	assert_string_equal(human_ns(7260000000000).text, "2 h 01 m");
	assert_string_equal(human_ns(UINT64_MAX).text, "5124095 h 34 m");
	assert_string_equal(human_count(0).text, "0");
	assert_string_equal(human_count(999).text, "999");
	assert_string_equal(human_count(1000).text, "1,000");
	assert_string_equal(human_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
	assert_string_equal(human_bytes(1023).text, "1023 B");
	assert_string_equal(human_bytes(1536).text, "1.50 KiB");
	assert_string_equal(human_bytes(UINT64_MAX).text, "16777216 TiB");
	assert_string_equal(human_share(1, 3).text, "33.3 %");
	assert_string_equal(human_share(1, 0).text, "-");
}

static void test_columns(void **state)
{
	static const char *const headers[] = {"<name", "n", "<what", NULL};
	cleanup_table struct table table;
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	table_init(&table, headers);
	table_foreign(&table, "a\x1b[31mb", 20);
	table_count(&table, 12345);
	table_cell(&table, "%s", "x");
	table_foreign(&table, "grüße", 20);
	table_count(&table, 0);
	table_cell(&table, "yy");
	table_foreign(&table, "much longer than that", 8);
	table_ns(&table, 7);
	table_cell(&table, "%s", "");
	table_print(&table, out, false);
	fclose(out);
	assert_string_equal(text,
		"  name             n  what\n"
		"  a\\x1b[31mb  12,345  x\n"
		"  grüße            -  yy\n"
		"  much l..      7 ns  \n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
