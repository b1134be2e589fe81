/* SPDX-License-Identifier: MIT */
/*
 * Whatever reads a guest's memory, over the memory of a real one that is changed while it is read. The environment
 * variable HYPERTRACE_IMAGE names that memory: a file of raw RAM, or a dump; without it there is nothing to do (77).
 * HYPERTRACE_WALK: only the walk of that name.
 *
 * Each walk has bounds: of processor time (SECONDS_MAX), of memory (MEGABYTES_MAX), of open files (none is left).
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/fuzz/guest_walks.h"
#include "tests/fuzz/hostile_memory.h"

#define SECONDS_MAX  15  /* of one walk: an honest one under sanitizers takes less than one */
#define WALL_MAX     300 /* the same by the clock on the wall, for what sleeps */
#define SEEDS        24  /* for each walk */
#define SEED_CHANGES 6

#define STRING(number)    STRING_(number)
#define STRING_(number)   #number
#define MEGABYTES_MAX     1024
#define MEGABYTES_AT_ONCE 300

const char fuzz_name[] = "guest_walkers";

const struct guest_walk guest_walks[] = {
	{"log", guest_walk_log, 100},
	{"tasks", guest_walk_tasks, 20},
	{"modules", guest_walk_modules, 1},
	{"functions", guest_walk_functions, 20000},
	{"panic", guest_walk_panic, 1},
	{"space", guest_walk_space, 5},
	{"events", guest_walk_events, 500},
	{"rings", guest_walk_rings, 500},
	{"clocks", guest_walk_clocks, 6},
	{"plans", guest_walk_plans, 500},
	{"trace", guest_walk_trace, 500},
	{0},
};

/* Before the changes of an input. */
struct head {
	uint8_t walk, choice, is_live, reserved;
	uint32_t reserved_too;
};

struct input {
	struct head head;
	struct hostile_change changes[SEED_CHANGES];
};

static struct guest_memory memory;
static struct guest_kernel kernel;
static FILE *output;
static uint64_t honest_reads[GUEST_WALKS_MAX];
static unsigned chosen[GUEST_WALKS_MAX], nr_chosen;
static const char *walk_name = "";

/* Sanitizers have bounds of their own; a plain build has RLIMIT_AS. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "hard_rss_limit_mb=" STRING(MEGABYTES_MAX) ":max_allocation_size_mb=" STRING(
		MEGABYTES_AT_ONCE);
}

FILE *guest_walk_output(void)
{
	return output;
}

void guest_walk_fail(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: not so: %s (walk %s)\n", file, line, condition, walk_name);
	abort();
}

static void take_too_long(int number)
{
	static const char text[] = "a walk takes too long: ";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

	ignored += write(STDERR_FILENO, walk_name, strlen(walk_name));
	ignored += write(STDERR_FILENO, "\n", 1);
	(void)ignored;
	abort();
}

static void set_bounds(void)
{
#ifndef __SANITIZE_ADDRESS__
	const struct rlimit bytes = {MEGABYTES_MAX * UINT64_C(1048576), MEGABYTES_MAX * UINT64_C(1048576)};

	WALK_MUST(!setrlimit(RLIMIT_AS, &bytes));
#endif
	signal(SIGPROF, take_too_long);
	signal(SIGALRM, take_too_long);
}

static void start_timers(unsigned cpu_s, unsigned wall_s)
{
	const struct itimerval cpu = {.it_value = {.tv_sec = cpu_s}};

	setitimer(ITIMER_PROF, &cpu, NULL);
	alarm(wall_s);
}

static int lowest_fd(void)
{
	const int fd = dup(STDIN_FILENO);

	close(fd);
	return fd;
}

/* What was open is closed. A sanitizer's own thread has a file open for a moment, too. */
static bool is_lowest_fd(int fd)
{
	for (int tries = 0; tries < 1000; tries++) {
		if (lowest_fd() <= fd)
			return true;
		usleep(100);
	}
	return false;
}

static int run(unsigned number, unsigned choice, uint64_t *found)
{
	const int free_fd = lowest_fd();
	int code;

	*found = 0;
	walk_name = guest_walks[number].name;
	start_timers(SECONDS_MAX, WALL_MAX);
	code = guest_walks[number].run(&kernel, choice, found);
	start_timers(0, 0);
	WALK_MUST(is_lowest_fd(free_fd));
	rewind(output);
	return code;
}

/* What a walk does where nobody lies: counted, and its pointers kept. */
static void walk_honestly(unsigned number)
{
	const struct guest_walk *walk = &guest_walks[number];
	uint64_t found;
	int code;

	hostile_memory_begin(NULL, 0, 1);
	hostile_memory_learn(kernel.page_offset);
	code = run(number, 0, &found);
	honest_reads[number] = hostile_memory_end();
	if (!code && found >= walk->least)
		return;
	fprintf(stderr, "fuzz_guest_walkers: %s: found %llu of at least %llu: %s\n", walk->name,
		(unsigned long long)found, (unsigned long long)walk->least, strerror(-code));
	exit(1);
}

static void open_image(const char *path)
{
	struct error error = {0};

	if (guest_memory_open_file(&memory, path, &error) ||
		guest_kernel_init(&kernel, &memory, NULL, &error)) {
		fprintf(stderr, "fuzz_guest_walkers: %s\n", error.text);
		exit(1);
	}
}

static void set_up(void)
{
	const char *path = getenv("HYPERTRACE_IMAGE"), *only = getenv("HYPERTRACE_WALK");

	if (!path) {
		puts("HYPERTRACE_IMAGE names no guest's memory: tests/vm/test_images.sh makes some");
		exit(77);
	}
	output = fopen("/dev/null", "w");
	WALK_MUST(output);
	set_bounds();
	open_image(path);
	for (unsigned i = 0; guest_walks[i].name; i++) {
		if (only && strcmp(only, guest_walks[i].name))
			continue;
		walk_honestly(i);
		chosen[nr_chosen++] = i;
	}
	if (!nr_chosen) {
		fprintf(stderr, "fuzz_guest_walkers: HYPERTRACE_WALK: no walk %s\n", only);
		exit(2);
	}
}

/* Seeds with changes of every kind; the driver changes those. */
size_t fuzz_seed(size_t index, const uint8_t **data)
{
	static struct input seeds[SEEDS * GUEST_WALKS_MAX];
	struct input *seed = &seeds[index];
	uint64_t state = index * UINT64_C(0x9e3779b97f4a7c15) + 1;

	if (!kernel.memory)
		set_up();
	if (index >= SEEDS * nr_chosen)
		return 0;
	seed->head = (struct head){.walk = (uint8_t)(index % nr_chosen), .choice = (uint8_t)index};
	for (size_t i = 0; i < sizeof(seed->changes); i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		((uint8_t *)seed->changes)[i] = (uint8_t)(state >> 32);
	}
	/* few changes lead further */
	*data = (const uint8_t *)seed;
	return sizeof(seed->head) + (1 + index / nr_chosen % SEED_CHANGES) * sizeof(seed->changes[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hostile_change changes[HOSTILE_CHANGES_MAX];
	struct head head;
	size_t count;
	uint64_t found;
	unsigned number;
	int code;

	if (size < sizeof(head))
		return 0;
	memcpy(&head, data, sizeof(head));
	count = (size - sizeof(head)) / sizeof(changes[0]);
	if (count > HOSTILE_CHANGES_MAX)
		count = HOSTILE_CHANGES_MAX;
	memcpy(changes, data + sizeof(head), count * sizeof(changes[0]));
	number = chosen[head.walk % nr_chosen];
	memory.is_live = head.is_live % 4 == 0;
	hostile_memory_begin(changes, count, honest_reads[number]);
	code = run(number, head.choice, &found);
	hostile_memory_end();
	WALK_MUST(code != -ENOMEM);
	return 0;
}
