/* SPDX-License-Identifier: MIT */
/*
 * bench xen: how fast a Xen trace of at least 24 MB is printed, and summed up, by us and by xenalyze. The trace is a recorded one
 * of the scheduler's events, again and again, with its TSCs moved on (xen_repeat.c). Both take turns on the same file with
 * their output thrown away; the best CPU time of each counts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/programs.h"
#include "bench/rival.h"
#include "host/vm/cache_directory.h"
#include "lib/base/cleanup.h"
#include "lib/reader/xen_reader.h"

#define RECORDED    BENCH_SOURCE "/../tests/golden/xen/sched.bin.zst"
#define TRACE_BYTES "24000000"
#define TURNS       5

/* At the joints of the repeated trace vCPUs jump between states; xenalyze is told to go on. */
#define XENALYZE_TOLERANCE "--tolerance=5"

static int make_trace(const char *directory, char **path, struct error *error)
{
	cleanup_free char *recorded = NULL, *repeat = NULL;
	const char *unpack[] = {"zstd", "-dqf", RECORDED, "-o", NULL, NULL};
	const char *make[] = {NULL, NULL, NULL, TRACE_BYTES, NULL};
	uint64_t cpu_ns;
	int result;

	if (access(RECORDED, R_OK))
		return error_set(error, -ENOENT, "needs the source tree: %s", RECORDED);
	if (asprintf(&recorded, "%s/recorded", directory) < 0 || asprintf(path, "%s/trace", directory) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	unpack[4] = recorded;
	result = rival_run(unpack, &cpu_ns, error);
	if (!result)
		result = bench_program("xen_repeat", &repeat, error);
	make[0] = repeat;
	make[1] = recorded;
	make[2] = *path;
	return result ? result : rival_run(make, &cpu_ns, error);
}

static int count_events(const char *path, uint64_t *events, struct error *error)
{
	struct xen_reader *reader;
	struct xen_event event;
	int result = xen_reader_open(path, &reader, error);

	if (result)
		return result;
	while ((result = xen_reader_next(reader, &event, error)) > 0)
		continue;
	*events = xen_reader_counts(reader)->events;
	xen_reader_close(reader);
	return result;
}

/* In PATH, or where scripts/setup puts it. NULL: nowhere. To be freed. */
static char *find_xenalyze(void)
{
	struct cache_directory cache;
	char *path = NULL;

	if (bench_has_program("xenalyze"))
		return strdup("xenalyze");
	if (cache_directory_init(&cache, NULL))
		return NULL;
	if (asprintf(&path, "%s/xenalyze", cache.path) < 0)
		path = NULL;
	cache_directory_deinit(&cache);
	if (path && access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

struct way {
	const char *program, *output;
	const char *argv[7];
	uint64_t best_ns;
};

static int take_turns(struct way *ways, size_t count, struct error *error)
{
	for (unsigned turn = 0; turn < TURNS; turn++)
		for (size_t i = 0; i < count; i++) {
			uint64_t cpu_ns;
			int result;

			if (!ways[i].argv[0])
				continue;
			result = rival_run(ways[i].argv, &cpu_ns, error);
			if (result)
				return result;
			if (!ways[i].best_ns || cpu_ns < ways[i].best_ns)
				ways[i].best_ns = cpu_ns;
		}
	return 0;
}

static int measure(struct bench *bench, const char *path, uint64_t events, struct error *error)
{
	cleanup_free char *xenalyze = find_xenalyze();
	struct way ways[] = {
		{"hypertrace", "events", {"/proc/self/exe", "xen", "dump", path}},
		{"xenalyze", "events", {xenalyze, "--dump-all", XENALYZE_TOLERANCE, path}},
		{"hypertrace", "summary", {"/proc/self/exe", "xen", "summary", path}},
		{"xenalyze", "summary", {xenalyze, "--summary", XENALYZE_TOLERANCE, path}},
	};
	size_t count = sizeof(ways) / sizeof(ways[0]);
	int result = take_turns(ways, count, error);

	for (size_t i = 0; !result && i < count; i++)
		if (ways[i].best_ns)
			figures_add(&bench->figures, (double)events * 1e9 / (double)ways[i].best_ns,
				"events/s", 0, "reader", ways[i].program, "output", ways[i].output, NULL);
		else
			figures_skip(&bench->figures,
				"needs xenalyze, of the Debian package xen-utils-common", "reader",
				ways[i].program, "output", ways[i].output, NULL);
	return result;
}

int bench_xen(struct bench *bench, struct error *error)
{
	cleanup_free char *directory = NULL, *path = NULL;
	uint64_t events = 0;
	int result = bench_scratch(&directory, error);

	if (result)
		return result;
	figures_begin(&bench->figures, "xen", "reader", "hypertrace");
	result = make_trace(directory, &path, error);
	if (!result)
		result = count_events(path, &events, error);
	if (!result)
		result = measure(bench, path, events, error);
	remove_tree(directory);
	figures_end(&bench->figures);
	return result;
}
