/* SPDX-License-Identifier: MIT */
/*
 * Instructions that a piece of work takes a guest that traces itself, with a follower on the host and without. As in
 * bench guest, QEMU's -icount makes the guest's TSC count them.
 */
#include <errno.h>
#include <stdio.h>

#include "bench/follow.h"
#include "bench/icount_guest.h"
#include "lib/base/cleanup.h"

#define REPETITIONS "12"

/* trace: NULL: nobody follows */
static int run(const struct follow *follow, const struct icount_guest *guest, struct icount_boot *boot,
	const char *trace, struct error *error)
{
	const struct series *series = &boot->series[0];
	int result;

	*boot = (struct icount_boot){.recorder = {.output = trace, .channel = RECORDER_FTRACE},
		.stock = {.name = "guest", .cache_dir = follow->cache, .whole = true, .guest_time = true},
		.work = "syscall",
		.repetitions = REPETITIONS,
		.series = {{.tracer = "followed"}}};
	result = icount_boot_measure(guest, boot, error);
	if (result)
		return result;
	if (trace && boot->counts.events < (uint64_t)series->repetitions * series->events)
		return error_set(error, -EIO, "the follower recorded only %llu events",
			(unsigned long long)boot->counts.events);
	return 0;
}

static void show(const struct follow *follow, const struct icount_boot *boot, const char *follower)
{
	const struct series *series = &boot->series[0];

	figures_add(&follow->bench->figures, (double)series->least, "instructions", series->lost + boot->lost,
		"kernel", follow->kernel_name, "event", "syscall", "follower", follower, "of", "least", NULL);
	figures_add(&follow->bench->figures, (double)series->most, "instructions", series->lost + boot->lost,
		"kernel", follow->kernel_name, "event", "syscall", "follower", follower, "of", "most", NULL);
}

int follow_icount(struct follow *follow, struct error *error)
{
	struct icount_boot without, with;
	cleanup_free char *trace = NULL;
	struct icount_guest guest;
	int result = icount_guest_init(&guest, follow->bench, follow->kernel_name, false, error);

	if (!result && asprintf(&trace, "%s/icount", follow->directory) < 0) {
		trace = NULL;
		result = error_set(error, -ENOMEM, "out of memory");
	}
	if (!result)
		result = run(follow, &guest, &without, NULL, error);
	if (!result)
		result = run(follow, &guest, &with, trace, error);
	if (!result) {
		show(follow, &without, "none");
		show(follow, &with, "attached");
	}
	icount_guest_deinit(&guest);
	return result;
}
