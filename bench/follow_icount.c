/* SPDX-License-Identifier: MIT */
/*
 * Instructions that a piece of work takes a guest that traces itself, with a follower on the host and without. As in
 * bench guest, QEMU's -icount makes the guest's TSC count them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench/attachment.h"
#include "bench/follow.h"
#include "bench/guest_run.h"
#include "bench/programs.h"
#include "bench/series.h"
#include "lib/base/cleanup.h"

#define REPETITIONS  "12"
#define MEMORY_BYTES (480ULL << 20)
#define TIMEOUT_S    600

struct boot {
	struct follow *follow;
	const char *trace; /* NULL: nobody follows */
	struct attachment attachment;
	struct attachment_counts counts;
	struct series series;
};

static int attach(void *context, pid_t vmm, struct error *error)
{
	struct boot *boot = context;
	const struct recorder_options options = {.output = boot->trace, .channel = RECORDER_FTRACE};
	const struct recorder_stock stock = {
		.name = "guest", .cache_dir = boot->follow->cache, .whole = true, .guest_time = true};

	return boot->trace ? attachment_start_stock(&boot->attachment, &options, vmm, &stock, error) : 0;
}

static int detach(void *context, struct error *error)
{
	struct boot *boot = context;

	return boot->trace ? attachment_stop(&boot->attachment, &boot->counts, error) : 0;
}

static int run(struct boot *boot, const char *workload, struct error *error)
{
	const char *const command[] = {workload, "syscall", REPETITIONS, "-", boot->series.tracer, NULL};
	const struct vm_config config = {.vmlinuz = boot->follow->kernel.vmlinuz,
		.smp = 1,
		.memory_bytes = MEMORY_BYTES,
		.accel = VM_ACCEL_TCG,
		.icount = true,
		.command = command,
		.append = "nokaslr",
		.timeout_s = TIMEOUT_S};
	const struct guest_hooks hooks = {.started = attach, .held = detach, .context = boot};
	cleanup_free char *output = NULL;
	int result = guest_run(&config, &hooks, &output, error);

	attachment_deinit(&boot->attachment);
	if (result)
		return result;
	series_read(&boot->series, 1, output);
	if (!boot->series.repetitions)
		return error_set(error, -EIO, "the guest measured nothing");
	if (boot->trace && boot->counts.events < (uint64_t)boot->series.repetitions * boot->series.events)
		return error_set(error, -EIO, "the follower recorded only %llu events",
			(unsigned long long)boot->counts.events);
	return 0;
}

static void show(const struct boot *boot)
{
	const struct follow *follow = boot->follow;
	const struct series *series = &boot->series;
	const char *follower = boot->trace ? "attached" : "none";

	figures_add(&follow->bench->figures, (double)series->least, "instructions",
		series->lost + boot->counts.lost, "kernel", follow->kernel_name, "event", "syscall",
		"follower", follower, "of", "least", NULL);
	figures_add(&follow->bench->figures, (double)series->most, "instructions",
		series->lost + boot->counts.lost, "kernel", follow->kernel_name, "event", "syscall",
		"follower", follower, "of", "most", NULL);
}

int follow_icount(struct follow *follow, struct error *error)
{
	cleanup_free char *workload = NULL, *trace = NULL;
	struct boot without = {.follow = follow, .series = {.tracer = "followed"}}, with = without;
	int result = bench_program("workload", &workload, error);

	if (!result && asprintf(&trace, "%s/icount", follow->directory) < 0) {
		trace = NULL;
		result = error_set(error, -ENOMEM, "out of memory");
	}
	with.trace = trace;
	if (!result)
		result = run(&without, workload, error);
	if (!result)
		result = run(&with, workload, error);
	if (result)
		return result;
	show(&without);
	show(&with);
	return 0;
}
