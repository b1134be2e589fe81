/* SPDX-License-Identifier: MIT */
/*
 * bench size: bytes on disk for an event, of the same workload (bench/mixed.c) in a real guest: ours,
 * trace-cmd's and LTTng's kernel tracer. Each takes down the same events: the scheduler's, interrupts and
 * system calls ("mixed"), sched_switch alone, or entries and exits of all functions, which LTTng does not have. The first
 * guest kernel named is taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench/attachment.h"
#include "bench/bench.h"
#include "bench/guest_run.h"
#include "bench/programs.h"
#include "host/vm/cache_directory.h"
#include "host/vm/kernel_package.h"
#include "host/vm/module_build.h"
#include "host/vm/process.h"
#include "lib/base/cleanup.h"
#include "lib/model/record.h"
#include "lib/reader/trace.h"

#define FUNCTIONS       "functions"
#define FUNCTION_REGION (128ULL << 20)
#define MEMORY_BYTES    (1024ULL << 20)
#define TIMEOUT_S       300
#define UNIT            "bytes/event"
#define LTTNG_CONSUMER  "/usr/lib/x86_64-linux-gnu/lttng/libexec/lttng-consumerd"
#define LTTNG_SCHEMA    "/usr/share/xml/lttng/session.xsd"
#define SCRIPT          "/bench/size_guest.sh" /* in the guest */

struct size {
	struct bench *bench;
	struct kernel_package kernel;
	const char *kernel_name;
	char *module, *mixed;
	char *mixed_file, *script_file; /* "LOCAL:GUEST" */
	char *directory;                /* for the results */
};

/* Of the workload: with all its functions a round is hundreds of times as many events. */
static const char *rounds_of(const char *events)
{
	return strcmp(events, FUNCTIONS) == 0 ? "20" : "4000";
}

static void skip(const struct size *size, const char *tracer, const char *events, const char *reason)
{
	figures_skip(&size->bench->figures, reason, "kernel", size->kernel_name, "tracer", tracer, "events",
		events, NULL);
}

static void add(const struct size *size, const char *tracer, const char *events, uint64_t bytes,
	uint64_t count, uint64_t lost)
{
	if (!count)
		return skip(size, tracer, events, "it recorded nothing");
	figures_add(&size->bench->figures, (double)bytes / (double)count, UNIT, lost, "kernel",
		size->kernel_name, "tracer", tracer, "events", events, NULL);
}

static struct vm_config config_of(
	const struct size *size, const char *const *command, const char *const *files)
{
	struct vm_config config = {.vmlinuz = size->kernel.vmlinuz,
		.smp = 1,
		.memory_bytes = MEMORY_BYTES,
		.command = command,
		.files = files,
		.timeout_s = TIMEOUT_S};

	while (files[config.file_count])
		config.file_count++;
	return config;
}

struct ours {
	struct attachment attachment;
	struct recorder_options options;
	struct attachment_counts counts;
	bool started;
};

static int attach(void *context, const char *region_path, struct error *error)
{
	struct ours *ours = context;

	ours->started = true;
	return attachment_start(&ours->attachment, &ours->options, region_path, error);
}

static int complete(void *context, const char *region_path, struct error *error)
{
	struct ours *ours = context;

	return attachment_stop(&ours->attachment, &ours->counts, error);
}

/* One record of sched_switch without its share of packet headers, as the trace's own metadata lays it out. */
static int show_record(const struct size *size, const char *path, struct error *error)
{
	const struct event_type *type;
	struct trace *trace;
	int result = trace_open(&path, 1, &trace, error);

	if (result)
		return result;
	type = trace->nr_machines ? event_schema_find(trace->machines[0].schema, "sched_switch") : NULL;
	if (type)
		add(size, "shm", "sched_switch, record alone", RECORD_SHORT_BYTES + type->fixed_bytes, 1, 0);
	trace_close(trace);
	return 0;
}

static int run_ours(const struct size *size, const char *events, struct error *error)
{
	const char *const command[] = {size->mixed, rounds_of(events), NULL}, *const files[] = {NULL};
	const bool functions = strcmp(events, FUNCTIONS) == 0;
	struct vm_config config = config_of(size, command, files);
	cleanup_free char *output = NULL, *trace = NULL;
	struct ours ours = {.options = {
				    .events = strcmp(events, "mixed") == 0 ? "sched,irq,syscalls" : events,
			    }};
	const struct guest_hooks hooks = {.before = attach, .after = complete, .context = &ours};
	int result;

	if (asprintf(&trace, "%s/%s.ours", size->directory, events) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	ours.options.output = trace;
	if (functions) {
		ours.options.events = "marker";
		ours.options.functions.patterns = "*";
	}
	config.module = size->module;
	config.region_bytes = functions ? FUNCTION_REGION : GUEST_REGION_BYTES;
	result = guest_run(&config, &hooks, &output, error);
	if (ours.started)
		attachment_deinit(&ours.attachment);
	if (!result)
		add(size, "shm", events, ours.counts.bytes, ours.counts.events, ours.counts.lost);
	if (!result && strcmp(events, "sched_switch") == 0)
		result = show_record(size, trace, error);
	return result;
}

static int run_trace_cmd(const struct size *size, const char *events, struct error *error)
{
	const char *const command[] = {"sh", SCRIPT, "trace-cmd", events, rounds_of(events), NULL};
	const char *const files[] = {"/usr/bin/trace-cmd", size->mixed_file, size->script_file, NULL};
	struct vm_config config = config_of(size, command, files);
	uint64_t compressed, bytes, count, lost;
	cleanup_free char *output = NULL;
	const char *line;
	int result;

	if (access(files[0], X_OK) < 0) {
		skip(size, "trace-cmd", events, "needs the Debian package trace-cmd");
		return 0;
	}
	result = guest_run(&config, NULL, &output, error);
	if (result)
		return result;
	line = strstr(output, "trace-cmd ");
	if (!line ||
		sscanf(line, "trace-cmd %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &compressed, &bytes,
			&count, &lost) != 4)
		return error_set(error, -EIO, "trace-cmd in the guest: %s", process_last_line(output));
	add(size, "trace-cmd", events, bytes, count, lost);
	add(size, "trace-cmd, compressed", events, compressed, count, lost);
	return 0;
}

/* The guest's /lib/modules/RELEASE with LTTng's modules, made at the first time, which takes minutes. To be freed. */
static int lttng_modules(const struct size *size, char **directory, struct error *error)
{
	cleanup_free char *builder = NULL, *output = NULL;
	const char *argv[] = {NULL, size->kernel.headers, size->kernel.release, NULL, NULL};
	struct cache_directory cache;
	int result = cache_directory_init(&cache, error);

	if (!result && asprintf(directory, "%s/bench/lttng-%s", cache.path, size->kernel.release) < 0) {
		*directory = NULL;
		result = error_set(error, -ENOMEM, "out of memory");
	}
	cache_directory_deinit(&cache);
	if (!result)
		result = bench_program("lttng_modules.sh", &builder, error);
	if (result)
		return result;
	if (access(*directory, R_OK) < 0 && size->bench->progress)
		size->bench->progress("building LTTng's kernel modules (once, some minutes)");
	argv[0] = builder;
	argv[3] = *directory;
	result = process_run(argv, NULL, &output, error);
	if (result > 0)
		result = error_set(error, -EIO, "LTTng's kernel modules: %s", process_last_line(output));
	return result;
}

/* All bytes of the streams, without metadata and index. */
static uint64_t stream_bytes(const char *directory)
{
	char *const paths[] = {(char *)directory, NULL};
	FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	uint64_t bytes = 0;
	FTSENT *entry;

	while (walk && (entry = fts_read(walk)))
		if (entry->fts_info == FTS_F && strcmp(entry->fts_name, "metadata") != 0 &&
			!strstr(entry->fts_name, ".idx"))
			bytes += (uint64_t)entry->fts_statp->st_size;
	if (walk)
		fts_close(walk);
	return bytes;
}

/* What babeltrace2's counter says of `what`. */
static uint64_t counted(const char *output, const char *what)
{
	const char *at = strstr(output, what);

	if (!at)
		return 0;
	while (at > output && at[-1] != '\n')
		at--;
	return strtoull(at, NULL, 10);
}

static int weigh_lttng(const struct size *size, const char *events, const char *archive,
	const char *directory, struct error *error)
{
	const char *const unpack[] = {"tar", "-x", "-C", directory, "-f", archive, NULL};
	const char *const count[] = {
		"babeltrace2", directory, "--component", "sink.utils.counter", "--params", "step=+0", NULL};
	cleanup_free char *said = NULL, *counts = NULL;
	int result = make_directories(directory);

	if (result < 0)
		return error_set(error, result, "%s: %s", directory, strerror(-result));
	result = process_run(unpack, NULL, &said, error);
	if (!result)
		result = process_run(count, NULL, &counts, error);
	if (result > 0)
		return error_set(error, -EIO, "LTTng's trace: %s", process_last_line(counts ? counts : said));
	if (!result)
		add(size, "lttng", events, stream_bytes(directory), counted(counts, " Event message"),
			counted(counts, " Discarded event message"));
	return result;
}

static int record_lttng(const struct size *size, const char *events, const char *modules, struct error *error)
{
	const char *const command[] = {"sh", SCRIPT, "lttng", events, rounds_of(events), NULL};
	cleanup_free char *modules_file = NULL, *archive = NULL, *directory = NULL, *output = NULL;
	cleanup_close int fd = -1;
	const char *files[] = {"/usr/bin/lttng", "/usr/bin/lttng-sessiond", LTTNG_CONSUMER, LTTNG_SCHEMA,
		size->mixed_file, size->script_file, NULL, NULL};
	struct vm_config config;
	int result;

	if (asprintf(&modules_file, "%s:/lib/modules/%s", modules, size->kernel.release) < 0 ||
		asprintf(&archive, "%s/%s.tar", size->directory, events) < 0 ||
		asprintf(&directory, "%s/%s.lttng", size->directory, events) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	fd = open(archive, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(error, -errno, "%s: %s", archive, strerror(errno));
	files[6] = modules_file;
	config = config_of(size, command, files);
	config.stdout_fd = fd;
	result = guest_run(&config, NULL, &output, error);
	return result ? result : weigh_lttng(size, events, archive, directory, error);
}

static void run_lttng(const struct size *size, const char *events)
{
	cleanup_free char *modules = NULL;
	struct error error = {0};
	int result;

	if (access(LTTNG_CONSUMER, X_OK) < 0 || !bench_has_program("babeltrace2"))
		return skip(size, "lttng", events, "needs the Debian packages lttng-tools and babeltrace2");
	result = lttng_modules(size, &modules, &error);
	if (!result)
		result = record_lttng(size, events, modules, &error);
	if (result)
		skip(size, "lttng", events, error.text);
}

static int prepare(struct size *size, struct error *error)
{
	const struct kernel_wish wish = {
		.name = size->kernel_name, .need_headers = true, .progress = size->bench->progress};
	cleanup_free char *script = NULL;
	int result = kernel_package_find(&size->kernel, &wish, error);

	if (!result)
		result = module_build(&size->module, &size->kernel, NULL, size->bench->progress, error);
	if (!result)
		result = bench_program("mixed", &size->mixed, error);
	if (!result)
		result = bench_program("size_guest.sh", &script, error);
	if (!result)
		result = bench_scratch(&size->directory, error);
	if (!result &&
		(asprintf(&size->mixed_file, "%s:/bench/mixed", size->mixed) < 0 ||
			asprintf(&size->script_file, "%s:" SCRIPT, script) < 0))
		result = error_set(error, -ENOMEM, "out of memory");
	return result;
}

int bench_size(struct bench *bench, struct error *error)
{
	static const char *const workloads[] = {"sched_switch", "mixed", FUNCTIONS};
	struct size size = {.bench = bench, .kernel_name = bench->kernels[0]};
	int result = prepare(&size, error);

	figures_begin(&bench->figures, "size", "tracer", "shm");
	for (size_t i = 0; !result && i < sizeof(workloads) / sizeof(workloads[0]); i++) {
		result = run_ours(&size, workloads[i], error);
		if (!result)
			result = run_trace_cmd(&size, workloads[i], error);
		if (!result && strcmp(workloads[i], FUNCTIONS) != 0)
			run_lttng(&size, workloads[i]);
	}
	figures_end(&bench->figures);
	if (size.directory)
		remove_tree(size.directory);
	kernel_package_deinit(&size.kernel);
	free(size.module);
	free(size.mixed);
	free(size.mixed_file);
	free(size.script_file);
	free(size.directory);
	return result;
}
