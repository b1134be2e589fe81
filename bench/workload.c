/* SPDX-License-Identifier: MIT */
/*
 * Runs in a guest under QEMU's -icount, where the TSC counts instructions: a fixed piece of work, untraced
 * and traced, told to the host as lines "TRACER INSTRUCTIONS EVENTS LOST START HELD BYTES", one for each repetition: START is
 * the TSC's value, HELD events of BYTES are in the kernel's own ring at the end, where that is what is measured.
 *
 *   workload syscall|syscall_short|sched_switch|mark|calls|programs REPETITIONS MODULE-PARAMETERS TRACER...
 *
 * A TRACER is "none", "ftrace" (the kernel's own recording of the same events into its own ring), "followed"
 * (the same, but the ring, larger, is never emptied, as a host may be reading it) or "shm", our module, which
 * stands in /bench/hypertrace.ko and records what the region's host page says, or "hypercall:N": the same by hypercalls,
 * N records to each. For works "calls" and "programs", in which the functions are traced that /bench/functions names (a
 * pattern a line, '!' takes out), there are "function" and "function_graph", the kernel's own tracers. Work "mark" is
 * hypertrace_mark(), a hypercall from user space.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>
#include "include/hypertrace_mark.h"

#define TRACEFS  "/sys/kernel/tracing/"
#define MODULE   "/bench/hypertrace.ko"
#define WARM_UP  2
#define SETTLE_S 5
#define CALLS    10000 /* enter and exit each */
#define ROUNDS   5000  /* of the ping-pong: two switches each */
/* Over before the next tick, most times: where a host's ticks count, too, the least of many repetitions has none. */
#define SHORT_CALLS 200
#define MARKS       50
#define FUNCTIONS   "/bench/functions"
#define PASSES      1000 /* of some dozens of functions each, where all are traced */

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void tracefs_write(const char *name, const char *value)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), TRACEFS "%s", name);
	fd = open(path, O_WRONLY | O_TRUNC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fail(path);
	close(fd);
}

/* Of ftrace's ring of this CPU, since it was emptied. */
struct ring_stats {
	unsigned long long lost, held, bytes; /* events; those it still holds, and their bytes */
};

static struct ring_stats ring_stats_read(void)
{
	struct ring_stats result = {0};
	FILE *stats = fopen(TRACEFS "per_cpu/cpu0/stats", "r");
	unsigned long long count;
	char line[128];

	if (!stats)
		fail("stats");
	while (fgets(line, sizeof(line), stats)) {
		sscanf(line, "entries: %llu", &result.held);
		sscanf(line, "bytes: %llu", &result.bytes);
		if (sscanf(line, "overrun: %llu", &count) == 1 ||
			sscanf(line, "dropped events: %llu", &count) == 1)
			result.lost += count;
	}
	fclose(stats);
	return result;
}

static void syscall_work(void)
{
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
}

static void syscall_short_work(void)
{
	for (int i = 0; i < SHORT_CALLS; i++)
		syscall(SYS_getppid);
}

static void calls_work(void)
{
	for (int i = 0; i < PASSES; i++)
		syscall(SYS_getppid);
}

static void mark_work(void)
{
	for (uint64_t i = 0; i < MARKS; i++)
		hypertrace_mark(1, i, 0, 0);
}

static int ping[2], pong[2];

static pid_t start_partner(void)
{
	pid_t partner;
	char byte;

	if (pipe(ping) < 0 || pipe(pong) < 0 || (partner = fork()) < 0)
		fail("ping-pong");
	if (partner > 0)
		return partner;
	close(ping[1]);
	while (read(ping[0], &byte, 1) == 1)
		if (write(pong[1], &byte, 1) != 1)
			break;
	_exit(0);
}

static void sched_switch_work(void)
{
	char byte = 0;

	for (int i = 0; i < ROUNDS; i++)
		if (write(ping[1], &byte, 1) != 1 || read(pong[0], &byte, 1) != 1)
			fail("ping-pong");
}

/* Much as a small system's start: programs, most of them short, that read and write files and wait for each other. */
static const char programs[] =
	"cd /tmp && mkdir work && ls -lR /bin /etc >work/list && sort work/list | uniq -c | tail -n 3 &&"
	"cat /proc/mounts /proc/self/maps /proc/interrupts && ps &&"
	"dd if=/dev/zero of=work/zeroes bs=4k count=256 && cp work/zeroes work/copy && md5sum work/copy &&"
	"mv work/copy work/moved && find work -type f -exec ls -l {} ';' && rm -r work";

static void programs_work(void)
{
	pid_t shell = fork();
	int status;

	if (shell == 0) {
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(1);
		execl("/bin/sh", "sh", "-c", programs, NULL);
		_exit(127);
	}
	if (shell < 0 || waitpid(shell, &status, 0) != shell)
		fail("programs");
	if (status) {
		fprintf(stderr, "programs: status 0x%x\n", status);
		exit(1);
	}
}

static const struct work {
	const char *name, *ftrace_events;
	void (*run)(void);
	unsigned events;
	const char *ring_kb; /* of the kernel's own; NULL: the usual */
} works[] = {
	{"syscall", "events/raw_syscalls/enable", syscall_work, 2 * CALLS},
	{"syscall_short", "events/raw_syscalls/enable", syscall_short_work, 2 * SHORT_CALLS},
	{"mark", NULL, mark_work, MARKS},
	{"calls", NULL, calls_work, PASSES},
	{"programs", NULL, programs_work, 1, "65536"},
	{"sched_switch", "events/sched/sched_switch/enable", sched_switch_work, 2 * ROUNDS},
};

static int is_ftrace(const char *tracer)
{
	return strcmp(tracer, "ftrace") == 0 || strcmp(tracer, "followed") == 0;
}

static int is_function_tracer(const char *tracer)
{
	return strncmp(tracer, "function", 8) == 0;
}

/* What is measured by its own ring in the kernel. */
static int is_kernels(const char *tracer)
{
	return is_ftrace(tracer) || is_function_tracer(tracer);
}

/* The patterns, as the kernel's own tracers take them. */
static void choose_functions(void)
{
	FILE *list = fopen(FUNCTIONS, "r");
	char line[256];

	if (!list)
		fail(FUNCTIONS);
	tracefs_write("set_ftrace_filter", "");
	tracefs_write("set_ftrace_notrace", "");
	while (fgets(line, sizeof(line), list)) {
		const char *name = line[0] == '!' ? "set_ftrace_notrace" : "set_ftrace_filter";
		char path[256];
		FILE *file;

		snprintf(path, sizeof(path), TRACEFS "%s", name);
		file = fopen(path, "a");
		if (!file)
			fail(path);
		fputs(line + (line[0] == '!'), file);
		/* a pattern that names none is refused */
		if (fclose(file) && line[0] != '!')
			fail(line);
	}
	fclose(list);
}

static int is_ours(const char *tracer)
{
	return strcmp(tracer, "shm") == 0 || strncmp(tracer, "hypercall:", 10) == 0;
}

static void start_tracer(const char *tracer, const struct work *work, const char *parameters)
{
	char whole[256];
	int fd;

	if (is_ftrace(tracer)) {
		tracefs_write(work->ftrace_events, "1");
	} else if (is_function_tracer(tracer)) {
		choose_functions();
		tracefs_write("current_tracer", tracer);
	} else if (is_ours(tracer)) {
		snprintf(whole, sizeof(whole), "%s%s%s", parameters, strcmp(tracer, "shm") ? " batch=" : "",
			strcmp(tracer, "shm") ? strchr(tracer, ':') + 1 : "");
		fd = open(MODULE, O_RDONLY);
		if (fd < 0 || syscall(SYS_finit_module, fd, whole, 0) < 0)
			fail(MODULE);
		close(fd);
	}
}

static void stop_tracer(const char *tracer, const struct work *work)
{
	if (is_ftrace(tracer))
		tracefs_write(work->ftrace_events, "0");
	else if (is_function_tracer(tracer))
		tracefs_write("current_tracer", "nop");
	else if (is_ours(tracer) && syscall(SYS_delete_module, "hypertrace", 0) < 0)
		fail("unload");
}

static void measure(const char *tracer, const struct work *work, int repetitions)
{
	int empties = is_kernels(tracer) && strcmp(tracer, "followed");

	/*
	 * What the kernel puts off at boot or at a change of tracer is done by then; idle time costs no
	 * instructions.
	 */
	sleep(SETTLE_S);
	for (int i = -WARM_UP; i < repetitions; i++) {
		struct ring_stats before = {0}, after = {0};
		unsigned long long start, end;

		if (empties)
			tracefs_write("trace", ""); /* empties the ring */
		if (is_kernels(tracer))
			before = ring_stats_read();
		start = __rdtsc();
		work->run();
		end = __rdtsc();
		if (is_kernels(tracer))
			after = ring_stats_read();
		if (i >= 0)
			printf("%s %llu %u %llu %llu %llu %llu\n", tracer, end - start, work->events,
				after.lost - before.lost, start, after.held, after.bytes);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const struct work *work = NULL;
	const char *ring_kb = "8192";
	pid_t partner;
	int status;

	for (size_t i = 0; argc > 4 && i < sizeof(works) / sizeof(works[0]); i++)
		if (strcmp(works[i].name, argv[1]) == 0)
			work = &works[i];
	if (!work) {
		fprintf(stderr,
			"usage: workload syscall|syscall_short|sched_switch|mark|calls|programs REPETITIONS "
			"MODULE-PARAMETERS TRACER...\n");
		return 2;
	}
	if (work->ring_kb)
		ring_kb = work->ring_kb;
	else if (strcmp(argv[4], "followed") == 0)
		ring_kb = "16384";
	tracefs_write("buffer_size_kb", ring_kb);
	partner = start_partner();
	for (int i = 4; i < argc; i++) {
		start_tracer(argv[i], work, argv[3]);
		measure(argv[i], work, atoi(argv[2]));
		stop_tracer(argv[i], work);
	}
	close(ping[1]);
	waitpid(partner, &status, 0);
	return 0;
}
