/* SPDX-License-Identifier: MIT */
/* Stacks out of entries and exits: across switches, in interrupts, over gaps, too deep, and out of nonsense. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "lib/base/strbuf.h"
#include "lib/model/call_stacks.h"

#define CPUS 3
#define TOP  CALL_DEPTH_UNKNOWN

struct log {
	struct strbuf text;
	struct call_stacks stacks;
	bool quiet;
	uint64_t entered, left;
};

static void enter(void *context, struct call_task *task, struct call_frame *frame)
{
	struct log *log = context;

	log->entered++;
	assert_true(frame == &task->frames[task->depth - 1]);
	assert_true(!call_frame_caller(task, frame) || call_frame_caller(task, frame) == frame - 1);
}

/* A call that is over: "pid function depth from+wall/on end" */
static void leave(void *context, struct call_task *task, struct call_frame *frame,
	const struct call_times *took, enum call_end end)
{
	static const char *const ends[CALL_ENDS] = {"", " lost", " exited", " open"};
	struct log *log = context;

	log->left++;
	assert_true(frame == &task->frames[task->depth - 1]);
	assert_true(took->on_ns <= took->wall_ns && took->real_ns <= took->on_ns);
	assert_true(frame->children.wall_ns <= took->wall_ns);
	if (log->quiet)
		return;
	strbuf_printf(&log->text, "%u %c %u %llu+%llu", task->pid,
		frame->function ? (char)frame->function : '?', (unsigned)(frame - task->frames),
		(unsigned long long)frame->start.wall_ns, (unsigned long long)took->wall_ns);
	if (took->on_ns != took->wall_ns)
		strbuf_printf(&log->text, " on %llu", (unsigned long long)took->on_ns);
	if (took->real_ns != took->on_ns)
		strbuf_printf(&log->text, " real %llu", (unsigned long long)took->real_ns);
	strbuf_printf(&log->text, "%s\n", ends[end]);
}

static struct log *begin(void)
{
	struct log *log = calloc(1, sizeof(*log));
	const struct call_listener listener = {log, enter, leave};

	assert_non_null(log);
	assert_int_equal(call_stacks_init(&log->stacks, CPUS, &listener), 0);
	return log;
}

static void end(struct log *log, uint64_t now_ns, const char *text)
{
	call_stacks_finish(&log->stacks, now_ns);
	assert_int_equal(log->entered, log->left);
	if (text)
		assert_string_equal(log->text.data ? log->text.data : "", text);
	strbuf_deinit(&log->text);
	call_stacks_deinit(&log->stacks);
	free(log);
}

#define IN(cpu, pid, function, now)         call_stacks_enter(&log->stacks, cpu, pid, function, TOP, now)
#define OUT(cpu, pid, now)                  call_stacks_leave(&log->stacks, cpu, pid, 0, TOP, now)
#define IN_AT(cpu, pid, function, at, now)  call_stacks_enter(&log->stacks, cpu, pid, function, at, now)
#define OUT_AT(cpu, pid, function, at, now) call_stacks_leave(&log->stacks, cpu, pid, function, at, now)
#define SWITCH(cpu, pid, next, now)         call_stacks_switch(&log->stacks, cpu, pid, next, false, now)

static void test_nested(void **state)
{
	struct log *log = begin();

	(void)state;
	IN(0, 7, 'a', 10);
	IN(0, 7, 'b', 20);
	OUT(0, 7, 25);
	IN(0, 7, 'b', 30);
	IN(0, 7, 'c', 31);
	OUT(0, 7, 33);
	OUT(0, 7, 40);
	OUT(0, 7, 50);
	end(log, 60, "7 b 1 20+5\n7 c 2 31+2\n7 b 1 30+10\n7 a 0 10+40\n");
}

/* Two tasks take turns on one CPU; one goes on on another. Each has its own stack, and its time on a CPU. */
static void test_switches(void **state)
{
	struct log *log = begin();

	(void)state;
	IN(0, 7, 'a', 10);
	IN(0, 7, 's', 20);
	SWITCH(0, 7, 8, 30);
	IN(0, 8, 'x', 35);
	SWITCH(0, 8, 0, 50);
	SWITCH(1, 0, 7, 60);
	OUT(1, 7, 65);
	OUT(1, 7, 70);
	SWITCH(0, 0, 8, 80);
	OUT(0, 8, 90);
	end(log, 100, "7 s 1 20+45 on 15\n7 a 0 10+60 on 30\n8 x 0 35+55 on 25\n");
}

/* What runs on behalf of an interrupt stands on top of the task's functions, and on each CPU's own idle task. */
static void test_idle_of_each_cpu(void **state)
{
	struct log *log = begin();

	(void)state;
	IN(0, 0, 'a', 10);
	IN(1, 0, 'b', 11);
	IN(0, 0, 'i', 12);
	OUT(1, 0, 13);
	OUT(0, 0, 14);
	OUT(0, 0, 15);
	end(log, 20, "0 b 0 11+2\n0 i 1 12+2\n0 a 0 10+5\n");
}

/* Events of the task that leaves come behind the switch, and some switches are not told at all. */
static void test_switches_untold(void **state)
{
	struct log *log = begin();

	(void)state;
	SWITCH(0, 5, 7, 5);
	IN(0, 7, 'a', 10);
	SWITCH(0, 7, 8, 20);
	IN(0, 7, 'm', 21);
	OUT(0, 7, 23);
	IN(0, 8, 'x', 25);
	IN(0, 7, 'b', 40);
	OUT(0, 7, 50);
	OUT(0, 7, 60);
	end(log, 70, "7 m 1 21+2\n7 b 1 40+10\n7 a 0 10+50 on 34\n8 x 0 25+45 on 15 open\n");
}

static void test_vcpu_did_not_run(void **state)
{
	struct log *log = begin();

	(void)state;
	IN(0, 7, 'a', 10);
	call_stacks_stolen(&log->stacks, 0, 4);
	IN(0, 7, 'b', 20);
	call_stacks_stolen(&log->stacks, 0, 9);
	SWITCH(0, 7, 8, 30);
	call_stacks_stolen(&log->stacks, 0, 19); /* of others' time */
	call_stacks_stolen(&log->stacks, 1, 100);
	SWITCH(1, 0, 7, 40);
	call_stacks_stolen(&log->stacks, 1, 101);
	OUT(1, 7, 50);
	OUT(1, 7, 50);
	end(log, 60, "7 b 1 20+30 on 20 real 14\n7 a 0 10+40 on 30 real 20\n");
}

/* What was open before a gap ends with its task's last event; what follows stands on something unknown. */
static void test_gap(void **state)
{
	struct log *log = begin();

	(void)state;
	IN(0, 7, 'a', 10);
	IN(0, 7, 'b', 20);
	call_stacks_lost(&log->stacks, 0, 50);
	IN(0, 7, 'c', 55);
	OUT(0, 7, 60);
	OUT(0, 7, 65); /* of b, of a, or of what was entered in between */
	OUT(0, 7, 66);
	IN(0, 7, 'd', 70);
	OUT(0, 7, 75);
	assert_int_equal(log->stacks.stray_exits, 2);
	assert_int_equal(log->stacks.gaps, 1);
	end(log, 80, "7 b 1 20+0 lost\n7 a 0 10+10 lost\n7 c 1 55+5\n7 d 1 70+5\n7 ? 0 55+25 open\n");
}

/* A task that is on another CPU all the time has no part in a gap; one that came there in it may have. */
static void test_gap_of_another_cpu(void **state)
{
	struct log *log = begin();

	(void)state;
	SWITCH(0, 0, 7, 1);
	SWITCH(1, 0, 8, 2);
	IN(0, 7, 'a', 10);
	IN(1, 8, 'x', 11);
	IN(0, 7, 'b', 12);
	SWITCH(1, 8, 9, 20);
	IN(1, 9, 'y', 21);
	call_stacks_lost(&log->stacks, 1, 30); /* 8 and 9 were there, 7 was not */
	IN(1, 8, 'z', 31);
	OUT(0, 7, 40);
	OUT(0, 7, 41);
	SWITCH(2, 0, 10, 42); /* not seen before the gap */
	IN(2, 10, 'k', 43);
	SWITCH(2, 10, 0, 44);
	call_stacks_lost(&log->stacks, 1, 50); /* 10 is on no CPU */
	OUT(2, 10, 60);
	end(log, 70,
		"8 x 0 11+9 lost\n7 b 1 12+28\n7 a 0 10+31\n10 k 1 43+1 lost\n10 ? 0 43+1 lost\n"
		"9 y 0 21+0 lost\n8 z 1 31+0 lost\n8 ? 0 31+0 lost\n");
}

/* Depths tell more: frames that are missing, and those that must be over. */
static void test_depths(void **state)
{
	struct log *log = begin();

	(void)state;
	IN_AT(0, 7, 'c', 2, 10); /* the trace begins inside two functions */
	OUT_AT(0, 7, 'c', 2, 20);
	OUT_AT(0, 7, 'b', 1, 30);
	IN_AT(0, 7, 'd', 1, 40);
	IN_AT(0, 7, 'e', 2, 50);
	IN_AT(0, 7, 'f', 1, 60);  /* so d and e are over */
	OUT_AT(0, 7, 'g', 1, 70); /* no such function is open there */
	OUT_AT(0, 7, 'a', 0, 80);
	IN_AT(0, 7, 'h', 0, 90);
	OUT_AT(0, 7, 'h', 0, 95);
	assert_int_equal(log->stacks.stray_exits, 3);
	assert_int_equal(log->stacks.stray_frames, 3);
	end(log, 100,
		"7 c 2 10+10\n7 ? 1 10+20 lost\n7 e 2 50+10 lost\n7 d 1 40+20 lost\n7 f 1 60+10 lost\n"
		"7 ? 0 10+70 lost\n7 h 0 90+5\n");
}

/* sched_switch is recorded within a function that is traced: its exit, behind the record, is not the next task's. */
static void test_switch_tracer(void **state)
{
	struct log *log = begin();

	(void)state;
	log->stacks.switch_tracer = 't';
	IN(0, 8, 'x', 5);
	IN(0, 7, 's', 10);
	IN(0, 7, 't', 20);
	SWITCH(0, 7, 8, 30);
	IN(0, 8, 'p', 31); /* of another probe of the tracepoint */
	OUT(0, 8, 32);
	OUT(0, 8, 33); /* of t */
	OUT(0, 8, 40);
	SWITCH(0, 8, 7, 50);
	OUT(0, 7, 60);
	assert_int_equal(log->stacks.stray_exits, 0);
	end(log, 70, "7 t 1 20+10\n8 p 1 31+1\n8 x 0 5+35 on 15\n7 s 0 10+50 on 30\n");
}

/* A task that ends never returns; who has its pid later begins anew. */
static void test_task_exit(void **state)
{
	struct log *log = begin();

	(void)state;
	IN(0, 7, 'e', 10);
	call_stacks_switch(&log->stacks, 0, 7, 8, true, 20);
	IN(0, 7, 'm', 21); /* its last words */
	OUT(0, 7, 22);
	IN(0, 8, 'x', 25);
	SWITCH(0, 8, 9, 30);
	call_stacks_fork(&log->stacks, 7);
	SWITCH(0, 9, 7, 40);
	IN(0, 7, 'r', 41);
	OUT(0, 7, 43);
	end(log, 50, "7 m 1 21+1\n7 e 0 10+12 on 11 exited\n7 r 0 41+2\n8 x 0 25+25 on 5 open\n");
}

/* A fork with a pid whose end was not told. */
static void test_fork_again(void **state)
{
	struct log *log = begin();

	(void)state;
	call_stacks_fork(&log->stacks, 7);
	IN(0, 7, 'a', 10);
	call_stacks_fork(&log->stacks, 7);
	IN(0, 7, 'b', 20);
	OUT(0, 7, 25);
	end(log, 30, "7 a 0 10+0 exited\n7 b 0 20+5\n");
}

/* Recursion beyond all room: counted, and its exits end nothing else. */
static void test_too_deep(void **state)
{
	struct log *log = begin();
	uint64_t now = 10;

	(void)state;
	log->quiet = true;
	for (unsigned i = 0; i < CALL_STACKS_DEPTH + 100; i++)
		IN(0, 7, 'r', ++now);
	assert_int_equal(log->stacks.too_deep, 100);
	for (unsigned i = 0; i < CALL_STACKS_DEPTH + 100; i++)
		OUT(0, 7, ++now);
	assert_int_equal(log->left, CALL_STACKS_DEPTH);
	assert_int_equal(log->stacks.stray_exits, 0);
	OUT(0, 7, ++now);
	assert_int_equal(log->stacks.stray_exits, 1);
	IN_AT(0, 7, 'x', CALL_STACKS_DEPTH, ++now);
	IN_AT(0, 7, 'x', CALL_STACKS_DEPTH - 1, ++now);
	OUT_AT(0, 7, 'x', CALL_STACKS_DEPTH, ++now);
	assert_int_equal(log->stacks.too_deep, 101);
	end(log, now, NULL);
}

/* More tasks, and more frames, than there may be. */
static void test_too_many(void **state)
{
	struct log *log = begin();
	uint64_t now = 10;

	(void)state;
	log->quiet = true;
	for (uint32_t pid = 1; pid <= CALL_STACKS_TASKS + 10; pid++)
		for (unsigned i = 0; i < 40; i++)
			IN(pid % CPUS, pid, 'r', ++now);
	assert_int_equal(log->stacks.left_out, 400);
	assert_true(log->stacks.nr_frames <= CALL_STACKS_FRAMES);
	assert_true(log->stacks.too_deep > 0);
	end(log, now, NULL);
}

/* Time that goes back, CPUs that there are not, exits of nothing. */
static void test_nonsense(void **state)
{
	struct log *log = begin();

	(void)state;
	OUT(0, 7, 10);
	IN(CPUS, 7, 'a', 11);
	OUT(UINT32_MAX, 7, 11);
	SWITCH(CPUS, 7, 8, 11);
	call_stacks_lost(&log->stacks, CPUS, 11);
	call_stacks_fork(&log->stacks, 0);
	IN(0, 7, 'a', 20);
	OUT(0, 7, 15);
	SWITCH(0, 8, 8, 16);
	SWITCH(0, 0, 0, 17);
	IN(1, 7, 'b', 18);
	assert_int_equal(log->stacks.backwards, 4);
	end(log, 1, "7 a 0 20+0\n7 b 0 20+0 open\n");
}

/* Any sequence of anything: every call that begins ends once, and no time is longer than the one around it. */
static void test_random(void **state)
{
	uint64_t random = 88172645463325252ull;

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		struct log *log = begin();
		uint64_t now = 1;

		log->quiet = true;
		for (unsigned i = 0; i < 5000; i++) {
			uint32_t cpu, pid;

			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			cpu = random % CPUS;
			pid = random >> 8 & 3;
			now += random >> 16 & 15;
			call_stacks_stolen(&log->stacks, cpu, now / 2);
			switch (random >> 24 & 15) {
			case 0:
				SWITCH(cpu, pid, random >> 40 & 3, now);
				break;
			case 1:
				call_stacks_switch(&log->stacks, cpu, pid, random >> 40 & 3, true, now);
				break;
			case 2:
				if (!(random >> 40 & 7))
					call_stacks_lost(&log->stacks, cpu, now);
				break;
			case 3:
				call_stacks_fork(&log->stacks, pid);
				break;
			case 4:
			case 5:
				IN_AT(cpu, pid, random >> 40 & 7, random >> 50 & 7, now);
				break;
			case 6:
			case 7:
				OUT_AT(cpu, pid, random >> 40 & 7, random >> 50 & 7, now);
				break;
			case 8:
			case 9:
			case 10:
				OUT(cpu, pid, now);
				break;
			default:
				IN(cpu, pid, random >> 40 & 7, now);
				break;
			}
		}
		end(log, now, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_idle_of_each_cpu),
		cmocka_unit_test(test_switches_untold),
		cmocka_unit_test(test_vcpu_did_not_run),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_gap_of_another_cpu),
		cmocka_unit_test(test_depths),
		cmocka_unit_test(test_switch_tracer),
		cmocka_unit_test(test_task_exit),
		cmocka_unit_test(test_fork_again),
		cmocka_unit_test(test_too_deep),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
