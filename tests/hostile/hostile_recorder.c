/* SPDX-License-Identifier: MIT */
/*
 * The real recorder on the region of a guest that scribbles all over it, as fast as it can, for two seconds:
 * it must not crash (run it under ASan), not hang, and what it wrote must be whole packets. No VM. Usage:
 * hostile_recorder DIRECTORY
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/collect/recorder.h"
#include "lib/model/ctf_layout.h"

#define REGION_BYTES (1u << 20)
#define RINGS_OFFSET (HT_HOST_OFFSET + HT_HOST_BYTES)
#define SECONDS      2

static uint8_t *base;
static atomic_bool done;

static uint64_t random_word(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void make_header(uint64_t generation)
{
	struct ht_region header = {.magic = HT_MAGIC,
		.abi_version = HT_ABI_VERSION,
		.header_bytes = sizeof(header),
		.region_bytes = REGION_BYTES,
		.generation = generation,
		.nr_rings = 3,
		.nr_packets = 8,
		.packet_bytes = 4096,
		.rings_offset = RINGS_OFFSET,
		.data_offset = RINGS_OFFSET + 4096,
		.state = HT_STATE_RUNNING,
		.control_done = 1,
		.tsc_khz = 1000000};

	memset(header.release, 0x1b, sizeof(header.release));
	memset(header.message, 0xff, sizeof(header.message));
	memcpy(base, &header, sizeof(header));
}

/* Packets that are nearly right get further into the reader than noise does. */
static void make_packet(uint64_t *seed)
{
	uint64_t word = random_word(seed), ring = word % 3, k = word >> 8 & 63;
	struct ht_ring *rings = (struct ht_ring *)(base + RINGS_OFFSET);
	uint8_t *at = base + RINGS_OFFSET + 4096 + ring * 8 * 4096 + k % 8 * 4096;
	struct ht_packet packet = {.seq = k + 1,
		.begin_tsc = k << 20,
		.end_tsc = (k + 1) << 20,
		.events_before = k * 100,
		.events = 100,
		.content_bytes = 64 + 100 * 9,
		.flags = word >> 16 & 1};

	for (unsigned i = 0; i < 100; i++)
		memcpy(at + 64 + i * 9, &(uint32_t){((uint32_t)(k << 20) + i) << 5 | 1}, 4);
	memcpy(at, &packet, sizeof(packet));
	rings[ring].head = k + 2;
}

static void *scribble(void *unused)
{
	uint64_t seed = 88172645463325252ull, generation = 1;

	(void)unused;
	while (!atomic_load_explicit(&done, memory_order_relaxed)) {
		uint64_t word = random_word(&seed), at = word % (REGION_BYTES - 8);

		if (word >> 60 < 8)
			make_packet(&seed);
		else if (word >> 60 < 12 && (at < HT_HOST_OFFSET || at >= RINGS_OFFSET))
			memcpy(base + at, &seed, 8);
		else if ((word >> 40) % 65536 == 0)
			make_header(++generation % 8);
		else
			make_header(generation % 8);
	}
	return NULL;
}

static void ignore(void *context, const char *text)
{
	++*(unsigned *)context;
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 127)
			abort(); /* a guest must not reach the terminal */
}

/* Is the file a sequence of whole packets? */
static bool is_whole(const char *path)
{
	struct ctf_packet_header header;
	FILE *file = fopen(path, "r");
	struct stat status;
	uint64_t at = 0;

	if (!file)
		return true; /* nothing was recorded of that vCPU */
	fstat(fileno(file), &status);
	while (fread(&header, sizeof(header), 1, file) == 1 && header.magic == CTF_MAGIC &&
		header.content_size <= header.packet_size && header.timestamp_begin <= header.timestamp_end) {
		at += header.packet_size / 8;
		fseek(file, (long)at, SEEK_SET);
	}
	fclose(file);
	return at == (uint64_t)status.st_size;
}

int main(int argc, char **argv)
{
	struct recorder_options options = {.program_version = "test", .notice = ignore};
	char region[4096], output[4096], path[8300];
	unsigned notices = 0, broken = 0;
	struct recorder *recorder;
	struct error error = {0};
	const struct trace_info *info;
	time_t end = time(NULL) + SECONDS;
	pthread_t thread;
	int fd, code;

	if (argc != 2)
		return 2;
	snprintf(region, sizeof(region), "%s/region", argv[1]);
	snprintf(output, sizeof(output), "%s/trace-%d", argv[1], (int)getpid());
	mkdir(argv[1], 0700);
	fd = open(region, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, REGION_BYTES) < 0)
		return 2;
	base = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	make_header(1);
	options.output = output;
	options.context = &notices;
	code = recorder_create(&recorder, &options, &error);
	if (!code)
		code = recorder_add_guest(recorder, region, NULL, 0, &error);
	if (code) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	pthread_create(&thread, NULL, scribble, NULL);
	while (time(NULL) < end && recorder_step(recorder, -1) > 0)
		continue;
	recorder_finish(recorder, &error);
	atomic_store(&done, true);
	pthread_join(thread, NULL);
	info = recorder_info(recorder);
	for (size_t i = 0; i < info->nr_machines; i++)
		for (unsigned cpu = 0; cpu < 2; cpu++) {
			snprintf(path, sizeof(path), "%s/%s/cpu%u", output, info->machines[i].name, cpu);
			broken += !is_whole(path);
		}
	printf("%zu machines, %u notices, %u broken streams\n", info->nr_machines, notices, broken);
	recorder_destroy(recorder);
	munmap(base, REGION_BYTES);
	return broken != 0;
}
