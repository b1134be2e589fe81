/* SPDX-License-Identifier: MIT */
/*
 * Marks from a guest's user space: `marks mark N`, `marks text WORDS`; `marks spin N`: N times getppid(), then no system call
 * any more, for ever; and what a hostile program would say: `marks garbage
 * N` (calls of our numbers with arguments that mean nothing), `marks flood SECONDS` (batches as fast as it can).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "hypertrace_mark.h"

#define FIRST  0x48540000u
#define FLUSH  0x48540003u
#define EVENTS 0x48540004u

static uint64_t next_random(void)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void garbage(long count)
{
	for (long i = 0; i < count; i++) {
		uint64_t number = i % 8 < 6 ? FIRST + i % 8 : FIRST + (next_random() & 0xff);
		uint64_t a0 = next_random(), a1 = next_random();

		if (i % 3 == 0) /* packets in RAM, of vCPU 0 */
			a0 &= 0x7fff000, a1 &= 0xffff0000ffff0fffull;
		if (number == FLUSH + 1)
			a0 &= 0xffff0000ffffffffull;
		hypertrace_call(number, a0, a1, next_random(), next_random());
	}
}

static void spin(long count)
{
	for (long i = 0; i < count; i++)
		syscall(SYS_getppid);
	for (;;)
		__asm__ volatile("pause");
}

static void flood(long seconds)
{
	const time_t end = time(NULL) + seconds;

	while (time(NULL) < end)
		for (int i = 0; i < 1000; i++)
			hypertrace_call(i & 1 ? FLUSH : EVENTS, i & 1 ? 0x100000 : 24u << 22 | 3u << 27, 0x10000 | 4096, 0, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	printf("marks %s\n", hypertrace_mark_works() ? "work" : "go nowhere");
	if (!strcmp(what, "mark"))
		for (long i = 0; i < atol(argv[2]); i++)
			hypertrace_mark(7, (uint64_t)i, (uint64_t)getpid(), 0xd00d);
	else if (!strcmp(what, "text"))
		hypertrace_mark_text(argv[2]);
	else if (!strcmp(what, "spin"))
		spin(atol(argv[2]));
	else if (!strcmp(what, "garbage"))
		garbage(atol(argv[2]));
	else if (!strcmp(what, "flood"))
		flood(atol(argv[2]));
	else
		return 2;
	return 0;
}
