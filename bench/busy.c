/* SPDX-License-Identifier: MIT */
/*
 * What a guest is to be busy with:
 *
 *   busy syscalls N   getppid so often; 0: for ever
 *   busy spin         for ever, without a system call
 *   busy memory       touches every page that is free
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define LEFT_KB    16384 /* for everything else */

static int call(unsigned long count)
{
	for (unsigned long i = 0; !count || i < count; i++)
		syscall(SYS_getppid);
	return 0;
}

static unsigned long available_kb(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	unsigned long kb = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file) && sscanf(line, "MemFree: %lu", &kb) != 1)
		;
	if (file)
		fclose(file);
	return kb;
}

static int touch(void)
{
	unsigned long kb = available_kb(), bytes = kb > LEFT_KB ? (kb - LEFT_KB) * 1024 : 0;
	char *at;

	if (!bytes)
		return 1;
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return 1;
	for (unsigned long i = 0; i < bytes; i += PAGE_BYTES)
		memcpy(at + i, &i, sizeof(i));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "syscalls"))
		return call(strtoul(argv[2], NULL, 10));
	while (argc == 2 && !strcmp(argv[1], "spin"))
		__asm__ volatile("pause");
	if (argc == 2 && !strcmp(argv[1], "memory"))
		return touch();
	fprintf(stderr, "usage: busy syscalls N | busy spin | busy memory\n");
	return 2;
}
