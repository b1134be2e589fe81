/* SPDX-License-Identifier: MIT */
/* Calls getppid() exactly as often as its argument says, and prints its pid. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 100000;

	printf("%d\n", getpid());
	for (long i = 0; i < count; i++)
		syscall(SYS_getppid);
	return 0;
}
