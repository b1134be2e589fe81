/* SPDX-License-Identifier: MIT */
/*
 * A fixed mixture of what guests do, for traces of a realistic composition: system calls on files and pipes,
 * two tasks that wait for each other, short sleeps (timers), new processes, and a serial port that
 * interrupts.
 *
 *   mixed ROUNDS
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int ping[2], pong[2];

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void serve_pings(void)
{
	char byte;

	close(ping[1]);
	while (read(ping[0], &byte, 1) == 1 && write(pong[1], &byte, 1) == 1)
		;
	_exit(0);
}

static void read_file(const char *path)
{
	char text[512];
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail(path);
	if (fstat(fd, &status) < 0 || read(fd, text, sizeof(text)) < 0)
		fail(path);
	close(fd);
}

static void round_trip(void)
{
	char byte = 0;

	if (write(ping[1], &byte, 1) != 1 || read(pong[0], &byte, 1) != 1)
		fail("ping-pong");
}

static void new_process(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	if (child < 0 || waitpid(child, NULL, 0) < 0)
		fail("fork");
}

int main(int argc, char **argv)
{
	long rounds = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	const struct timespec moment = {.tv_nsec = 100000};
	pid_t partner;

	if (rounds <= 0) {
		fprintf(stderr, "usage: mixed ROUNDS\n");
		return 2;
	}
	if (pipe(ping) < 0 || pipe(pong) < 0 || (partner = fork()) < 0)
		fail("ping-pong");
	if (partner == 0)
		serve_pings();
	for (long i = 0; i < rounds; i++) {
		round_trip();
		read_file("/proc/self/stat");
		syscall(SYS_getppid);
		if (i % 16 == 0)
			nanosleep(&moment, NULL);
		if (i % 64 == 0)
			new_process();
		if (i % 64 == 32 && write(2, ".", 1) != 1)
			fail("stderr");
	}
	close(ping[1]);
	waitpid(partner, NULL, 0);
	return 0;
}
