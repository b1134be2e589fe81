/* SPDX-License-Identifier: MIT */
/*
 * bench graph: how fast `hypertrace graph --report` reads a trace of functions, and how much memory that takes. A guest is
 * traced while it works, every function of its kernel, in and out; its trace is repeated until it has as many events as
 * asked for. The last kernel named is taken. CPU time of the program as a user runs it, the best of some turns, and the largest memory of all.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "bench/bench.h"
#include "bench/programs.h"
#include "bench/repeated_trace.h"
#include "bench/rival.h"
#include "host/vm/cache_directory.h"
#include "lib/base/cleanup.h"

#define TURNS 3

extern char **environ;

struct cost {
	uint64_t cpu_ns, bytes; /* bytes: peak of resident memory */
};

static int report(const char *trace, struct cost *cost, struct error *error)
{
	const char *const argv[] = {"/proc/self/exe", "graph", trace, "--report", "--top", "20", NULL};
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	int status, result;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	result = -posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (result)
		return error_set(error, result, "cannot start %s: %s", argv[0], strerror(-result));
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return error_set(error, -errno, "wait4: %s", strerror(errno));
	cost->cpu_ns = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
		(uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
	cost->bytes = (uint64_t)usage.ru_maxrss * 1024;
	return status ? error_set(error, -EIO, "hypertrace graph failed") : 0;
}

struct way {
	const char *name;
	const char *const *options; /* of `hypertrace run` */
};

static int record(const char *kernel, const struct way *way, const char *output, struct error *error)
{
	const char *argv[32] = {
		"/proc/self/exe", "run", "--kernel", kernel, "--accel", "tcg-single", "-o", output};
	static const char *const work[] = {
		"--", "sh", "-c", "for i in 1 2 3; do ls -R /bin /proc/1 >/dev/null; done"};
	size_t used = 8;
	uint64_t cpu_ns;

	for (size_t i = 0; way->options[i]; i++)
		argv[used++] = way->options[i];
	for (size_t i = 0; i < sizeof(work) / sizeof(work[0]); i++)
		argv[used++] = work[i];
	return rival_run(argv, &cpu_ns, error);
}

static int measure(struct bench *bench, const char *kernel, const struct way *way, struct error *error)
{
	cleanup_free char *directory = NULL, *once = NULL, *trace = NULL;
	struct cost best = {0}, cost = {0};
	uint64_t events = 0;
	int result = bench_scratch(&directory, error);

	if (result)
		return result;
	if (asprintf(&once, "%s/once", directory) < 0 || asprintf(&trace, "%s/trace", directory) < 0)
		result = error_set(error, -ENOMEM, "out of memory");
	if (!result)
		result = record(kernel, way, once, error);
	if (!result)
		result = repeated_trace_make(once, trace, bench->events, &events, error);
	for (unsigned turn = 0; turn < TURNS && !result; turn++) {
		result = report(trace, &cost, error);
		if (!best.cpu_ns || cost.cpu_ns < best.cpu_ns)
			best.cpu_ns = cost.cpu_ns;
		if (cost.bytes > best.bytes)
			best.bytes = cost.bytes;
	}
	remove_tree(directory);
	if (result)
		return result;
	figures_add(&bench->figures, (double)events * 1e9 / (double)best.cpu_ns, "events/s", 0, "kernel",
		kernel, "trace", way->name, "of", "report", NULL);
	figures_add(&bench->figures, (double)best.bytes / (1 << 20), "MiB", 0, "kernel", kernel, "trace",
		way->name, "of", "peak memory", NULL);
	return 0;
}

int bench_graph(struct bench *bench, struct error *error)
{
	static const char *const ours[] = {
		"--region-size", "256M", "-e", "sched", "-F", "*", "--probe", "return", NULL};
	static const char *const stock[] = {
		"--channel", "ftrace", "-e", "sched", "-F", "*", "--probe", "fgraph", NULL};
	static const struct way ways[] = {{"functions", ours}, {"function_graph", stock}};
	const char *kernel = bench->kernels[bench->nr_kernels - 1];
	int result = 0;

	figures_begin(&bench->figures, "graph", "trace", "functions");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) && !result; i++)
		result = measure(bench, kernel, &ways[i], error);
	figures_end(&bench->figures);
	return result;
}
