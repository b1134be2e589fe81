/* SPDX-License-Identifier: MIT */
/*
 * bench functions: what tracing the kernel's functions costs the guest, beside its own function and function_graph tracers,
 * under QEMU's -icount. Here: instructions of one function, called in a loop, and of all that a system call runs through, each
 * in the same boot; and the bytes of what is recorded, with a recorder on the host. The other parts: functions.h.
 */
#include <errno.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/functions.h"
#include "bench/programs.h"
#include "host/vm/cache_directory.h"
#include "lib/base/cleanup.h"

#define REPETITIONS "5"
#define ONE         "__*_sys_getppid" /* one function of two names */
#define UNIT        "instructions/pass"

const char *const functions_probes[] = {
	[HT_FUNCTION_ENTRY] = "entry", [HT_FUNCTION_RETURN] = "return", [HT_FUNCTION_GRAPH] = "fgraph"};

const char *functions_rival(enum ht_function_probe probe)
{
	return probe == HT_FUNCTION_ENTRY ? "function" : "function_graph";
}

/* What is traced, for the guest's own tracers. */
static int write_list(const struct function_wishes *wishes, const char *path, struct error *error)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	fputs(wishes->patterns, file);
	return fclose(file) ? error_set(error, -errno, "%s: %s", path, strerror(errno)) : 0;
}

int functions_measure(const struct functions *functions, struct icount_boot *boot, const char *patterns,
	enum ht_function_probe probe, struct error *error)
{
	const struct recorder_functions wanted = {.patterns = patterns, .probe = probe};
	cleanup_free char *list = NULL, *file = NULL;
	struct function_wishes wishes;
	int result = function_wishes_parse(&wishes, &wanted, error);

	if (result)
		return result;
	if (asprintf(&list, "%s/functions", functions->directory) < 0 ||
		asprintf(&file, "%s:/bench/functions", list) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	boot->region_bytes = FUNCTIONS_RING_BYTES;
	boot->wish.functions = &wishes;
	boot->recorder.events = "marker";
	boot->recorder.functions = wanted;
	boot->files[0] = file;
	result = write_list(&wishes, list, error);
	if (!result)
		result = icount_boot_measure(&functions->guest, boot, error);
	boot->wish.functions = NULL;
	boot->files[0] = NULL;
	return result;
}

/* A probe of ours against the kernel's tracer that says as much. */
static int compare(
	struct functions *functions, const char *patterns, enum ht_function_probe probe, struct error *error)
{
	const char *which = strcmp(patterns, FUNCTIONS_ALL) ? "one" : "all";
	struct icount_boot boot = {.work = "calls",
		.repetitions = REPETITIONS,
		.series = {{.tracer = "none"}, {.tracer = functions_rival(probe)}, {.tracer = "shm"}}};
	int result = functions_measure(functions, &boot, patterns, probe, error);

	if (result)
		return result;
	for (size_t i = 1; i < 3; i++)
		figures_add(&functions->bench->figures, icount_boot_cost(&boot, i), UNIT,
			i == 1 ? boot.series[1].lost : boot.lost, "kernel", functions->guest.name,
			"functions", which, "probe", functions_probes[probe], "tracer", boot.series[i].tracer,
			NULL);
	return 0;
}

/* A recorder takes it all: bytes of an entry with its exit, and how much longer the work takes. */
static int measure_bytes(struct functions *functions, struct error *error)
{
	const char *kernel = functions->guest.name;
	struct figures *figures = &functions->bench->figures;
	cleanup_free char *trace = NULL;
	struct icount_boot boot = {.work = "calls",
		.repetitions = REPETITIONS,
		.series = {{.tracer = "none"}, {.tracer = "shm"}}};
	int result;

	if (asprintf(&trace, "%s/calls-%s", functions->directory, kernel) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	boot.recorder.output = trace;
	result = functions_measure(functions, &boot, FUNCTIONS_ALL, HT_FUNCTION_RETURN, error);
	if (result)
		return result;
	if (!boot.counts.events)
		return error_set(error, -EIO, "guest %s: nothing was recorded", kernel);
	figures_add(figures, 2.0 * (double)boot.counts.bytes / (double)boot.counts.events, "bytes/pair",
		boot.lost, "kernel", kernel, "functions", "all", "probe", "return", "tracer", "shm", NULL);
	figures_add(figures, (double)boot.series[1].least / (double)boot.series[0].least, "times as long",
		boot.lost, "kernel", kernel, "functions", "all", "probe", "return", "tracer", "shm", NULL);
	return 0;
}

static int measure_calls(struct functions *functions, struct error *error)
{
	int result = 0;

	for (enum ht_function_probe probe = HT_FUNCTION_ENTRY; !result && probe <= HT_FUNCTION_GRAPH;
		probe++) {
		result = compare(functions, ONE, probe, error);
		if (!result)
			result = compare(functions, FUNCTIONS_ALL, probe, error);
	}
	return result ? result : measure_bytes(functions, error);
}

static int bench_kernel(struct bench *bench, const char *kernel, const char *directory, struct error *error)
{
	struct functions functions = {.bench = bench, .directory = directory};
	int result = icount_guest_init(&functions.guest, bench, kernel, true, error);

	if (!result)
		result = measure_calls(&functions, error);
	if (!result)
		result = functions_programs(&functions, error);
	if (!result)
		result = functions_boot(&functions, error);
	icount_guest_deinit(&functions.guest);
	return result;
}

int bench_functions(struct bench *bench, struct error *error)
{
	cleanup_free char *directory = NULL;
	int result = bench_scratch(&directory, error);

	if (result)
		return result;
	figures_begin(&bench->figures, "functions", "tracer", "shm");
	for (size_t i = 0; !result && i < bench->nr_kernels; i++)
		result = bench_kernel(bench, bench->kernels[i], directory, error);
	figures_end(&bench->figures);
	remove_tree(directory);
	return result;
}
