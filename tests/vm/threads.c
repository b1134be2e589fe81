/* SPDX-License-Identifier: MIT */
/* A process whose threads sleep in different places of the kernel, each with a name of its own, for good. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static int pipes[2];

static void *in_read(void *name)
{
	char byte;

	prctl(PR_SET_NAME, name);
	return read(pipes[0], &byte, 1) ? NULL : name;
}

static void *in_poll(void *name)
{
	struct pollfd wait = {.fd = pipes[0], .events = POLLIN};

	prctl(PR_SET_NAME, name);
	poll(&wait, 1, -1);
	return NULL;
}

static void *in_nanosleep(void *name)
{
	prctl(PR_SET_NAME, name);
	sleep(100000);
	return NULL;
}

int main(void)
{
	pthread_t threads[3];

	if (pipe(pipes) || pthread_create(&threads[0], NULL, in_read, "in read") ||
		pthread_create(&threads[1], NULL, in_poll, "in poll") ||
		pthread_create(&threads[2], NULL, in_nanosleep, "in sleep"))
		return 1;
	sleep(1); /* for them to arrive */
	puts("threads sleep");
	fflush(stdout);
	return pthread_join(threads[0], NULL); /* in futex */
}
