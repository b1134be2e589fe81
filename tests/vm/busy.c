/* SPDX-License-Identifier: MIT */
/* Keeps its CPU busy for that many seconds. */
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
	struct timespec begin, now;
	double seconds = argc > 1 ? atof(argv[1]) : 1;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((double)(now.tv_sec - begin.tv_sec) + 1e-9 * (double)(now.tv_nsec - begin.tv_nsec) < seconds);
	return 0;
}
