/* SPDX-License-Identifier: MIT */
/*
 * map_region DEVICE TEXT: what a VMM does with a region that a guest passes on. Prints its size, checks what must be
 * refused, writes the text to its start, and holds the mapping until stdin ends.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd = open(argc > 2 ? argv[1] : "", O_RDWR);
	off_t bytes = lseek(fd, 0, SEEK_END);
	char *memory, rest[16];

	if (fd < 0 || bytes <= 0)
		return perror("open"), 1;
	if (mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED ||
		mmap(NULL, (size_t)bytes + 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED ||
		mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096) != MAP_FAILED ||
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, bytes) != MAP_FAILED)
		return puts("a mapping that should be refused"), 1;
	memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return perror("mmap"), 1;
	close(fd); /* the mapping holds it */
	strcpy(memory, argv[2]);
	printf("mapped %lld\n", (long long)bytes);
	fflush(stdout);
	while (read(0, rest, sizeof(rest)) > 0)
		continue;
	return 0;
}
