/* SPDX-License-Identifier: MIT */
/*
 * bench functions: a fixed piece of a user space, programs that are started and work with files, with all functions traced: by
 * each of our probes, with a recorder, and by the kernel's tracer that says as much, in one boot.
 */
#include <errno.h>
#include <stdlib.h>

#include "bench/functions.h"
#include "bench/trace_count.h"
#include "host/vm/cache_directory.h"
#include "lib/base/cleanup.h"

#define REPETITIONS "3"

static void show(const struct functions *functions, enum ht_function_probe probe, const char *tracer,
	double value, const char *unit, uint64_t lost)
{
	figures_add(&functions->bench->figures, value, unit, lost, "kernel", functions->guest.name, "work",
		"programs", "probe", functions_probes[probe], "tracer", tracer, NULL);
}

static void show_all(const struct functions *functions, const struct icount_boot *boot,
	enum ht_function_probe probe, const struct trace_count *count)
{
	const struct series *none = &boot->series[0], *rival = &boot->series[1], *ours = &boot->series[2];

	show(functions, probe, rival->tracer, (double)rival->least / (double)none->least, "times as long",
		rival->lost);
	show(functions, probe, ours->tracer, (double)ours->least / (double)none->least, "times as long",
		boot->lost);
	show(functions, probe, rival->tracer, (double)rival->held, "events", rival->lost);
	show(functions, probe, ours->tracer, (double)count->events, "events", boot->lost);
	show(functions, probe, rival->tracer, (double)rival->held_bytes / (double)rival->held, "bytes/event",
		rival->lost);
	show(functions, probe, ours->tracer, (double)boot->counts.bytes / (double)boot->counts.events,
		"bytes/event", boot->lost);
}

static int measure(const struct functions *functions, enum ht_function_probe probe, struct error *error)
{
	cleanup_free char *trace = NULL;
	struct icount_boot boot = {.work = "programs",
		.repetitions = REPETITIONS,
		.series = {{.tracer = "none"}, {.tracer = functions_rival(probe)}, {.tracer = "shm"}}};
	const struct series *ours = &boot.series[2];
	struct trace_count count;
	int result;

	if (asprintf(&trace, "%s/programs-%s-%s", functions->directory, functions->guest.name,
		    functions_probes[probe]) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	boot.recorder.output = trace;
	result = functions_measure(functions, &boot, FUNCTIONS_ALL, probe, error);
	if (!result)
		result = trace_count(&count, trace, ours->start, ours->start + ours->least, error);
	remove_tree(trace);
	if (result)
		return result;
	if (!count.events || !boot.series[1].held)
		return error_set(error, -EIO, "guest %s: nothing was recorded", functions->guest.name);
	show_all(functions, &boot, probe, &count);
	return 0;
}

int functions_programs(struct functions *functions, struct error *error)
{
	int result = 0;

	for (enum ht_function_probe probe = HT_FUNCTION_ENTRY; !result && probe <= HT_FUNCTION_GRAPH; probe++)
		result = measure(functions, probe, error);
	return result;
}
