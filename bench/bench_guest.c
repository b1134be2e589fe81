/* SPDX-License-Identifier: MIT */
/*
 * bench guest: instructions that tracing an event costs the guest. Under QEMU's -icount the guest's TSC
 * counts its instructions, so that figures do not depend on the machine or its load. bench/workload.c does
 * the work, untraced and under each tracer in one boot; of each the repetition that ran through with the
 * least counts.
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
#include "host/vm/cache_directory.h"
#include "host/collect/event_table.h"
#include "host/vm/kernel_package.h"
#include "host/vm/module_build.h"
#include "lib/base/cleanup.h"

#define REPETITIONS  "12"
#define MEMORY_BYTES (480ULL << 20)
#define TIMEOUT_S    600
#define BIT(name)    (1ULL << EVENT_ID_##name)
#define SYSCALLS     (BIT(sys_enter) | BIT(sys_exit)) /* one bit of each asks for all its layouts */
#define TRACERS      3
#define UNIT         "instructions/event"

struct guest {
	struct kernel_package kernel;
	const char *name; /* of the kernel, as asked for */
	char *module, *workload;
};

struct boot {
	struct region_wish wish;
	const char *event;             /* of the workload */
	struct series series[TRACERS]; /* tracer NULL: no more */
	uint64_t guest_lost;           /* our module's own count; with a recorder, the recorder's */
	const char *trace;             /* a recorder writes it; NULL: nobody reads the rings */
	struct attachment attachment;
};

static int prepare(void *context, const char *region_path, struct error *error)
{
	struct boot *boot = context;
	const struct recorder_options options = {.output = boot->trace, .events = "syscalls"};

	if (boot->trace)
		return attachment_start(&boot->attachment, &options, region_path, error);
	return region_file_wish(region_path, GUEST_REGION_BYTES, &boot->wish, error);
}

static int look(void *context, const char *region_path, struct error *error)
{
	struct boot *boot = context;
	struct attachment_counts counts;
	int result;

	if (!boot->trace)
		return region_file_lost(region_path, &boot->guest_lost, error);
	result = attachment_stop(&boot->attachment, &counts, error);
	boot->guest_lost = counts.lost;
	return result;
}

static size_t tracers(const struct boot *boot)
{
	size_t count = 0;

	while (count < TRACERS && boot->series[count].tracer)
		count++;
	return count;
}

static int run_boot(const struct guest *guest, struct boot *boot, struct error *error)
{
	cleanup_free char *module = NULL, *output = NULL;
	char parameters[96];
	const char *command[5 + TRACERS] = {guest->workload, boot->event, REPETITIONS, parameters};
	struct vm_config config = {.vmlinuz = guest->kernel.vmlinuz,
		.smp = 1,
		.memory_bytes = MEMORY_BYTES,
		.accel = VM_ACCEL_TCG,
		.icount = true,
		.region_bytes = GUEST_REGION_BYTES,
		.file_count = 1,
		.command = command,
		.append = "nokaslr",
		.timeout_s = TIMEOUT_S};
	const struct guest_hooks hooks = {.before = prepare, .after = look, .context = boot};
	const size_t count = tracers(boot);
	int result;

	if (asprintf(&module, "%s:/bench/hypertrace.ko", guest->module) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	config.files = (const char *const[]){module};
	snprintf(parameters, sizeof(parameters), "region=0x%" PRIx64 " size=%" PRIu64,
		(uint64_t)VM_REGION_ADDRESS, (uint64_t)GUEST_REGION_BYTES);
	for (size_t i = 0; i < count; i++)
		command[4 + i] = boot->series[i].tracer;
	result = guest_run(&config, &hooks, &output, error);
	if (!result)
		series_read(boot->series, count, output);
	for (size_t i = 0; !result && i < count; i++)
		if (!boot->series[i].repetitions)
			result = error_set(
				error, -EIO, "the guest measured nothing under %s", boot->series[i].tracer);
	return result < 0 ? error_add(error, "guest %s", guest->name) : 0;
}

/* The first tracer of a boot is "none". */
static double cost(const struct boot *boot, size_t tracer)
{
	const struct series *base = &boot->series[0], *series = &boot->series[tracer];
	uint64_t work = tracer ? base->least : 0;

	return ((double)series->least - (double)work) / series->events;
}

static int compare(struct bench *bench, const struct guest *guest, const char *event, uint64_t events,
	struct error *error)
{
	struct boot plain = {.wish = {.events = events},
		.event = event,
		.series = {{.tracer = "none"}, {.tracer = "ftrace"}, {.tracer = "shm"}}};
	struct boot filtered = {.wish = {.events = events, .exclude_pid = 1},
		.event = event,
		.series = {{.tracer = "none"}, {.tracer = "shm"}}};
	int result = run_boot(guest, &plain, error);

	if (!result)
		result = run_boot(guest, &filtered, error);
	if (result)
		return result;
	for (size_t i = 0; i < tracers(&plain); i++) {
		const struct series *series = &plain.series[i];

		figures_add(&bench->figures, cost(&plain, i), UNIT,
			strcmp(series->tracer, "shm") == 0 ? plain.guest_lost : series->lost, "kernel",
			guest->name, "tracer", series->tracer, "event", event, NULL);
	}
	figures_add(&bench->figures, cost(&filtered, 1), UNIT, filtered.guest_lost, "kernel", guest->name,
		"tracer", "shm+filter", "event", event, NULL);
	return 0;
}

/* A boot under our module alone, with a recorder or without. */
static int repeat(struct boot *boot, const struct guest *guest, const char *trace, struct error *error)
{
	int result;

	*boot = (struct boot){.wish = {.events = SYSCALLS},
		.event = "syscall",
		.series = {{.tracer = "shm"}},
		.trace = trace};
	result = run_boot(guest, boot, error);
	attachment_deinit(&boot->attachment);
	return result;
}

static void show_spread(
	struct bench *bench, const struct guest *guest, const struct boot *boot, const char *recorder)
{
	const struct series *series = &boot->series[0];

	figures_add(&bench->figures, (double)series->least, "instructions", boot->guest_lost, "kernel",
		guest->name, "tracer", "shm", "recorder", recorder, "of", "least", NULL);
	figures_add(&bench->figures, (double)series->most, "instructions", boot->guest_lost, "kernel",
		guest->name, "tracer", "shm", "recorder", recorder, "of", "most", NULL);
}

/*
 * The whole of the fixed work, with a recorder on the host and without: the least and the most of the
 * repetitions.
 */
static int compare_recorder(struct bench *bench, const struct guest *guest, struct error *error)
{
	cleanup_free char *directory = NULL, *trace = NULL;
	struct boot without, with;
	int result = bench_scratch(&directory, error);

	if (result)
		return result;
	if (asprintf(&trace, "%s/trace", directory) < 0)
		result = error_set(error, -ENOMEM, "out of memory");
	if (!result)
		result = repeat(&without, guest, NULL, error);
	if (!result)
		result = repeat(&with, guest, trace, error);
	remove_tree(directory);
	if (result)
		return result;
	show_spread(bench, guest, &without, "none");
	show_spread(bench, guest, &with, "attached");
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
	if (!result)
		result = compare(bench, guest, "syscall", SYSCALLS, error);
	if (!result)
		result = compare(bench, guest, "sched_switch", BIT(sched_switch), error);
	if (!result)
		result = compare_recorder(bench, guest, error);
	kernel_package_deinit(&guest->kernel);
	free(guest->module);
	return result;
}

int bench_guest(struct bench *bench, struct error *error)
{
	cleanup_free char *workload = NULL;
	int result = bench_program("workload", &workload, error);

	figures_begin(&bench->figures, "guest", "tracer", "shm");
	for (size_t i = 0; !result && i < bench->nr_kernels; i++) {
		struct guest guest = {.name = bench->kernels[i], .workload = workload};

		result = bench_kernel(bench, &guest, error);
	}
	figures_end(&bench->figures);
	return result;
}
