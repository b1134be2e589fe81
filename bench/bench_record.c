/* SPDX-License-Identifier: MIT */
/*
 * bench record: CPU time of the recorder's own thread, user and system, for every event that it takes out of
 * a region, checks, and writes to a file. The best of several runs counts: what else the machine does only
 * ever adds.
 */

#include "bench/bench.h"
#include "bench/programs.h"
#include "bench/recorded_trace.h"
#include "host/vm/cache_directory.h"
#include "lib/base/cleanup.h"

#define RUNS 3

static int best_of_runs(struct recorded_trace *best, unsigned cpus, uint64_t events, struct error *error)
{
	int result = 0;

	for (unsigned run = 0; !result && run < RUNS; run++) {
		cleanup_free char *directory = NULL;
		struct recorded_trace trace;

		result = bench_scratch(&directory, error);
		if (result)
			return result;
		result = recorded_trace_make(&trace, directory, cpus, events, error);
		remove_tree(directory);
		if (!result && (run == 0 || trace.cpu_ns * best->written < best->cpu_ns * trace.written))
			*best = trace;
	}
	return result;
}

int bench_record(struct bench *bench, struct error *error)
{
	static const unsigned cpus[] = {1, 2, 4};
	int result = 0;

	figures_begin(&bench->figures, "record", "recorder", "hypertrace");
	for (size_t i = 0; !result && i < sizeof(cpus) / sizeof(cpus[0]); i++) {
		struct recorded_trace best = {0};
		char vcpus[16];

		result = best_of_runs(&best, cpus[i], bench->events, error);
		if (result)
			break;
		snprintf(vcpus, sizeof(vcpus), "%u", cpus[i]);
		figures_add(&bench->figures, (double)best.cpu_ns / (double)best.counts.events, "ns/event",
			best.counts.lost, "recorder", "hypertrace", "vcpus", vcpus, NULL);
		figures_add(&bench->figures, (double)best.counts.bytes * 1e9 / (double)best.cpu_ns, "bytes/s",
			best.counts.lost, "recorder", "hypertrace", "vcpus", vcpus, NULL);
	}
	figures_end(&bench->figures);
	return result;
}
