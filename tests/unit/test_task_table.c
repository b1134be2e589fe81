/* SPDX-License-Identifier: MIT */
/* Tasks by pid: names, pids used again, a million made-up ones; and the table of rows with a limit. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/analysis/capped_table.h"
#include "lib/analysis/task_table.h"

static void test_names(void **state)
{
	static const char tasks[] = "7 7 named\n9 9 kworker/0:1\n10 9 other\n";
	struct names names = {0};
	struct task_table table;

	(void)state;
	assert_int_equal(names_parse_tasks(&names, tasks, strlen(tasks)), 0);
	assert_int_equal(task_table_init(&table, &names, NULL, NULL), 0);
	assert_string_equal(task_table_at(&table, 0)->comm, "swapper");
	assert_string_equal(task_table_at(&table, 7)->comm, "named");
	assert_int_equal(task_table_at(&table, 7)->tgid, 7);
	assert_string_equal(task_table_at(&table, 8)->comm, "");
	task_table_exec(&table, 8, (const uint8_t *)"sixteen_bytes_ab");
	assert_string_equal(task_table_at(&table, 8)->comm, "sixteen_bytes_ab");
	/* a kernel thread is named after its fork, which only the list of tasks tells */
	task_table_fork(&table, 9, 9, (const uint8_t *)"kthreadd\0\0\0\0\0\0\0\0");
	assert_string_equal(task_table_at(&table, 9)->comm, "kworker/0:1");
	task_table_deinit(&table);
	names_deinit(&names);
}

static void test_a_pid_is_used_again(void **state)
{
	struct task_table table;
	struct task *first, *second;

	(void)state;
	assert_int_equal(task_table_init(&table, NULL, NULL, NULL), 0);
	first = task_table_fork(&table, 7, 7, (const uint8_t *)"first\0\0\0\0\0\0\0\0\0\0");
	assert_ptr_equal(task_table_at(&table, 7), first);
	first->events = 3;
	task_table_exit(&table, 7);
	assert_ptr_equal(task_table_at(&table, 7), first); /* its last switch comes after its exit */
	second = task_table_fork(&table, 7, 6, (const uint8_t *)"second\0\0\0\0\0\0\0\0\0");
	assert_ptr_not_equal(first, second);
	assert_ptr_equal(task_table_at(&table, 7), second);
	assert_int_equal(second->events, 0);
	assert_string_equal(first->comm, "first");
	/* its exit was lost, but it did something: the next fork is another task */
	second->events = 1;
	assert_ptr_not_equal(
		task_table_fork(&table, 7, 7, (const uint8_t *)"third\0\0\0\0\0\0\0\0\0\0"), second);
	assert_int_equal(table.nr_rows, 3);
	task_table_deinit(&table);
}

static bool is_seven(const void *context, uint32_t pid, const char *comm)
{
	return pid == 7 || !strcmp(comm, context);
}

static void test_wanted(void **state)
{
	struct task_table table;

	(void)state;
	assert_int_equal(task_table_init(&table, NULL, is_seven, "wanted"), 0);
	assert_true(task_table_at(&table, 7)->wanted);
	assert_false(task_table_at(&table, 8)->wanted);
	task_table_exec(&table, 8, (const uint8_t *)"wanted\0\0\0\0\0\0\0\0\0");
	assert_true(task_table_at(&table, 8)->wanted);
	assert_false(table.others.wanted);
	task_table_deinit(&table);
}

static void test_a_million_pids(void **state)
{
	struct task_table table;

	(void)state;
	assert_int_equal(task_table_init(&table, NULL, NULL, NULL), 0);
	for (uint32_t pid = 0; pid < 1000000; pid++)
		task_table_at(&table, pid * 4294u)->events++;
	assert_int_equal(table.nr_rows, TASK_TABLE_PIDS / 4294 + 1); /* the others are no pids */
	for (uint32_t pid = 0; pid < 1000000; pid++)
		task_table_at(&table, pid)->events++;
	assert_int_equal(table.nr_rows, TASK_TABLE_LIMIT);
	assert_true(table.others.events > 1900000);
	task_table_fork(&table, 3999999, 1, (const uint8_t *)"sixteen_bytes_ab");
	task_table_exit(&table, UINT32_MAX);
	assert_false(table.others.exited);
	assert_string_equal(table.others.comm, "");
	task_table_deinit(&table);
}

struct row {
	uint64_t key, count;
};

static int by_count(const void *a, const void *b)
{
	const struct row *one = *(const struct row *const *)a, *other = *(const struct row *const *)b;

	return (one->count < other->count) - (one->count > other->count);
}

static void test_capped_table(void **state)
{
	struct capped_table table;
	const void **rows;
	struct row *first;

	(void)state;
	assert_int_equal(capped_table_init(&table, sizeof(struct row), 20), 0);
	assert_null(capped_table_sorted(&table, by_count));
	first = capped_table_at(&table, 1000);
	for (uint64_t i = 0; i < 100; i++)
		((struct row *)capped_table_at(&table, i % 25))->count += i;
	assert_int_equal(table.count, 20);
	assert_ptr_equal(capped_table_at(&table, 1000), first);
	assert_int_equal(first->key, 1000);
	assert_ptr_equal(capped_table_at(&table, 24), table.others);
	assert_ptr_equal(capped_table_at(&table, CAPPED_TABLE_OTHERS), table.others);
	rows = capped_table_sorted(&table, by_count);
	assert_int_equal(((const struct row *)rows[0])->key, 18);
	assert_int_equal(((const struct row *)rows[0])->count, 18 + 43 + 68 + 93);
	assert_ptr_equal(rows[19], first);
	free(rows);
	capped_table_deinit(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_a_pid_is_used_again),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_a_million_pids),
		cmocka_unit_test(test_capped_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
