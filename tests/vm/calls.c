/* SPDX-License-Identifier: MIT */
/* Makes system calls that nothing else makes, each so often as its argument says: getppid, sched_yield, sysinfo, umask. */
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long counts[4] = {0};
	struct sysinfo info;

	for (int i = 0; i < 4 && i + 1 < argc; i++)
		counts[i] = atol(argv[i + 1]);
	for (long i = 0; i < counts[0]; i++)
		syscall(SYS_getppid);
	for (long i = 0; i < counts[1]; i++)
		sched_yield();
	for (long i = 0; i < counts[2]; i++)
		sysinfo(&info);
	for (long i = 0; i < counts[3]; i++)
		umask(022);
	return 0;
}
