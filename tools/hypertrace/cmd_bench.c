/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "bench/bench.h"
#include "lib/base/suggest.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/progress.h"

#define EVENTS_MIN 100000

struct bench_options {
	struct string_list kernels;
	uint64_t events;
	bool json;
};

static const struct option_spec bench_specs[] = {
	{'k', "kernel", "KERNEL", OPTION_LIST, offsetof(struct bench_options, kernels),
		"series (6.1, 6.12) or release of the guests; default 6.1 and 6.12"},
	{'n', "number", "N", OPTION_UNSIGNED, offsetof(struct bench_options, events),
		"number of events that record, read and graph work on; default 20000000"},
	{0, "json", NULL, OPTION_FLAG, offsetof(struct bench_options, json), "print one JSON object a line"},
	{0},
};

static const struct {
	const char *name;
	int (*run)(struct bench *bench, struct error *error);
} benchmarks[] = {
	{"guest", bench_guest},
	{"ring", bench_ring},
	{"record", bench_record},
	{"read", bench_read},
	{"size", bench_size},
	{"follow", bench_follow},
	{"exits", bench_exits},
	{"functions", bench_functions},
	{"graph", bench_graph},
	{"hypercall", bench_hypercall},
	{"xen", bench_xen},
};
#define BENCHMARKS  (sizeof(benchmarks) / sizeof(benchmarks[0]))
#define NAMES_BYTES 256 /* of all of them */

/* "guest, ring, …, xen and all" */
static const char *all_names(char out[NAMES_BYTES])
{
	size_t used = 0;

	for (size_t i = 0; i < BENCHMARKS; i++)
		used += (size_t)snprintf(out + used, NAMES_BYTES - used, "%s%s", benchmarks[i].name,
			i + 1 < BENCHMARKS ? ", " : " and all");
	return out;
}

static int unknown(const char *name, struct error *error)
{
	char names[NAMES_BYTES];
	struct suggestion suggestion = suggestion_for(name, strlen(name));

	for (size_t i = 0; i < BENCHMARKS; i++)
		suggestion_consider(&suggestion, benchmarks[i].name);
	error_set(error, -EINVAL, "unknown benchmark '%s'", name);
	if (suggestion.best)
		error_hint(error, "did you mean '%s'?", suggestion.best);
	return error_hint(error, "they are %s", all_names(names));
}

/* Bit n: benchmark n. */
static int chosen(int argc, char **argv, unsigned *set, struct error *error)
{
	char names[NAMES_BYTES];

	*set = 0;
	for (int i = 0; i < argc; i++) {
		unsigned before = *set;

		for (size_t n = 0; n < BENCHMARKS; n++)
			if (strcmp(argv[i], benchmarks[n].name) == 0 || strcmp(argv[i], "all") == 0)
				*set |= 1u << n;
		if (*set == before && strcmp(argv[i], "all") != 0)
			return unknown(argv[i], error);
	}
	if (!*set)
		return error_set(error, -EINVAL, "which benchmark? %s", all_names(names));
	return 0;
}

/* One that cannot run does not keep the others from running. */
static int run_chosen(struct bench *bench, unsigned set, bool json)
{
	int status = 0;

	for (size_t n = 0; n < BENCHMARKS; n++) {
		struct error error = {0};

		if (!(set >> n & 1) || benchmarks[n].run(bench, &error) == 0)
			continue;
		error_add(&error, "bench %s", benchmarks[n].name);
		status = show_error(&error, json, 1);
	}
	return status;
}

static int bench_run(const struct command *self, int argc, char **argv)
{
	static const char *const all_kernels[] = {"6.1", "6.12"};
	struct bench_options options = {.events = 20000000};
	struct bench bench = {.progress = show_progress};
	struct error error = {0};
	unsigned set;
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result)
		return result == 1 ? 0 : show_error(&error, false, 2);
	if (chosen(argc, argv, &set, &error) < 0)
		return show_error(&error, options.json, 2);
	if (options.events < EVENTS_MIN) {
		error_set(&error, -EINVAL, "-n %ju: fewer than %d events measure nothing",
			(uintmax_t)options.events, EVENTS_MIN);
		return show_error(&error, options.json, 2);
	}
	bench.kernels = options.kernels.count ? options.kernels.items : all_kernels;
	bench.nr_kernels = options.kernels.count ? options.kernels.count : 2;
	bench.events = options.events;
	figures_init(&bench.figures, options.json, stdout);
	result = run_chosen(&bench, set, options.json);
	figures_deinit(&bench.figures);
	return result;
}

static const char *name_at(size_t index)
{
	return index < BENCHMARKS ? benchmarks[index].name : index == BENCHMARKS ? "all" : NULL;
}

const struct command cmd_bench = {
	.name = "bench",
	.summary = "Measure what tracing costs, ours and others'",
	.synopsis = "[-k KERNEL]... [-n N] [--json] BENCHMARK...",
	.description =
		"guest      instructions an event costs a guest, counted by QEMU's -icount: ours and ftrace\n"
		"ring       nanoseconds a record costs natively: ours and an LTTng-UST tracepoint\n"
		"record     host CPU time a recorded event costs\n"
		"read       how fast traces are decoded and printed: ours and babeltrace2\n"
		"size       bytes an event takes on disk: ours, trace-cmd and LTTng\n"
		"follow     what reading a stock guest's ftrace out of its memory costs, and how fast it is\n"
		"exits      instructions that watching a guest's exit costs its host: ours and ftrace\n"
		"functions  what tracing all functions costs a guest, and its boot: ours and ftrace's tracers\n"
		"graph      how fast a trace of functions is summed up, and in how much memory\n"
		"hypercall  instructions an event costs by hypercalls, by size of the batches: ours and ftrace\n"
		"xen        how fast Xen's traces are printed and summed up: ours and xenalyze\n"
		"all        all of them\n\n"
		"Both sides of a comparison run in turns in the same run. Programs that are not installed are "
		"skipped, with the reason.",
	.examples = "  # the costs in a guest of Debian 12's own kernel\n"
		    "  hypertrace bench guest -k 6.1\n"
		    "  # everything, for a script\n"
		    "  hypertrace bench all --json > figures.jsonl",
	.options = bench_specs,
	.operand = name_at,
	.same_operands = true,
	.run = bench_run,
};
