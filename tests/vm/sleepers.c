/* SPDX-License-Identifier: MIT */
/*
 * So many threads sleep in poll(), as its first argument says; with them, so many calls of poll() that return at once. Then all end.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static atomic_long arrived;

static void *sleeper(void *unused)
{
	arrived++;
	poll(NULL, 0, -1);
	return unused;
}

int main(int argc, char **argv)
{
	const long threads = argc > 1 ? atol(argv[1]) : 0, calls = argc > 2 ? atol(argv[2]) : 0;
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16384);
	for (long i = 0; i < threads; i++)
		if (pthread_create(&thread, &attributes, sleeper, NULL))
			return 1;
	while (arrived < threads)
		usleep(10000);
	usleep(500000); /* for the last to fall asleep */
	for (long i = 0; i < calls; i++)
		poll(NULL, 0, 0);
	return 0;
}
