/* SPDX-License-Identifier: MIT */
/*
 * bench functions: instructions that tracing the kernel's functions costs the guest, beside its own function and
 * function_graph tracers in the same boot, under QEMU's -icount: one function, called in a loop, and all that a system call
 * runs through. And the bytes of what is recorded, with a recorder on the host.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/attachment.h"
#include "bench/bench.h"
#include "bench/guest_run.h"
#include "bench/programs.h"
#include "bench/region_file.h"
#include "bench/series.h"
#include "host/collect/function_wishes.h"
#include "host/vm/cache_directory.h"
#include "host/vm/kernel_package.h"
#include "host/vm/module_build.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"

#define REPETITIONS  "5"
#define REGION_BYTES (64ULL << 20)
#define MEMORY_BYTES (448ULL << 20)
#define TIMEOUT_S    900
#define ALL          "*"
#define ONE          "__*_sys_getppid" /* one function of two names */
#define UNIT         "instructions/pass"

struct guest {
	struct kernel_package kernel;
	const char *name; /* of the kernel, as asked for */
	char *module, *workload, *directory;
};

struct boot {
	const char *functions; /* ALL or ONE */
	enum ht_function_probe probe;
	const char *trace; /* a recorder writes it; NULL: nobody reads the rings */
	/* untraced, by the kernel's own tracer, by ours */
	struct series series[3];
	size_t nr_series;
	uint64_t lost; /* of ours */
	struct function_wishes wishes;
	struct attachment attachment;
	struct attachment_counts counts;
};

static int prepare(void *context, const char *region_path, struct error *error)
{
	struct boot *boot = context;
	const struct region_wish wish = {.functions = &boot->wishes};
	const struct recorder_options options = {.output = boot->trace,
		.events = "marker",
		.functions = {.patterns = boot->functions, .probe = boot->probe}};

	if (boot->trace)
		return attachment_start(&boot->attachment, &options, region_path, error);
	return region_file_wish(region_path, REGION_BYTES, &wish, error);
}

static int look(void *context, const char *region_path, struct error *error)
{
	struct boot *boot = context;
	int result;

	if (!boot->trace)
		return region_file_lost(region_path, &boot->lost, error);
	result = attachment_stop(&boot->attachment, &boot->counts, error);
	boot->lost = boot->counts.lost;
	return result;
}

/* What is traced, for the guest's own tracers. */
static int write_functions(const struct boot *boot, const char *path, struct error *error)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	fputs(boot->wishes.patterns, file);
	return fclose(file) ? error_set(error, -errno, "%s: %s", path, strerror(errno)) : 0;
}

static int run_boot(const struct guest *guest, struct boot *boot, struct error *error)
{
	cleanup_free char *module = NULL, *list = NULL, *functions = NULL, *output = NULL;
	char parameters[96];
	const char *command[8] = {guest->workload, "calls", REPETITIONS, parameters};
	const char *files[2];
	struct vm_config config = {.vmlinuz = guest->kernel.vmlinuz,
		.smp = 1,
		.memory_bytes = MEMORY_BYTES,
		.accel = VM_ACCEL_TCG,
		.icount = true,
		.region_bytes = REGION_BYTES,
		.files = files,
		.file_count = 2,
		.command = command,
		.append = "nokaslr",
		.timeout_s = TIMEOUT_S};
	const struct guest_hooks hooks = {.before = prepare, .after = look, .context = boot};
	const struct recorder_functions wanted = {.patterns = boot->functions, .probe = boot->probe};
	int result = function_wishes_parse(&boot->wishes, &wanted, error);

	if (result)
		return result;
	if (asprintf(&module, "%s:/bench/hypertrace.ko", guest->module) < 0 ||
		asprintf(&list, "%s/functions", guest->directory) < 0 ||
		asprintf(&functions, "%s:/bench/functions", list) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	files[0] = module;
	files[1] = functions;
	snprintf(parameters, sizeof(parameters), "region=0x%" PRIx64 " size=%" PRIu64,
		(uint64_t)VM_REGION_ADDRESS, (uint64_t)REGION_BYTES);
	for (size_t i = 0; i < boot->nr_series; i++)
		command[4 + i] = boot->series[i].tracer;
	result = write_functions(boot, list, error);
	if (!result)
		result = guest_run(&config, &hooks, &output, error);
	if (!result)
		series_read(boot->series, boot->nr_series, output);
	for (size_t i = 0; !result && i < boot->nr_series; i++)
		if (!boot->series[i].repetitions)
			result = error_set(
				error, -EIO, "the guest measured nothing under %s", boot->series[i].tracer);
	attachment_deinit(&boot->attachment);
	return result < 0 ? error_add(error, "guest %s", guest->name) : 0;
}

static const char *const probes[] = {
	[HT_FUNCTION_ENTRY] = "entry", [HT_FUNCTION_RETURN] = "return", [HT_FUNCTION_GRAPH] = "fgraph"};

/* What it costs beyond the work itself. */
static double cost(const struct boot *boot, size_t series)
{
	return ((double)boot->series[series].least - (double)boot->series[0].least) /
		boot->series[series].events;
}

/* A probe of ours against the kernel's tracer that says as much. */
static int compare(struct bench *bench, const struct guest *guest, const char *functions,
	enum ht_function_probe probe, struct error *error)
{
	const char *which = strcmp(functions, ALL) ? "one" : "all";
	const char *rival = probe == HT_FUNCTION_ENTRY ? "function" : "function_graph";
	struct boot boot = {.functions = functions,
		.probe = probe,
		.series = {{.tracer = "none"}, {.tracer = rival}, {.tracer = "shm"}},
		.nr_series = 3};
	int result = run_boot(guest, &boot, error);

	if (result)
		return result;
	for (size_t i = 1; i < 3; i++)
		figures_add(&bench->figures, cost(&boot, i), UNIT, i == 1 ? boot.series[1].lost : boot.lost,
			"kernel", guest->name, "functions", which, "probe", probes[probe], "tracer",
			boot.series[i].tracer, NULL);
	return 0;
}

/* A recorder takes it all: bytes of an entry with its exit, and how much longer the work takes. */
static int measure_bytes(struct bench *bench, const struct guest *guest, struct error *error)
{
	cleanup_free char *trace = NULL;
	struct boot boot = {.functions = ALL,
		.probe = HT_FUNCTION_RETURN,
		.series = {{.tracer = "none"}, {.tracer = "shm"}},
		.nr_series = 2};
	int result;

	if (asprintf(&trace, "%s/trace-%s", guest->directory, guest->name) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	boot.trace = trace;
	result = run_boot(guest, &boot, error);
	if (result)
		return result;
	if (!boot.counts.events)
		return error_set(error, -EIO, "guest %s: nothing was recorded", guest->name);
	figures_add(&bench->figures, 2.0 * (double)boot.counts.bytes / (double)boot.counts.events,
		"bytes/pair", boot.counts.lost, "kernel", guest->name, "functions", "all", "probe", "return",
		"tracer", "shm", NULL);
	figures_add(&bench->figures, (double)boot.series[1].least / (double)boot.series[0].least,
		"times as long", boot.counts.lost, "kernel", guest->name, "functions", "all", "probe",
		"return", "tracer", "shm", NULL);
	return 0;
}

static int bench_kernel(struct bench *bench, struct guest *guest, struct error *error)
{
	const struct kernel_wish wish = {
		.name = guest->name, .need_headers = true, .progress = bench->progress};
	int result = kernel_package_find(&guest->kernel, &wish, error);

	if (result < 0)
		return result;
	result = module_build(&guest->module, &guest->kernel, NULL, bench->progress, error);
	for (enum ht_function_probe probe = HT_FUNCTION_ENTRY; !result && probe <= HT_FUNCTION_GRAPH;
		probe++) {
		result = compare(bench, guest, ONE, probe, error);
		if (!result)
			result = compare(bench, guest, ALL, probe, error);
	}
	if (!result)
		result = measure_bytes(bench, guest, error);
	kernel_package_deinit(&guest->kernel);
	free(guest->module);
	return result;
}

int bench_functions(struct bench *bench, struct error *error)
{
	cleanup_free char *workload = NULL, *directory = NULL;
	int result = bench_program("workload", &workload, error);

	if (!result)
		result = bench_scratch(&directory, error);
	if (result)
		return result;
	figures_begin(&bench->figures, "functions", "tracer", "shm");
	for (size_t i = 0; !result && i < bench->nr_kernels; i++) {
		struct guest guest = {
			.name = bench->kernels[i], .workload = workload, .directory = directory};

		result = bench_kernel(bench, &guest, error);
	}
	figures_end(&bench->figures);
	remove_tree(directory);
	return result;
}
