/* SPDX-License-Identifier: MIT */
/*
 * bench follow: what reading a stock guest's own ftrace out of its memory costs, and how fast it is; README.md says how
 * each figure comes about.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/follow.h"
#include "bench/programs.h"
#include "host/vm/cache_directory.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock_now.h"

/* Runs a program once on each CPU, all at the same time. */
#define ON_ALL "on_all() { for mask in 1 2; do taskset $mask \"$@\" 2>/dev/null & done; wait; }"

/* The channel's own choice of clock, see host/collect/ftrace_boot.c. */
#define WORDS "tsc=reliable trace_clock=x86-tsc"

static int start_guest(struct follow *follow, struct error *error)
{
	static const char *const names[] = {"busy", "mixed", "size_guest.sh"};
	char *files[sizeof(names) / sizeof(names[0]) + 2] = {NULL};
	size_t count = 0;
	int result = 0;

	for (size_t i = 0; !result && i < sizeof(names) / sizeof(names[0]); i++) {
		cleanup_free char *path = NULL;

		result = bench_program(names[i], &path, error);
		if (!result && asprintf(&files[count++], "%s:/bench/%s", path, names[i]) < 0)
			result = error_set(error, -ENOMEM, "out of memory");
	}
	if (!result && bench_has_program("trace-cmd"))
		files[count++] = strdup("/usr/bin/trace-cmd");
	if (!result)
		result = stock_guest_create(&follow->guest,
			&(struct stock_guest_config){.vmlinuz = follow->kernel.vmlinuz,
				.memory_bytes = FOLLOW_MEMORY_BYTES,
				.append = WORDS,
				.files = (const char *const *)files},
			error);
	if (!result)
		result = stock_guest_ask(follow->guest, ON_ALL, NULL, error);
	for (size_t i = 0; i < count; i++)
		free(files[i]);
	return result;
}

static int measure(struct follow *follow, struct error *error)
{
	int result = start_guest(follow, error);

	if (!result)
		result = follow_find(follow, error);
	if (!result)
		result = follow_snapshot(follow, error);
	if (!result)
		result = follow_rate(follow, error);
	if (!result)
		result = follow_size(follow, error);
	stock_guest_destroy(follow->guest);
	return result ? result : follow_icount(follow, error);
}

static int bench_kernel(struct bench *bench, const char *name, struct error *error)
{
	struct follow follow = {.bench = bench, .kernel_name = name};
	const struct kernel_wish wish = {.name = name, .progress = bench->progress};
	int result = kernel_package_find(&follow.kernel, &wish, error);

	if (result < 0)
		return result;
	result = bench_scratch(&follow.directory, error);
	if (!result && asprintf(&follow.cache, "%s/cache", follow.directory) < 0)
		result = error_set(error, -ENOMEM, "out of memory");
	if (!result)
		result = measure(&follow, error);
	if (follow.directory)
		remove_tree(follow.directory);
	free(follow.directory);
	free(follow.cache);
	kernel_package_deinit(&follow.kernel);
	return result < 0 ? error_add(error, "guest %s", name) : 0;
}

int bench_follow(struct bench *bench, struct error *error)
{
	int result = 0;

	figures_begin(&bench->figures, "follow", "in", "trace");
	for (size_t i = 0; !result && i < bench->nr_kernels; i++)
		result = bench_kernel(bench, bench->kernels[i], error);
	figures_end(&bench->figures);
	return result;
}

struct follow_time follow_now(void)
{
	return (struct follow_time){clock_now_ns(CLOCK_MONOTONIC), clock_now_ns(CLOCK_THREAD_CPUTIME_ID)};
}

struct follow_time follow_since(struct follow_time start)
{
	const struct follow_time now = follow_now();

	return (struct follow_time){now.wall_ns - start.wall_ns, now.cpu_ns - start.cpu_ns};
}

static int compare(const void *left, const void *right)
{
	const struct follow_time *a = left, *b = right;

	return (a->wall_ns > b->wall_ns) - (a->wall_ns < b->wall_ns);
}

static void show(struct follow *follow, uint64_t ns, const char *unit, uint64_t lost, const char *what,
	const char *how, const char *state, const char *of)
{
	figures_add(&follow->bench->figures, (double)ns / 1e6, unit, lost, "kernel", follow->kernel_name,
		what, how, "guest", state, "of", of, NULL);
}

void follow_show_times(struct follow *follow, struct follow_time *times, size_t count, uint64_t lost,
	const char *what, const char *how, const char *state)
{
	uint64_t cpu_ns = UINT64_MAX;

	for (size_t i = 0; i < count; i++)
		cpu_ns = times[i].cpu_ns < cpu_ns ? times[i].cpu_ns : cpu_ns;
	qsort(times, count, sizeof(*times), compare);
	show(follow, times[0].wall_ns, "ms", lost, what, how, state, "best");
	show(follow, times[count / 2].wall_ns, "ms", lost, what, how, state, "median");
	show(follow, cpu_ns, "CPU ms", lost, what, how, state, "best");
}
