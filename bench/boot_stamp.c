/* SPDX-License-Identifier: MIT */
/*
 * Runs in a guest under QEMU's -icount, first in place of the init program (rdinit=/bench/boot_stamp), which it then becomes:
 * the TSC at that moment is where the kernel's boot has ended. Later, as the guest's command, it says "STAMP HELD BYTES": that
 * moment, and what the kernel's own ring holds now: events, and their bytes.
 */
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <x86intrin.h>

#define STAMP "/bench/stamp"
#define STATS "/sys/kernel/tracing/per_cpu/cpu0/stats"

static void fail(const char *what)
{
	perror(what);
	_exit(1);
}

static void begin(char **argv)
{
	const uint64_t now = __rdtsc();
	FILE *file = fopen(STAMP, "w");

	if (!file || fprintf(file, "%llu", (unsigned long long)now) < 0 || fclose(file))
		fail(STAMP);
	execv("/init", argv);
	fail("/init");
}

int main(int argc, char **argv)
{
	unsigned long long stamp = 0, held = 0, bytes = 0;
	FILE *file, *stats;
	char line[128];

	if (argc && getpid() == 1)
		begin(argv);
	file = fopen(STAMP, "r");
	if (!file || fscanf(file, "%llu", &stamp) != 1)
		fail(STAMP);
	stats = fopen(STATS, "r");
	if (!stats)
		fail(STATS);
	while (fgets(line, sizeof(line), stats)) {
		sscanf(line, "entries: %llu", &held);
		sscanf(line, "bytes: %llu", &bytes);
	}
	printf("%llu %llu %llu\n", stamp, held, bytes);
	return 0;
}
