/* SPDX-License-Identifier: MIT */
/*
 * bench guest: instructions that tracing an event costs the guest. Under QEMU's -icount the guest's TSC
 * counts its instructions, so that figures do not depend on the machine or its load. bench/workload.c does
 * the work, untraced and under each tracer in one boot; of each the repetition that ran through with the
 * least counts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/guest_run.h"
#include "bench/icount_guest.h"
#include "bench/programs.h"
#include "host/collect/event_table.h"
#include "host/vm/cache_directory.h"
#include "lib/base/cleanup.h"

#define REPETITIONS "12"
#define BIT(name)   (1ULL << EVENT_ID_##name)
#define SYSCALLS    (BIT(sys_enter) | BIT(sys_exit)) /* one bit of each asks for all its layouts */
#define UNIT        "instructions/event"

static int compare(struct bench *bench, const struct icount_guest *guest, const char *event, uint64_t events,
	struct error *error)
{
	struct icount_boot plain = {.region_bytes = GUEST_REGION_BYTES,
		.wish = {.events = events},
		.work = event,
		.repetitions = REPETITIONS,
		.series = {{.tracer = "none"}, {.tracer = "ftrace"}, {.tracer = "shm"}}};
	struct icount_boot filtered = {.region_bytes = GUEST_REGION_BYTES,
		.wish = {.events = events, .exclude_pid = 1},
		.work = event,
		.repetitions = REPETITIONS,
		.series = {{.tracer = "none"}, {.tracer = "shm"}}};
	int result = icount_boot_measure(guest, &plain, error);

	if (!result)
		result = icount_boot_measure(guest, &filtered, error);
	if (result)
		return result;
	for (size_t i = 0; i < icount_boot_nr_series(&plain); i++) {
		const struct series *series = &plain.series[i];

		figures_add(&bench->figures, icount_boot_cost(&plain, i), UNIT,
			strcmp(series->tracer, "shm") == 0 ? plain.lost : series->lost, "kernel", guest->name,
			"tracer", series->tracer, "event", event, NULL);
	}
	figures_add(&bench->figures, icount_boot_cost(&filtered, 1), UNIT, filtered.lost, "kernel",
		guest->name, "tracer", "shm+filter", "event", event, NULL);
	return 0;
}

/* A boot under our module alone, with a recorder or without. */
static int repeat(
	struct icount_boot *boot, const struct icount_guest *guest, const char *trace, struct error *error)
{
	*boot = (struct icount_boot){.region_bytes = GUEST_REGION_BYTES,
		.wish = {.events = SYSCALLS},
		.recorder = {.output = trace, .events = "syscalls"},
		.work = "syscall",
		.repetitions = REPETITIONS,
		.series = {{.tracer = "shm"}}};
	return icount_boot_measure(guest, boot, error);
}

static void show_spread(struct bench *bench, const struct icount_guest *guest, const struct icount_boot *boot,
	const char *recorder)
{
	const struct series *series = &boot->series[0];

	figures_add(&bench->figures, (double)series->least, "instructions", boot->lost, "kernel", guest->name,
		"tracer", "shm", "recorder", recorder, "of", "least", NULL);
	figures_add(&bench->figures, (double)series->most, "instructions", boot->lost, "kernel", guest->name,
		"tracer", "shm", "recorder", recorder, "of", "most", NULL);
}

/*
 * The whole of the fixed work, with a recorder on the host and without: the least and the most of the
 * repetitions.
 */
static int compare_recorder(struct bench *bench, const struct icount_guest *guest, struct error *error)
{
	cleanup_free char *directory = NULL, *trace = NULL;
	struct icount_boot without, with;
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

static int bench_kernel(struct bench *bench, const char *kernel, struct error *error)
{
	struct icount_guest guest;
	int result = icount_guest_init(&guest, bench, kernel, true, error);

	if (!result)
		result = compare(bench, &guest, "syscall", SYSCALLS, error);
	if (!result)
		result = compare(bench, &guest, "sched_switch", BIT(sched_switch), error);
	if (!result)
		result = compare_recorder(bench, &guest, error);
	icount_guest_deinit(&guest);
	return result;
}

int bench_guest(struct bench *bench, struct error *error)
{
	int result = 0;

	figures_begin(&bench->figures, "guest", "tracer", "shm");
	for (size_t i = 0; !result && i < bench->nr_kernels; i++)
		result = bench_kernel(bench, bench->kernels[i], error);
	figures_end(&bench->figures);
	return result;
}
