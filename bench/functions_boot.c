/* SPDX-License-Identifier: MIT */
/*
 * bench functions: a whole boot of a stock kernel, every function traced by its own tracers as they can be from its command
 * line, and recorded out of its memory. Its time is what the guest's TSC counts under -icount: instructions, and waiting.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "bench/functions.h"
#include "bench/programs.h"
#include "bench/trace_count.h"
#include "host/collect/ftrace_boot.h"
#include "host/vm/cache_directory.h"
#include "host/vm/process.h"
#include "lib/base/cleanup.h"

#define STAMP "/bench/boot_stamp"
/*
 * A dozen events in place of none: the first of them, in console_init(), is where a boot is measured from, and the rings are
 * made as in the others. Before, the others have only begun to trace.
 */
#define UNTRACED "initcall:initcall_level,!sched_switch,!sched_process_fork,!sched_process_exec,!task_rename"

struct whole_boot {
	const char *tracer; /* NULL: untraced */
	bool empties;       /* it begins with an empty ring */
	uint64_t begun;     /* TSC: the init program's first instruction */
	uint64_t first;     /* TSC: the trace's first event */
	uint64_t events;    /* recorded until `begun` */
	double event_bytes, ring_event_bytes;
	uint64_t lost;
};

static int read_stamp(struct whole_boot *whole, char *output, struct error *error)
{
	uint64_t held, bytes;

	if (sscanf(output, "%" SCNu64 " %" SCNu64 " %" SCNu64, &whole->begun, &held, &bytes) != 3)
		return error_set(error, -EIO, "the guest says: %s", process_last_line(output));
	whole->ring_event_bytes = held ? (double)bytes / (double)held : 0;
	return 0;
}

/* Where things are, here. */
struct paths {
	char *stamp; /* "LOCAL:GUEST" */
	char *cache, *trace;
};

static void paths_deinit(struct paths *paths)
{
	free(paths->stamp);
	free(paths->cache);
	free(paths->trace);
}

static int paths_init(struct paths *paths, const char *directory, struct error *error)
{
	cleanup_free char *stamp = NULL;
	int result = bench_program("boot_stamp", &stamp, error);

	*paths = (struct paths){0};
	if (result)
		return result;
	if (asprintf(&paths->stamp, "%s:" STAMP, stamp) < 0)
		paths->stamp = NULL;
	if (asprintf(&paths->cache, "%s/cache", directory) < 0)
		paths->cache = NULL;
	if (asprintf(&paths->trace, "%s/boot", directory) < 0)
		paths->trace = NULL;
	if (paths->stamp && paths->cache && paths->trace)
		return 0;
	paths_deinit(paths);
	return error_set(error, -ENOMEM, "out of memory");
}

static int run(const struct functions *functions, struct whole_boot *whole, const struct paths *paths,
	struct icount_boot *boot, struct error *error)
{
	static const char *const command[] = {STAMP, NULL};
	cleanup_free char *output = NULL;
	struct trace_count count;
	int result = icount_boot_run(&functions->guest, boot, command, &output, error);

	if (!result)
		result = read_stamp(whole, output, error);
	if (!result)
		result = trace_count(&count, paths->trace, 0, whole->begun, error);
	remove_tree(paths->trace);
	if (result)
		return result;
	if (!count.events)
		return error_set(error, -EIO, "guest %s: nothing was recorded", functions->guest.name);
	whole->first = count.first_tsc;
	whole->events = count.events;
	whole->event_bytes = (double)boot->counts.bytes / (double)boot->counts.events;
	whole->lost = boot->lost;
	return 0;
}

static int measure(const struct functions *functions, struct whole_boot *whole, const struct paths *paths,
	struct error *error)
{
	const struct ftrace_boot_wishes wishes = {
		.events = whole->tracer ? whole->tracer : UNTRACED, .ring_bytes = FUNCTIONS_RING_BYTES};
	cleanup_free char *words = ftrace_boot_words(&wishes), *selection = ftrace_boot_selection(&wishes);
	cleanup_free char *append = NULL;
	struct icount_boot boot = {.files = {paths->stamp},
		.recorder = {.output = paths->trace, .channel = RECORDER_FTRACE, .events = selection},
		.stock = {.name = "guest",
			.cache_dir = paths->cache,
			.tracer = whole->empties ? whole->tracer : NULL,
			.whole = true,
			.from_start = true,
			.guest_time = true}};

	if (!words || !selection || asprintf(&append, "%s rdinit=" STAMP, words) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	boot.append = append;
	return run(functions, whole, paths, &boot, error);
}

static void show(const struct functions *functions, const struct whole_boot *whole, double value,
	const char *unit, const char *in)
{
	const char *tracer = whole->tracer ? whole->tracer : "none";

	figures_add(&functions->bench->figures, value, unit, whole->lost, "kernel", functions->guest.name,
		"work", "boot", "tracer", tracer, in ? "in" : NULL, in, NULL);
}

static void show_all(const struct functions *functions, const struct whole_boot *boots, size_t count)
{
	const struct whole_boot *none = &boots[0];
	const uint64_t start =
		none->first; /* until then all boots are the same, but for what tracing costs */

	show(functions, none, (double)(none->begun - start) / 1e6, "million instructions", NULL);
	for (size_t i = 1; i < count; i++) {
		const struct whole_boot *whole = &boots[i];

		show(functions, whole, (double)(whole->begun - start) / (double)(none->begun - start),
			"times as long", NULL);
		show(functions, whole, (double)whole->events, "events", NULL);
		show(functions, whole, whole->event_bytes, "bytes/event", "trace");
		show(functions, whole, whole->ring_event_bytes, "bytes/event", "ring");
	}
}

int functions_boot(struct functions *functions, struct error *error)
{
	struct whole_boot boots[] = {
		{NULL}, {.tracer = "function"}, {.tracer = "function_graph", .empties = true}};
	const size_t count = sizeof(boots) / sizeof(boots[0]);
	struct paths paths;
	int result = paths_init(&paths, functions->directory, error);

	if (result)
		return result;
	/* the first makes the cache, by which the others' kernel is known early enough */
	for (size_t i = 0; !result && i < count; i++)
		result = measure(functions, &boots[i], &paths, error);
	if (!result)
		show_all(functions, boots, count);
	paths_deinit(&paths);
	return result;
}
