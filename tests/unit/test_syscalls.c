/* SPDX-License-Identifier: MIT */
/* System calls by number and task: durations, errors, gaps, forks; their names. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/analysis/syscalls.h"
#include "lib/model/syscall_names.h"

enum { READ = 0, CLONE = 56, EXIT_GROUP = 231 };

struct fixture {
	struct task_table tasks;
	struct syscalls syscalls;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_int_equal(task_table_init(&fixture->tasks, NULL, NULL, NULL), 0);
	assert_int_equal(syscalls_init(&fixture->syscalls, &fixture->tasks, true), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	syscalls_deinit(&fixture->syscalls);
	task_table_deinit(&fixture->tasks);
	free(fixture);
	return 0;
}

static struct task *task(struct fixture *f, uint32_t pid)
{
	return task_table_at(&f->tasks, pid);
}

static void enter(struct fixture *f, uint32_t pid, uint16_t nr, uint64_t now)
{
	syscalls_enter(&f->syscalls, task(f, pid), nr, now);
}

static void leave(struct fixture *f, uint32_t pid, uint16_t nr, int64_t ret, uint64_t now)
{
	syscalls_exit(&f->syscalls, task(f, pid), 0, nr, ret, true, now);
}

static const struct syscall_row *row(struct fixture *f, uint16_t nr)
{
	return capped_table_at(&f->syscalls.rows, nr);
}

static void test_durations_and_errors(void **state)
{
	struct fixture *f = *state;
	const struct syscall_task_row *by_task;

	enter(f, 7, READ, 100);
	enter(f, 8, READ, 110);
	task(f, 7)->away_ns += 30; /* it slept in there */
	leave(f, 7, READ, 5, 150);
	leave(f, 8, READ, -EINTR, 180);
	enter(f, 8, READ, 200);
	leave(f, 8, READ, -EAGAIN, 210);
	enter(f, 8, READ, 300);
	leave(f, 8, READ, -EAGAIN, 310);
	enter(f, 8, READ, 400);
	leave(f, 8, READ, -5000, 410); /* an address, no error */
	assert_int_equal(row(f, READ)->exits, 5);
	assert_int_equal(row(f, READ)->errors, 3);
	assert_int_equal(row(f, READ)->off_cpu_ns, 30);
	assert_int_equal(row(f, READ)->durations.histogram.sum, 50 + 70 + 30);
	assert_int_equal(row(f, READ)->durations.histogram.max, 70);
	assert_int_equal(row(f, READ)->durations.max_pid, 8);
	assert_int_equal(syscall_row_errno(row(f, READ))->number, EAGAIN);
	assert_int_equal(f->syscalls.by_task.count, 2);
	by_task = capped_table_at(&f->syscalls.by_task, 8u << 16 | READ);
	assert_int_equal(by_task->exits, 4);
	assert_int_equal(by_task->errors, 3);
	assert_int_equal(by_task->max_ns, 70);
}

static void test_gap(void **state)
{
	struct fixture *f = *state;

	enter(f, 7, READ, 100);
	syscalls_lost(&f->syscalls);
	leave(f, 7, READ, 0, 900);
	assert_int_equal(row(f, READ)->exits, 1); /* it did happen */
	assert_int_equal(row(f, READ)->durations.histogram.count, 0);
	assert_int_equal(f->syscalls.unmatched, 1);
}

static void test_exit_of_another_call(void **state)
{
	struct fixture *f = *state;

	enter(f, 7, READ, 100);
	leave(f, 7, CLONE, 9, 200);
	leave(f, 7, READ, 0, 300);
	assert_int_equal(f->syscalls.unmatched, 2);
	assert_int_equal(row(f, CLONE)->durations.histogram.count, 0);
}

/* Most exits do not say which call they end. */
static void test_exit_without_a_number(void **state)
{
	struct fixture *f = *state;

	enter(f, 7, READ, 100);
	enter(f, 8, CLONE, 110);
	leave(f, 7, SYSCALL_NONE, -EINTR, 150);
	leave(f, 8, SYSCALL_NONE, 9, 160);
	assert_int_equal(row(f, READ)->durations.histogram.sum, 50);
	assert_int_equal(row(f, READ)->errors, 1);
	assert_int_equal(row(f, CLONE)->durations.histogram.sum, 50);
	assert_int_equal(f->syscalls.unmatched, 0);
	leave(f, 7, SYSCALL_NONE, 0, 200); /* nobody knows what */
	enter(f, 7, READ, 300);
	syscalls_lost(&f->syscalls);
	leave(f, 7, SYSCALL_NONE, 0, 400); /* nor here: perhaps the end of another call */
	assert_int_equal(f->syscalls.unmatched, 2);
	assert_int_equal(f->syscalls.rows.count, 2);
	assert_int_equal(row(f, READ)->exits, 1);
}

static void test_a_fork_returns_twice_and_counts_once(void **state)
{
	struct fixture *f = *state;

	enter(f, 7, CLONE, 100);
	task_table_fork(&f->tasks, 8, 8, (const uint8_t *)"sixteen_bytes_ab");
	leave(f, 8, CLONE, 0, 120);
	leave(f, 7, CLONE, 8, 130);
	leave(f, 8, CLONE, 0, 140); /* but this is no child's first return */
	assert_int_equal(row(f, CLONE)->durations.histogram.count, 1);
	assert_int_equal(f->syscalls.unmatched, 1);
}

static void test_unfinished(void **state)
{
	struct fixture *f = *state;

	enter(f, 7, READ, 100);
	enter(f, 8, EXIT_GROUP, 100);
	task_table_exit(&f->tasks, 8);
	syscalls_finish(&f->syscalls);
	assert_int_equal(row(f, READ)->unfinished, 1);
	assert_int_equal(row(f, EXIT_GROUP)->unfinished, 0);
}

static void test_spans_and_minimum(void **state)
{
	struct fixture *f = *state;

	f->syscalls.min_ns = 50;
	syscalls_span(&f->syscalls, task(f, 7), 0, READ, -EIO, true, 49, 100);
	syscalls_span(&f->syscalls, task(f, 7), 0, READ, -EIO, true, 60, 100);
	syscalls_span(&f->syscalls, task(f, 7), 0, READ, -EIO, false, 70, 100);
	enter(f, 7, READ, 100);
	leave(f, 7, READ, 0, 120);
	enter(f, 7, READ, 200);
	leave(f, 7, READ, 0, 250);
	assert_int_equal(row(f, READ)->exits, 2);
	assert_int_equal(row(f, READ)->errors, 1);
	assert_int_equal(row(f, READ)->durations.histogram.sum, 110);
}

static void test_time_goes_back(void **state)
{
	struct fixture *f = *state;

	enter(f, 7, READ, 100);
	leave(f, 7, READ, 0, 99);
	assert_int_equal(f->syscalls.backwards, 1);
	assert_int_equal(row(f, READ)->durations.histogram.count, 0);
}

/* Every number there can be, with errors, from tasks beyond the table. */
static void test_hostile(void **state)
{
	struct fixture *f = *state;
	const struct syscall_row *others = f->syscalls.rows.others;
	uint64_t exits = 0;

	for (uint32_t nr = 0; nr < SYSCALL_NONE; nr++) {
		enter(f, UINT32_MAX - nr, (uint16_t)nr, 100 + nr);
		leave(f, UINT32_MAX - nr, (uint16_t)nr, -(int64_t)(nr % 5000), 110 + nr);
	}
	for (size_t i = 0; i < f->syscalls.rows.count; i++)
		exits += ((const struct syscall_row *)capped_table_row(&f->syscalls.rows, i))->exits;
	assert_int_equal(f->syscalls.rows.count, SYSCALL_LIMIT);
	assert_int_equal(exits + others->exits, SYSCALL_NONE);
	assert_int_equal(others->durations.histogram.count, 0);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(syscall_name(0), "read");
	assert_string_equal(syscall_name(39), "getpid");
	assert_string_equal(syscall_name(110), "getppid");
	assert_string_equal(syscall_name(462), "mseal");
	assert_string_equal(syscall_name(SYSCALL_COMPAT | 20), "getpid");
	assert_null(syscall_name(400)); /* a hole in the table */
	assert_null(syscall_name(SYSCALL_COMPAT - 1));
	assert_null(syscall_name(UINT16_MAX));
	assert_string_equal(syscall_errno_name(ENOENT), "ENOENT");
	assert_string_equal(syscall_errno_name(512), "ERESTARTSYS");
	assert_null(syscall_errno_name(0));
	assert_null(syscall_errno_name(4000));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_durations_and_errors),
		TEST(test_gap),
		TEST(test_exit_of_another_call),
		TEST(test_exit_without_a_number),
		TEST(test_a_fork_returns_twice_and_counts_once),
		TEST(test_unfinished),
		TEST(test_spans_and_minimum),
		TEST(test_time_goes_back),
		TEST(test_hostile),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
