/* SPDX-License-Identifier: MIT */
/* How long it takes until the kernel is found in a guest's memory, all of which is in use. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench/follow.h"
#include "host/kernel/guest_kernel.h"
#include "lib/base/cleanup.h"

#define TRIES 7

/* Of the VMM, in pages. 0: not to be told. */
static uint64_t resident_pages(pid_t pid)
{
	unsigned long long size, resident = 0;
	cleanup_fclose FILE *file = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	file = fopen(path, "r");
	return file && fscanf(file, "%llu %llu", &size, &resident) == 2 ? resident : 0;
}

/* The kernel keeps as little as it can for itself. */
static int touch_memory(struct follow *follow, struct error *error)
{
	uint64_t bytes;
	int result = stock_guest_ask(
		follow->guest, "echo 2048 >/proc/sys/vm/min_free_kbytes; /bench/busy memory", NULL, error);

	if (result)
		return result;
	bytes = resident_pages(stock_guest_pid(follow->guest)) * (uint64_t)sysconf(_SC_PAGESIZE);
	if (bytes < FOLLOW_MEMORY_BYTES / 100 * 95)
		return error_set(error, -EIO, "only %llu MiB of the guest's memory are in use",
			(unsigned long long)bytes >> 20);
	return 0;
}

int follow_find_once(
	struct follow *follow, const char *cache, bool cached, struct follow_time *time, struct error *error)
{
	const struct follow_time start = follow_now();
	struct guest_memory memory;
	struct guest_kernel kernel = {0};
	int result = guest_memory_open_process(&memory, stock_guest_pid(follow->guest), error);

	if (result)
		return result;
	result = guest_kernel_init(&kernel, &memory, cache, error);
	*time = follow_since(start);
	if (!result && kernel.was_cached != cached)
		result = error_set(error, -EIO, "the kernel was %s the cache", cached ? "not in" : "in");
	if (!result)
		guest_kernel_deinit(&kernel);
	guest_memory_deinit(&memory);
	return result;
}

/* In turns, so that both meet the same machine. */
static int find_all(struct follow *follow, const char *state, struct error *error)
{
	struct follow_time uncached[TRIES], cached[TRIES];
	int result = 0;

	for (size_t i = 0; !result && i < TRIES; i++) {
		cleanup_free char *empty = NULL;

		if (asprintf(&empty, "%s/%s.%zu", follow->directory, state, i) < 0) {
			empty = NULL;
			return error_set(error, -ENOMEM, "out of memory");
		}
		result = follow_find_once(follow, empty, false, &uncached[i], error);
		if (!result)
			result = follow_find_once(follow, empty, true, &cached[i], error);
	}
	if (result)
		return result;
	follow_show_times(follow, uncached, TRIES, 0, "find", "uncached", state);
	follow_show_times(follow, cached, TRIES, 0, "find", "cached", state);
	return 0;
}

int follow_find(struct follow *follow, struct error *error)
{
	struct follow_time time;
	int result = touch_memory(follow, error);

	if (!result)
		result = find_all(follow, "idle", error);
	if (!result)
		result = stock_guest_ask(follow->guest, "/bench/busy spin & pid=$!", NULL, error);
	if (!result)
		result = find_all(follow, "busy", error);
	if (!result)
		result = stock_guest_ask(follow->guest, "kill $pid; wait $pid; :", NULL, error);
	/* for all that follows */
	return result ? result : follow_find_once(follow, follow->cache, false, &time, error);
}
