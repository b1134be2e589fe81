/* SPDX-License-Identifier: MIT */
#include "host/collect/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host/collect/event_table.h"
#include "host/collect/ftrace_guest.h"
#include "host/collect/ftrace_selection.h"
#include "host/collect/hypercall_guest.h"
#include "host/collect/host_machine.h"
#include "host/collect/recorder_guest.h"
#include "host/collect/recorder_wishes.h"
#include "host/collect/vcpu_exits.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/clock_now.h"

#define SLEEP_MIN_NS 1000000u
#define SLEEP_MAX_NS 20000000u
#define FILL_WANTED  125 /* of 1000: how full a ring may be when we come back */
#define RING_BYTES_PER_MS \
	(400u << 10) /* a quarter of a ring lasts at least a millisecond per so much of it */
#define DESCRIBE_NS 5000000000ull

struct recorder {
	struct recorder_common common;
	enum recorder_channel channel;
	struct recorder_events events;     /* of channels shm and hypercall */
	struct recorder_wishes wishes;     /* of channel shm */
	struct ftrace_selection selection; /* of channel ftrace */
	struct hypercall_source *source;   /* of channel hypercall */
	bool all_hypercall_guests;
	double budget; /* struct recorder_options */
	struct error refusal;
	bool history, leave_on, described;
	struct recorder_member *guests[TRACE_MACHINES_MAX];
	char names[TRACE_MACHINES_MAX][RECORDER_NAME_BYTES];
	size_t nr_guests;
	struct host_machine *host; /* one of them; NULL: not recorded */
	uint64_t polled_ns, described_ns;
	uint32_t sleep_ns;
};

static void describe_host(struct trace_info *info, const char *program_version)
{
	char *boot_id = NULL;

	info->format = TRACE_FORMAT;
	snprintf(info->program_version, sizeof(info->program_version), "%s",
		program_version ? program_version : "");
	snprintf(info->state, sizeof(info->state), "recording");
	gethostname(info->host_name, sizeof(info->host_name) - 1);
	if (file_read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 128, &boot_id, NULL, NULL) == 0)
		snprintf(info->host_boot_id, sizeof(info->host_boot_id), "%.36s", boot_id);
	free(boot_id);
	info->start_unix_ns = (int64_t)clock_now_ns(CLOCK_REALTIME);
	info->realtime_offset_ns = info->start_unix_ns - (int64_t)clock_now_ns(CLOCK_MONOTONIC);
}

int recorder_options_check(const struct recorder_options *options, struct error *error)
{
	struct recorder_wishes wishes = {0};
	cleanup_ftrace_selection struct ftrace_selection selection = {0};

	if (options->channel == RECORDER_FTRACE)
		return ftrace_selection_init(&selection, options, error);
	if (options->channel == RECORDER_HYPERCALL)
		return 0;
	return recorder_wishes_init(&wishes, options, error);
}

static int prepare_events(struct recorder *recorder, struct error *error)
{
	struct recorder_events *events = &recorder->events;

	events->schema = event_table_schema(EVENT_TABLE_TRACE, error);
	if (!events->schema)
		return error ? error->code : -ENOMEM;
	ring_walk_table_init(&events->table, events->schema);
	ring_walk_table_init(&events->names_table, recorder->common.names_schema);
	return 0;
}

static int prepare_channel(
	struct recorder *recorder, const struct recorder_options *options, struct error *error)
{
	int code;

	switch (options->channel) {
	case RECORDER_FTRACE:
		return ftrace_selection_init(&recorder->selection, options, error);
	case RECORDER_HYPERCALL:
		code = hypercall_source_create(&recorder->source, error);
		break;
	default:
		code = recorder_wishes_init(&recorder->wishes, options, error);
	}
	return code ? code : prepare_events(recorder, error);
}

/* "vfs_*,!vfs_read by return, depth 2, from 1 ms on" */
static char *functions_text(const struct recorder_functions *functions)
{
	static const char *const probes[] = {"return", "entry", "return", "fgraph"};
	char depth[32] = "", from[48] = "", *text;

	if (!functions->patterns || !functions->patterns[0])
		return strdup("");
	if (functions->depth)
		snprintf(depth, sizeof(depth), ", depth %u", functions->depth);
	if (functions->min_ns)
		snprintf(from, sizeof(from), ", from %.4g ms on", (double)functions->min_ns / 1e6);
	return asprintf(&text, "%s by %s%s%s", functions->patterns, probes[functions->probe & 3], depth,
		       from) < 0
		? NULL
		: text;
}

/* What is asked for, in the user's words, for the trace's description. */
static int note_wishes(struct recorder_common *common, const struct recorder_options *options,
	const char *fallback, struct error *error)
{
	char *events = strdup(options->events && options->events[0] ? options->events : fallback);
	char *filter = strdup(options->filter ? options->filter : "");
	char *functions = functions_text(&options->functions);

	free(common->events);
	free(common->filter);
	free(common->functions);
	common->events = events;
	common->filter = filter;
	common->functions = functions;
	return events && filter && functions ? 0 : error_set(error, -ENOMEM, "out of memory");
}

static int prepare(struct recorder *recorder, const struct recorder_options *options, struct error *error)
{
	/* a guest without a region is told by its module's parameters, not by us */
	const char *fallback = options->channel == RECORDER_SHM ? RECORDER_EVENTS : "all";
	struct recorder_common *common = &recorder->common;
	int code;

	common->names_schema = event_table_schema(EVENT_TABLE_NAMES, error);
	if (!common->names_schema)
		return error ? error->code : -ENOMEM;
	code = prepare_channel(recorder, options, error);
	if (code)
		return code;
	code = note_wishes(common, options, fallback, error);
	if (!code)
		code = trace_dir_init(&common->dir, options->output, error);
	if (code)
		return code;
	describe_host(&common->info, options->program_version);
	code = trace_dir_write_info(&common->dir, &common->info, error);
	recorder->described = code == 0;
	return code;
}

int recorder_create(struct recorder **out, const struct recorder_options *options, struct error *error)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	int code;

	*out = NULL;
	if (!recorder)
		return error_set(error, -ENOMEM, "out of memory");
	recorder->common.dir = (struct trace_dir){.fd = -1, .reserve_fd = -1};
	recorder->common.notice = options->notice;
	recorder->common.context = options->context;
	recorder->events.common = &recorder->common;
	recorder->channel = options->channel;
	recorder->history = options->history;
	recorder->leave_on = options->leave_on;
	recorder->budget = options->budget;
	recorder->sleep_ns = SLEEP_MIN_NS;
	code = prepare(recorder, options, error);
	if (code) {
		recorder_destroy(recorder);
		return code;
	}
	*out = recorder;
	return 0;
}

void recorder_destroy(struct recorder *recorder)
{
	if (!recorder)
		return;
	for (size_t i = 0; i < recorder->nr_guests; i++)
		recorder->guests[i]->ops->destroy(recorder->guests[i]);
	hypercall_source_destroy(recorder->source);
	/* nothing was recorded: leave no empty trace behind */
	if (!recorder->common.info.nr_machines && recorder->common.dir.fd >= 0 && recorder->described) {
		unlinkat(recorder->common.dir.fd, TRACE_INFO_FILE, 0);
		rmdir(recorder->common.dir.path);
	}
	event_schema_destroy(recorder->events.schema);
	event_schema_destroy(recorder->common.names_schema);
	ftrace_selection_deinit(&recorder->selection);
	trace_info_deinit(&recorder->common.info);
	trace_dir_deinit(&recorder->common.dir);
	vcpu_exits_destroy(recorder->common.exits);
	free(recorder->common.events);
	free(recorder->common.filter);
	free(recorder->common.functions);
	free(recorder);
}

/* A guest may be recorded once, and TRACE_MACHINES_MAX of them. */
static int check_new(const struct recorder *recorder, uint64_t device, uint64_t number, struct error *error)
{
	for (size_t i = 0; i < recorder->nr_guests; i++) {
		const uint64_t *identity = recorder->guests[i]->identity;

		if (identity[0] == device && identity[1] == number) {
			error_set(error, -EEXIST, "the same guest twice");
			return error_hint(error, "name each guest once");
		}
	}
	if (recorder->nr_guests == TRACE_MACHINES_MAX)
		return error_set(error, -E2BIG, "more than %d guests", TRACE_MACHINES_MAX);
	return 0;
}

static bool is_taken(const struct recorder *recorder, const char *name)
{
	for (size_t i = 0; i < recorder->nr_guests; i++)
		if (!strcmp(recorder->names[i], name))
			return true;
	return false;
}

/* Where no name is given, or another guest has it: vm1, vm2, …. Returns it, kept for the guest that comes next. */
static const char *name_guest(struct recorder *recorder, const char *name)
{
	char *out = recorder->names[recorder->nr_guests];
	size_t number = 1;

	if (name && !is_taken(recorder, name)) {
		snprintf(out, RECORDER_NAME_BYTES, "%s", name);
		return out;
	}
	for (size_t i = 0; i < recorder->nr_guests; i++)
		number += !recorder->guests[i]->companion;
	for (;; number++) { /* one of TRACE_MACHINES_MAX + 1 is free */
		snprintf(out, RECORDER_NAME_BYTES, "vm%zu", number);
		if (!is_taken(recorder, out))
			return out;
	}
}

int recorder_add_guest(struct recorder *recorder, const char *region_path, const char *name, pid_t qemu_pid,
	struct error *error)
{
	struct recorder_guest *guest;
	struct stat status = {0};
	const char *chosen;
	int code;

	stat(region_path, &status); /* one that is not there has no twin */
	code = check_new(recorder, status.st_dev, status.st_ino, error);
	if (code)
		return error_add(error, "%s", region_path), code;
	chosen = name_guest(recorder, name);
	code = recorder_guest_create(&guest, &recorder->events, &recorder->wishes.request, region_path,
		chosen, qemu_pid, recorder->history, recorder->leave_on, error);
	if (code)
		return code;
	guest->refusal = &recorder->refusal;
	if (recorder->budget > 0 && recorder_guest_set_budget(guest, recorder->budget)) {
		guest->member.ops->destroy(&guest->member);
		return error_set(error, -ENOMEM, "out of memory");
	}
	guest->member.vmm = qemu_pid;
	recorder->guests[recorder->nr_guests++] = &guest->member;
	return 0;
}

int recorder_add_stock_guest(struct recorder *recorder, struct guest_memory *memory,
	const struct recorder_stock *stock, struct error *error)
{
	struct ftrace_guest *guest;
	const pid_t vmm = memory->pid;
	struct stat status = {0};
	uint64_t number = (uint64_t)vmm;
	const char *chosen;
	int code;

	if (!vmm && fstat(memory->fd, &status) == 0)
		number = status.st_ino;
	code = check_new(recorder, status.st_dev, number, error);
	if (code) {
		error_add(error, "%s", memory->name);
		guest_memory_deinit(memory);
		return code;
	}
	chosen = name_guest(recorder, stock->name);
	code = ftrace_guest_create(
		&guest, &recorder->common, &recorder->selection, memory, stock, chosen, error);
	if (code)
		return code;
	guest->member.identity[0] = status.st_dev;
	guest->member.identity[1] = number;
	guest->refusal = &recorder->refusal;
	guest->member.vmm = vmm;
	recorder->guests[recorder->nr_guests++] = &guest->member;
	return 0;
}

int recorder_add_hypercall_guest(
	struct recorder *recorder, struct guest_memory *memory, const char *name, struct error *error)
{
	const pid_t vmm = memory->pid;
	struct hypercall_guest *guest;
	int code;

	code = check_new(recorder, 0, (uint64_t)memory->pid, error);
	if (code) {
		error_add(error, "%s", memory->name);
		guest_memory_deinit(memory);
		return code;
	}
	code = hypercall_guest_create(
		&guest, &recorder->events, recorder->source, memory, name_guest(recorder, name), error);
	if (code)
		return code;
	guest->member.vmm = vmm;
	recorder->guests[recorder->nr_guests++] = &guest->member;
	return 0;
}

void recorder_add_all_hypercall_guests(struct recorder *recorder)
{
	recorder->all_hypercall_guests = true;
}

/* A VM whose guest has made a call of ours: one at a time, the next in the next step. */
static void add_stranger(struct recorder *recorder)
{
	struct guest_memory memory = GUEST_MEMORY_NONE;
	struct error error = {0};
	const pid_t pid = hypercall_source_stranger(recorder->source);

	if (!pid)
		return;
	if (guest_memory_open_process(&memory, pid, &error) ||
		recorder_add_hypercall_guest(recorder, &memory, NULL, &error)) {
		recorder_notice(&recorder->common, "%s", error.text);
		hypercall_source_ignore(recorder->source, pid);
	}
}

/* A host_vms_machine_fn; the context is the recorder. */
static const char *machine_of(void *context, pid_t vmm)
{
	const struct recorder *recorder = context;

	for (size_t i = 0; i < recorder->nr_guests; i++)
		if (recorder->guests[i]->vmm == vmm)
			return recorder->guests[i]->machine;
	return "";
}

int recorder_add_host(struct recorder *recorder, enum collector_level level, bool starts, struct error *error)
{
	pid_t vmms[TRACE_MACHINES_MAX];
	struct host_machine_options options = {.level = level,
		.vmms = vmms,
		.machine_of = machine_of,
		.context = recorder,
		.starts = starts};
	struct host_machine *host;
	int code;

	if (recorder->nr_guests == TRACE_MACHINES_MAX)
		return error_set(error, -E2BIG, "more than %d machines", TRACE_MACHINES_MAX);
	for (size_t i = 0; i < recorder->nr_guests; i++)
		if (recorder->guests[i]->vmm)
			vmms[options.nr_vmms++] = recorder->guests[i]->vmm;
	if (options.nr_vmms != recorder->nr_guests && !starts)
		options.nr_vmms = 0;
	recorder->common.exits = vcpu_exits_create(); /* without: the guests are not told of their exits */
	code = host_machine_create(&host, &recorder->common, &options, error);
	if (code)
		return code;
	recorder->host = host;
	recorder->guests[recorder->nr_guests++] = host_machine_member(host);
	return 0;
}

int recorder_vmm_started(struct recorder *recorder, pid_t vmm, struct error *error)
{
	for (size_t i = 0; i < recorder->nr_guests; i++)
		if (!recorder->guests[i]->vmm && !recorder->guests[i]->companion)
			recorder->guests[i]->vmm = vmm;
	return recorder->host ? host_machine_add_vmm(recorder->host, vmm, error) : 0;
}

/* Never so long that a ring of this size could come round at the speed of memory a guest really reaches. */
static uint32_t sleep_limit(const struct recorder *recorder)
{
	uint64_t limit = SLEEP_MAX_NS;

	for (size_t i = 0; i < recorder->nr_guests; i++) {
		const uint64_t ring_bytes = recorder->guests[i]->ring_bytes;

		if (ring_bytes && ring_bytes / RING_BYTES_PER_MS * SLEEP_MIN_NS < limit)
			limit = ring_bytes / RING_BYTES_PER_MS * SLEEP_MIN_NS;
	}
	return limit < SLEEP_MIN_NS ? SLEEP_MIN_NS : (uint32_t)limit;
}

/* `fill`: what the fullest ring gained in elapsed_ns, in 1/1000. */
static void plan_sleep(struct recorder *recorder, unsigned fill, uint64_t elapsed_ns)
{
	const uint32_t limit = sleep_limit(recorder);
	uint64_t sleep_ns = (uint64_t)recorder->sleep_ns * 2;

	if (fill && elapsed_ns * FILL_WANTED / fill < sleep_ns)
		sleep_ns = elapsed_ns * FILL_WANTED / fill;
	recorder->sleep_ns = sleep_ns > limit ? limit
		: sleep_ns < SLEEP_MIN_NS     ? SLEEP_MIN_NS
					      : (uint32_t)sleep_ns;
}

/* What a reader finds of a recorder that was killed is at most this old; the events themselves are newer. */
static void describe_sometimes(struct recorder *recorder, uint64_t now_ns)
{
	struct error error = {0};

	if (now_ns - recorder->described_ns < DESCRIBE_NS || recorder->common.disk_full)
		return;
	recorder->described_ns = now_ns;
	if (trace_dir_write_info(&recorder->common.dir, &recorder->common.info, &error))
		recorder_fault(&recorder->common, &error);
}

/* Guests inside of guests, as soon as their memory is there. */
static void add_nested(struct recorder *recorder)
{
	struct recorder_member *nested;

	for (size_t i = 0; i < recorder->nr_guests; i++)
		while (recorder->nr_guests < TRACE_MACHINES_MAX && recorder->guests[i]->ops->nested &&
			(nested = recorder->guests[i]->ops->nested(recorder->guests[i])))
			recorder->guests[recorder->nr_guests++] = nested;
}

int recorder_ask(struct recorder *recorder, const struct recorder_options *options, struct error *error)
{
	struct recorder_wishes *wishes;
	int code;

	if (recorder->channel != RECORDER_SHM) {
		error_set(
			error, -ENOTSUP, "only hypertrace.ko can be asked for something else (channel shm)");
		return error_hint(error, "what the guest traces by other channels it is told in there");
	}
	wishes = calloc(1, sizeof(*wishes));
	if (!wishes)
		return error_set(error, -ENOMEM, "out of memory");
	code = recorder_wishes_init(wishes, options, error);
	if (!code)
		code = note_wishes(&recorder->common, options, RECORDER_EVENTS, error);
	if (!code) {
		/* guests point to what is in here */
		recorder->wishes.events = wishes->events;
		recorder->wishes.filter = wishes->filter;
		recorder->wishes.functions = wishes->functions;
		recorder->wishes.request.symbols = wishes->request.symbols;
		recorder->wishes.request.syscall_args = wishes->request.syscall_args;
		for (size_t i = 0; i < recorder->nr_guests; i++)
			if (recorder->guests[i]->ops->ask)
				recorder->guests[i]->ops->ask(recorder->guests[i], &recorder->wishes.request);
	}
	free(wishes);
	return code;
}

int recorder_step(struct recorder *recorder, int wake_fd)
{
	struct pollfd wake = {.fd = wake_fd, .events = POLLIN};
	uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
	unsigned fill = 0;
	int guests = 0, alive = 0;

	for (size_t i = 0; i < recorder->nr_guests; i++) {
		struct recorder_member *guest = recorder->guests[i];
		unsigned gained = guest->ops->poll(guest, clock_now_ns(CLOCK_MONOTONIC));

		fill = gained > fill ? gained : fill;
		guests += !guest->companion;
		alive += !guest->companion && guest->state != RECORDER_GONE;
	}
	add_nested(recorder);
	if (recorder->all_hypercall_guests) {
		add_stranger(recorder);
		alive++;
	}
	if (!guests) /* nothing but this host, which goes on */
		alive = 1;
	plan_sleep(recorder, fill, recorder->polled_ns ? now_ns - recorder->polled_ns : SLEEP_MIN_NS);
	recorder->polled_ns = now_ns;
	describe_sometimes(recorder, now_ns);
	if (alive)
		ppoll(&wake, 1, &(struct timespec){.tv_nsec = recorder->sleep_ns}, NULL);
	return alive;
}

int recorder_waiting(const struct recorder *recorder)
{
	int count = 0;

	for (size_t i = 0; i < recorder->nr_guests; i++)
		count += !recorder->guests[i]->companion && recorder->guests[i]->state == RECORDER_WAITS;
	return count;
}

int recorder_finish(struct recorder *recorder, struct error *error)
{
	struct recorder_common *common = &recorder->common;
	int code;

	for (size_t i = 0; i < recorder->nr_guests; i++)
		recorder->guests[i]->ops->finish(recorder->guests[i]);
	common->info.end_unix_ns = (int64_t)clock_now_ns(CLOCK_REALTIME);
	snprintf(common->info.state, sizeof(common->info.state), "complete");
	code = trace_dir_write_info(&common->dir, &common->info, error);
	if (!common->error)
		return code;
	error_set(error, common->error, "%s", common->error_text);
	if (common->error_hint[0])
		error_hint(error, "%s", common->error_hint);
	return common->error;
}

const struct trace_info *recorder_info(const struct recorder *recorder)
{
	return &recorder->common.info;
}

int recorder_guest_error(const struct recorder *recorder, struct error *error)
{
	if (recorder->refusal.code && error)
		*error = recorder->refusal;
	return recorder->refusal.code;
}
