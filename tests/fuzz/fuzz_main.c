/* SPDX-License-Identifier: MIT */
/* The fallback driver: replays files, then mutates for a while. No coverage feedback, but fast, and everywhere. */
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/file.h"

#define INPUT_MAX (1u << 20)
#define POOL_MAX  256

struct input {
	uint8_t *data;
	size_t size;
};

static struct input pool[POOL_MAX];
static size_t pool_size, nr_seeds; /* the seeds come first, and stay */
static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return limit ? random_state % limit : 0;
}

static void add(const void *data, size_t size)
{
	struct input *input =
		&pool[pool_size < POOL_MAX ? pool_size++ : nr_seeds + random_below(POOL_MAX - nr_seeds)];

	free(input->data);
	*input = (struct input){malloc(size + 1), size};
	if (!input->data)
		abort();
	memcpy(input->data, data, size);
}

/* Numbers that parsers get wrong. */
static uint64_t interesting(void)
{
	static const uint64_t values[] = {0, 1, 7, 8, 31, 32, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff,
		0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, UINT64_MAX};

	return values[random_below(sizeof(values) / sizeof(values[0]))];
}

static size_t mutate_once(uint8_t *data, size_t size)
{
	size_t at = random_below(size), length = 1 + random_below(16), from = random_below(size);
	uint64_t value = interesting();

	if (!size)
		return size;
	if (length > size - at)
		length = size - at;
	switch (random_below(7)) {
	case 0:
		data[at] ^= (uint8_t)(1u << random_below(8));
		break;
	case 1:
		data[at] = (uint8_t)random_below(256);
		break;
	case 2:
		memcpy(data + at, &value, length < 8 ? length : 8);
		break;
	case 3: /* take a piece out */
		memmove(data + at, data + at + length, size - at - length);
		return size - length;
	case 4: /* double a piece */
		if (size + length > INPUT_MAX)
			break;
		memmove(data + at + length, data + at, size - at);
		return size + length;
	case 5: /* copy a piece elsewhere */
		if (from + length <= size)
			memmove(data + at, data + from, length);
		break;
	case 6:
		return random_below(8) ? size : at;
	}
	return size;
}

/* `scratch` lives in a file, so that the input that crashed is there afterwards. */
static uint8_t *map_scratch(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
	void *scratch = fd < 0 || ftruncate(fd, INPUT_MAX)
		? MAP_FAILED
		: mmap(NULL, INPUT_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (scratch == MAP_FAILED) {
		perror(path);
		exit(2);
	}
	return scratch;
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* An exact-sized copy, so that a read one byte behind it is found. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void load(const char *path)
{
	char *data;
	size_t size;
	struct error error;

	if (file_read_small(AT_FDCWD, path, INPUT_MAX, &data, &size, &error)) {
		fprintf(stderr, "%s\n", error.text);
		exit(2);
	}
	add(data, size);
	free(data);
}

int main(int argc, char **argv)
{
	double seconds = 3, end;
	uint64_t runs = 0;
	const uint8_t *seed;
	char path[128];
	uint8_t *scratch;
	size_t size;

	random_state = 0x9e3779b97f4a7c15ull;
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--seconds") && i + 1 < argc)
			seconds = atof(argv[++i]);
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			random_state = strtoull(argv[++i], NULL, 0) * 2 + 1;
		else
			load(argv[i]);
	}
	for (size_t i = 0; (size = fuzz_seed(i, &seed)); i++)
		add(seed, size);
	nr_seeds = pool_size < POOL_MAX / 2 ? pool_size : POOL_MAX / 2;
	snprintf(path, sizeof(path), "fuzz-%s.crash", fuzz_name);
	scratch = map_scratch(path);
	for (size_t i = 0; i < pool_size; i++, runs++) {
		memcpy(scratch, pool[i].data, pool[i].size);
		run(scratch, pool[i].size);
	}
	for (end = seconds_now() + seconds; seconds_now() < end; runs++) {
		const struct input *input = &pool[random_below(random_below(2) ? nr_seeds : pool_size)];

		size = input->size;
		memcpy(scratch, input->data, size);
		for (uint64_t n = 1 + random_below(8); n; n--)
			size = mutate_once(scratch, size);
		run(scratch, size);
		/* now and then go on from there, so that mutations add up */
		if (!random_below(64))
			add(scratch, size);
	}
	munmap(scratch, INPUT_MAX);
	unlink(path);
	for (size_t i = 0; i < pool_size; i++)
		free(pool[i].data);
	printf("fuzz_%s: %llu inputs\n", fuzz_name, (unsigned long long)runs);
	return 0;
}
