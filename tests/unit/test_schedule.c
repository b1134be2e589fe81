/* SPDX-License-Identifier: MIT */
/* Tasks' and CPUs' times from hand-made sequences of scheduler events. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "lib/analysis/schedule.h"

enum { RUNNABLE = 0, SLEEP = 1, DISK = 2, DEAD = 16, IDLE = 2 | 128, PREEMPTED = 256 };

struct fixture {
	struct task_table tasks;
	struct schedule schedule;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_int_equal(task_table_init(&fixture->tasks, NULL, NULL, NULL), 0);
	assert_int_equal(schedule_init(&fixture->schedule, &fixture->tasks, 2), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	schedule_deinit(&fixture->schedule);
	task_table_deinit(&fixture->tasks);
	free(fixture);
	return 0;
}

static void do_switch(
	struct fixture *f, uint32_t cpu, uint32_t prev, uint32_t next, uint32_t why, uint64_t now)
{
	schedule_switch(&f->schedule, cpu, prev, next, why, true, now);
	f->schedule.cpus[cpu].seen_ns = now;
}

static const struct task *task(struct fixture *f, uint32_t pid)
{
	return task_table_at(&f->tasks, pid);
}

static void test_a_life(void **state)
{
	struct fixture *f = *state;

	schedule_begin(&f->schedule, 0, 0, 1000);
	schedule_waking(&f->schedule, 7, 1100);
	do_switch(f, 0, 0, 7, RUNNABLE, 1150);  /* waited 50, idle 150 */
	do_switch(f, 0, 7, 8, PREEMPTED, 1350); /* ran 200 */
	do_switch(f, 0, 8, 7, SLEEP, 1400);     /* waited 50 more, 8 ran 50 */
	do_switch(f, 0, 7, 0, DISK, 1500);      /* ran 100 */
	schedule_waking(&f->schedule, 7, 1900); /* 400 in D */
	do_switch(f, 0, 0, 7, RUNNABLE, 1910);  /* waited 10 */
	schedule_finish(&f->schedule, 2000);    /* ran 90 */
	assert_int_equal(task(f, 7)->run_ns, 390);
	assert_int_equal(task(f, 8)->run_ns, 50);
	assert_int_equal(task(f, 7)->woken.count, 2);
	assert_int_equal(task(f, 7)->woken.total_ns, 60);
	assert_int_equal(task(f, 7)->woken.max_ns, 50);
	assert_int_equal(task(f, 7)->woken.max_at_ns, 1150);
	assert_int_equal(task(f, 7)->preempted.total_ns, 50);
	assert_int_equal(task(f, 7)->preemptions, 1);
	assert_int_equal(task(f, 7)->blocked[TASK_DISK].total_ns, 400);
	assert_int_equal(task(f, 7)->blocked[TASK_SLEEP].count, 0);
	assert_int_equal(task(f, 7)->away_ns, 50 + 410);
	assert_int_equal(f->schedule.cpus[0].busy_ns, 440);
	assert_int_equal(f->schedule.cpus[0].idle_ns, 560);
	assert_int_equal(f->schedule.woken.histogram.count, 2);
	assert_int_equal(f->schedule.woken.max_pid, 7);
	assert_int_equal(f->schedule.preempted.histogram.max, 50);
}

/* The waker of another CPU was quicker than the sleeper's own switch. */
static void test_woken_before_it_slept(void **state)
{
	struct fixture *f = *state;

	schedule_waking(&f->schedule, 7, 90);
	do_switch(f, 0, 0, 7, RUNNABLE, 100);
	schedule_waking(&f->schedule, 7, 190);
	do_switch(f, 0, 7, 0, SLEEP, 200);
	do_switch(f, 1, 0, 7, RUNNABLE, 230);
	assert_int_equal(task(f, 7)->woken.count, 2);
	assert_int_equal(task(f, 7)->woken.max_ns, 30);
	assert_int_equal(task(f, 7)->blocked[TASK_SLEEP].count, 0);
	/* it slept without a waking that is in the trace: no latency is made up */
	do_switch(f, 1, 7, 0, SLEEP, 300);
	do_switch(f, 1, 0, 7, RUNNABLE, 400);
	assert_int_equal(task(f, 7)->woken.count, 2);
}

static void test_woken_twice_waits_once(void **state)
{
	struct fixture *f = *state;

	schedule_waking(&f->schedule, 7, 100);
	schedule_waking(&f->schedule, 7, 150);
	do_switch(f, 0, 0, 7, RUNNABLE, 200);
	assert_int_equal(task(f, 7)->woken.total_ns, 100);
	assert_int_equal(task(f, 7)->wakeups, 2);
}

static void test_nothing_spans_a_gap(void **state)
{
	struct fixture *f = *state;

	schedule_begin(&f->schedule, 0, 5, 100);
	f->schedule.cpus[0].seen_ns = 150;
	schedule_waking(&f->schedule, 7, 150);
	do_switch(f, 1, 9, 0, SLEEP, 160);
	schedule_lost(&f->schedule, 0, 6, 1000);
	do_switch(f, 0, 6, 7, SLEEP, 1100);
	do_switch(f, 1, 0, 9, RUNNABLE, 1200);
	assert_int_equal(task(f, 5)->run_ns, 50); /* up to the last event before the gap */
	assert_int_equal(task(f, 6)->run_ns, 100);
	assert_int_equal(f->schedule.cpus[0].unknown_ns, 850);
	assert_int_equal(f->schedule.woken.histogram.count, 0);
	assert_int_equal(task(f, 9)->away_ns, 0);
	/* woken after the gap, but off its CPU since before it */
	schedule_lost(&f->schedule, 1, 9, 1300);
	schedule_waking(&f->schedule, 6, 1400);
	do_switch(f, 0, 7, 6, SLEEP, 1450);
	assert_int_equal(task(f, 6)->away_ns, 0);
	assert_int_equal(task(f, 6)->woken.total_ns, 50);
	assert_int_equal(task(f, 6)->blocked[TASK_SLEEP].count, 0);
}

static void test_time_goes_back(void **state)
{
	struct fixture *f = *state;

	schedule_begin(&f->schedule, 0, 7, 1000);
	schedule_waking(&f->schedule, 8, 1000);
	do_switch(f, 0, 7, 8, PREEMPTED, 900);
	do_switch(f, 0, 8, 7, SLEEP, 800);
	schedule_finish(&f->schedule, 700);
	assert_int_equal(task(f, 7)->run_ns, 0);
	assert_int_equal(task(f, 8)->run_ns, 0);
	assert_int_equal(f->schedule.woken.histogram.count, 0);
	assert_int_equal(f->schedule.preempted.histogram.count, 0);
	assert_true(f->schedule.backwards > 0);
}

static void test_states(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint32_t why;
		enum task_reason reason;
	} cases[] = {{SLEEP, TASK_SLEEP}, {DISK, TASK_DISK}, {IDLE, TASK_IDLE}, {4, TASK_STOPPED},
		{8, TASK_STOPPED}, {64, TASK_PARKED}};

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		do_switch(f, 0, 100 + i, 0, cases[i].why, 1000);
		schedule_waking(&f->schedule, 100 + i, 1010);
		assert_int_equal(task(f, 100 + i)->blocked[cases[i].reason].total_ns, 10);
	}
	do_switch(f, 0, 50, 0, DEAD, 1000);
	assert_int_equal(task(f, 50)->state, TASK_DEAD);
}

/* Idle tasks are one of each CPU and all have pid 0; tasks beyond the table share a row: neither has a state. */
static void test_shared_rows_have_no_state(void **state)
{
	struct fixture *f = *state;

	schedule_waking(&f->schedule, UINT32_MAX, 100);
	schedule_waking(&f->schedule, 0, 100);
	do_switch(f, 0, 0, UINT32_MAX, RUNNABLE, 200);
	do_switch(f, 0, TASK_TABLE_PIDS, 0, RUNNABLE, 300);
	assert_ptr_equal(task(f, UINT32_MAX), &f->tasks.others);
	assert_int_equal(f->schedule.woken.histogram.count, 0);
	assert_int_equal(f->tasks.others.wakeups, 1);
	assert_int_equal(f->tasks.others.run_ns, 100);
}

static void test_only_wanted_tasks_are_shown(void **state)
{
	struct fixture *f = *state;

	task_table_at(&f->tasks, 7)->wanted = false;
	schedule_waking(&f->schedule, 7, 100);
	schedule_waking(&f->schedule, 8, 100);
	do_switch(f, 0, 0, 7, RUNNABLE, 200);
	do_switch(f, 0, 7, 8, SLEEP, 300);
	assert_int_equal(f->schedule.woken.histogram.count, 1);
	assert_int_equal(f->schedule.woken.max_pid, 8);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_life),
		TEST(test_woken_before_it_slept),
		TEST(test_woken_twice_waits_once),
		TEST(test_nothing_spans_a_gap),
		TEST(test_time_goes_back),
		TEST(test_states),
		TEST(test_shared_rows_have_no_state),
		TEST(test_only_wanted_tasks_are_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
