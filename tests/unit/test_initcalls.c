/* SPDX-License-Identifier: MIT */
/* Pairs of initcall_start and initcall_finish: nested, of several tasks, lost, unpaired. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/analysis/initcalls.h"

#define AWAY INITCALL_AWAY_UNKNOWN

static void level(struct initcalls *initcalls, uint32_t pid, const char *name, uint64_t now)
{
	initcalls_level(initcalls, pid, name, (uint32_t)strlen(name), now);
}

static void module(struct initcalls *initcalls, uint32_t pid, const char *name)
{
	initcalls_module(initcalls, pid, name, (uint32_t)strlen(name));
}

static void test_levels(void **state)
{
	struct initcalls i;

	(void)state;
	assert_int_equal(initcalls_init(&i), 0);
	level(&i, 0, "console", 100);
	initcalls_start(&i, 0, 0, 0xa, AWAY, 110);
	initcalls_finish(&i, 0, 0xa, 0, AWAY, 130);
	level(&i, 1, "early", 200);
	initcalls_start(&i, 1, 0, 0xb, 0, 210);
	initcalls_finish(&i, 1, 0xb, -19, 4, 220);
	initcalls_start(&i, 1, 1, 0xc, 4, 225); /* a gap of 5 before it */
	initcalls_finish(&i, 1, 0xc, 0, 4, 240);
	level(&i, 1, "pure", 300);              /* a gap of 60, but not in a level */
	initcalls_start(&i, 1, 0, 0xd, 4, 307); /* a gap of 7 */
	initcalls_finish(&i, 1, 0xd, 0, 4, 310);
	initcalls_init_begins(&i, 400);
	initcalls_end(&i);

	assert_int_equal(i.nr_levels, 3);
	assert_string_equal(i.levels[1].name, "early");
	assert_int_equal(i.levels[1].at_ns, 200);
	assert_int_equal(i.levels[1].end_ns, 240);
	assert_int_equal(i.levels[1].count, 2);
	assert_int_equal(i.levels[1].total_ns, 25);
	assert_int_equal(i.finished, 4);
	assert_int_equal(i.own, 4);
	assert_int_equal(i.total_ns, 48);
	assert_int_equal(i.own_ns, 48);
	assert_int_equal(i.last_own_ns, 310);
	assert_int_equal(i.nr_rows, 4);
	assert_int_equal(i.rows[1].level, 1);
	assert_int_equal(i.rows[1].ret, -19);
	assert_int_equal(i.rows[1].away_ns, 4);
	assert_int_equal(i.rows[0].away_ns, AWAY);
	assert_true(i.rows[1].own);
	assert_int_equal(i.rows[2].cpu, 1);
	assert_int_equal(i.unfinished + i.unstarted, 0);
	assert_int_equal(i.nr_gaps, 4); /* also 100..110 and 200..210, before the first of a level */
	assert_int_equal(i.gaps[0].to_ns - i.gaps[0].from_ns, 10);
	assert_int_equal(i.gaps[2].to_ns - i.gaps[2].from_ns, 7);
	assert_int_equal(i.gaps[2].level, 2);
	assert_int_equal(i.gaps[3].from_ns, 220);
	initcalls_deinit(&i);
}

static void test_nested_and_parallel(void **state)
{
	const struct initcall **longest;
	struct initcalls i;
	size_t nr;

	(void)state;
	assert_int_equal(initcalls_init(&i), 0);
	initcalls_init_begins(&i, 50);
	module(&i, 70, "outer");
	initcalls_start(&i, 70, 0, 0xa, AWAY, 100);
	module(&i, 71, "other"); /* another task, at the same time */
	initcalls_start(&i, 71, 1, 0xc, AWAY, 120);
	module(&i, 70, "inner");
	initcalls_start(&i, 70, 0, 0xb, AWAY, 130);
	initcalls_finish(&i, 70, 0xb, 0, AWAY, 190);
	initcalls_finish(&i, 70, 0xa, 0, AWAY, 200);
	initcalls_finish(&i, 71, 0xc, 0, AWAY, 210);
	initcalls_end(&i);

	assert_int_equal(i.finished, 3);
	assert_int_equal(i.own, 0);
	assert_int_equal(i.total_ns, 190); /* the inner one is in the outer one's time */
	assert_int_equal(i.nr_rows, 3);
	assert_string_equal(i.rows[0].module, "outer");
	assert_int_equal(i.rows[0].nested_ns, 60);
	assert_int_equal(initcall_self_ns(&i.rows[0]), 40);
	assert_string_equal(i.rows[1].module, "other");
	assert_string_equal(i.rows[2].module, "inner");
	assert_int_equal(i.rows[2].depth, 1);
	longest = initcalls_longest(&i, &nr);
	assert_int_equal(nr, 3);
	assert_string_equal(longest[0]->module, "other");
	assert_string_equal(longest[1]->module, "inner");
	free(longest);
	initcalls_deinit(&i);
}

static void test_modules(void **state)
{
	struct initcalls i;

	(void)state;
	assert_int_equal(initcalls_init(&i), 0);
	level(&i, 1, "device", 10);
	module(&i, 30, "early_bird"); /* while pid 1 still runs the levels */
	initcalls_start(&i, 30, 1, 0xa, AWAY, 20);
	initcalls_finish(&i, 30, 0xa, 0, AWAY, 30);
	module(&i, 1, "by_init_itself");
	initcalls_start(&i, 1, 0, 0xb, AWAY, 40);
	initcalls_finish(&i, 1, 0xb, 0, AWAY, 50);
	module(&i, 30, "without_init");
	module(&i, 30, "next");
	initcalls_start(&i, 30, 1, 0xc, AWAY, 60);
	initcalls_finish(&i, 30, 0xc, 0, AWAY, 70);
	module(&i, 31, "gone");
	initcalls_task_ends(&i, 31);
	initcalls_start(&i, 31, 1, 0xd, AWAY, 80); /* another task of that pid */
	initcalls_finish(&i, 31, 0xd, 0, AWAY, 90);
	assert_int_equal(i.finished, 4);
	assert_int_equal(i.own, 0);
	assert_string_equal(i.rows[0].module, "early_bird");
	assert_int_equal(i.rows[0].level, INITCALL_NO_LEVEL);
	assert_string_equal(i.rows[1].module, "by_init_itself");
	assert_int_equal(i.rows[1].level, INITCALL_NO_LEVEL);
	assert_string_equal(i.rows[2].module, "next");
	assert_string_equal(i.rows[3].module, "");
	initcalls_deinit(&i);
}

static void test_lost(void **state)
{
	struct initcalls i;

	(void)state;
	assert_int_equal(initcalls_init(&i), 0);
	level(&i, 1, "device", 10);
	initcalls_start(&i, 1, 0, 0xa, 0, 20);
	module(&i, 40, "m");
	initcalls_start(&i, 40, 1, 0xb, AWAY, 25);
	module(&i, 41, "n");
	initcalls_lost(&i);
	initcalls_finish(&i, 1, 0xa, 0, 5, 90);     /* the kernel's own runs once: a pair */
	initcalls_finish(&i, 40, 0xb, 0, AWAY, 95); /* a module's may be its second: none */
	initcalls_start(&i, 41, 1, 0xc, AWAY, 96);  /* of which module is not known any more */
	initcalls_finish(&i, 41, 0xc, 0, AWAY, 97);
	initcalls_start(&i, 1, 0, 0xd, 0, 100);
	initcalls_lost(&i);
	initcalls_start(&i, 1, 0, 0xe, 0, 110); /* not nested in the one whose finish was lost */
	initcalls_finish(&i, 1, 0xe, 0, 0, 120);
	initcalls_finish(&i, 1, 0xf, 0, 0, 130); /* its start was lost */
	initcalls_end(&i);

	assert_int_equal(i.finished, 3);
	assert_int_equal(i.unfinished, 2);
	assert_int_equal(i.unstarted, 2);
	assert_int_equal(i.rows[0].end_ns, 90);
	assert_true(i.rows[0].torn);
	assert_int_equal(i.rows[0].away_ns, AWAY);
	assert_int_equal(i.rows[1].end_ns, 0);
	assert_string_equal(i.rows[2].module, "");
	assert_int_equal(i.rows[3].end_ns, 0);
	assert_int_equal(i.rows[0].level, 0);
	assert_int_equal(i.rows[4].level, INITCALL_NO_LEVEL); /* another may have begun */
	assert_int_equal(i.levels[0].count, 1);
	assert_int_equal(i.rows[4].depth, 0);
	assert_int_equal(i.rows[4].end_ns, 120);
	assert_int_equal(i.nr_gaps, 2); /* before the first, and 97..100: none across what was lost */
	assert_int_equal(i.nr_open, 0);
	initcalls_deinit(&i);
}

static void test_what_no_kernel_does(void **state)
{
	struct initcalls i;
	char name[300];

	(void)state;
	memset(name, 'x', sizeof(name));
	assert_int_equal(initcalls_init(&i), 0);
	for (uint32_t n = 0; n < 2 * INITCALL_LEVELS_MAX; n++)
		initcalls_level(&i, 1, name, sizeof(name), 10 + n);
	assert_int_equal(i.nr_levels, INITCALL_LEVELS_MAX);
	for (uint32_t n = 0; n < 2 * INITCALL_DEPTH_MAX; n++)
		initcalls_start(&i, 1, 0, n, 0, 100 + n);
	assert_int_equal(i.nr_rows, INITCALL_DEPTH_MAX);
	initcalls_finish(&i, 1, 0, 0, 0, 200); /* the outermost: the inner ones cannot go on */
	assert_int_equal(i.finished, 1);
	assert_int_equal(i.unfinished, 2 * INITCALL_DEPTH_MAX - 1);
	for (uint32_t pid = 10; pid < INITCALL_TASKS_MAX + 100; pid++) {
		initcalls_module(&i, pid, name, sizeof(name));
		initcalls_start(&i, pid, 0, 1, 0, 300);
	}
	for (uint32_t pid = 10; pid < INITCALL_TASKS_MAX + 100; pid++)
		initcalls_finish(&i, pid, 1, 0, 0, 300);
	for (uint32_t n = 0; n < INITCALL_ROWS_MAX; n++) {
		initcalls_start(&i, 10, 0, n, 0, 400);
		initcalls_finish(&i, 10, n, 0, 0, 390); /* time went back */
	}
	assert_int_equal(i.nr_rows, INITCALL_ROWS_MAX);
	assert_true(i.left_out > 0);
	assert_int_equal(i.finished, 1 + INITCALL_TASKS_MAX - 1 + INITCALL_ROWS_MAX);
	assert_int_equal(strlen(i.rows[INITCALL_ROWS_MAX / 8].module), INITCALL_NAME_BYTES - 1);
	initcalls_end(&i);
	assert_int_equal(i.nr_open, 0);
	initcalls_deinit(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_nested_and_parallel),
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_what_no_kernel_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
