/* SPDX-License-Identifier: MIT */
/*
 * A process that holds memory as a VMM does, for the tests of host/memory. A program of its own, never built with a
 * sanitizer: those map terabytes, which look like the RAM of a very large guest.
 *
 *   fake_vmm KIND:MIB…      KIND: anonymous, memfd, hidden (anonymous, nothing readable), or a file's path
 *
 * One of FAKE_VMM_STEP pages of the first FAKE_VMM_PAGES of the n-th mapping begins with "page N NUMBER", the others are not touched. Prints an address for
 * each mapping and a newline, then obeys what comes on its standard input: 'u' unmaps the first mapping, 't' answers
 * with the id of a thread; each is answered by a line. Ends with its standard input.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/fake_vmm.h"

static void *map(const char *kind, size_t bytes)
{
	int fd = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	void *base;

	if (!strcmp(kind, "memfd"))
		fd = memfd_create("ram", MFD_CLOEXEC);
	else if (*kind == '/')
		fd = open(kind, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0) {
		flags = MAP_SHARED;
		if (ftruncate(fd, (off_t)bytes))
			return MAP_FAILED;
	}
	base = mmap(NULL, bytes, strcmp(kind, "hidden") ? PROT_READ | PROT_WRITE : PROT_NONE, flags, fd, 0);
	if (*kind == '/')
		close(fd);
	return base;
}

/* Transparent huge pages would touch what the test does not. */
static void *make(const char *specification, int number, size_t *bytes)
{
	char kind[256], *mib;
	uint8_t *base;

	snprintf(kind, sizeof(kind), "%s", specification);
	mib = strrchr(kind, ':');
	if (!mib)
		exit(2);
	*mib = '\0';
	*bytes = strtoul(mib + 1, NULL, 10) << 20;
	base = map(kind, *bytes);
	if (base == MAP_FAILED) {
		perror(specification);
		exit(1);
	}
	madvise(base, *bytes, MADV_NOHUGEPAGE);
	for (size_t page = 0; strcmp(kind, "hidden") && page * 4096 < *bytes && page < FAKE_VMM_PAGES;
		page += FAKE_VMM_STEP)
		sprintf((char *)base + page * 4096, "page %d %zu", number, page);
	return base;
}

static void *run_thread(void *context)
{
	*(volatile long *)context = syscall(SYS_gettid);
	for (;;)
		pause();
	return NULL;
}

static long start_thread(void)
{
	static volatile long id;
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_thread, (void *)&id))
		return 0;
	while (!id)
		usleep(100);
	return id;
}

int main(int argc, char **argv)
{
	void *first = NULL;
	size_t first_bytes = 0;
	int command;

	prctl(PR_SET_PDEATHSIG, 9);
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 1; i < argc; i++) {
		size_t bytes;
		void *base = make(argv[i], i - 1, &bytes);

		if (i == 1) {
			first = base;
			first_bytes = bytes;
		}
		printf("%p ", base);
	}
	printf("\n");
	while ((command = getchar()) != EOF)
		if (command == 'u')
			printf("%d\n", munmap(first, first_bytes));
		else if (command == 't')
			printf("%ld\n", start_thread());
	return 0;
}
