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
#include "host/collect/recorder_guest.h"
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
	struct control_request request;
	struct event_selection events;
	struct filter filter;
	struct error refusal;
	bool history, leave_on, described;
	struct recorder_guest *guests[TRACE_MACHINES_MAX];
	size_t nr_guests;
	uint64_t polled_ns, described_ns;
	uint32_t sleep_ns;
};

/* Unless the list takes them out ("!sched_switch"), the events are in that tell the others' tasks, and their names. */
static int select_events(struct event_selection *events, const char *list, struct error *error)
{
	cleanup_free char *whole = NULL;
	int code = event_selection_parse(
		events, list, event_table_choices, error); /* for messages of the user's words */

	if (code)
		return code;
	if (asprintf(&whole, "sched_switch,sched_process_fork,sched_process_exec,task_rename,%s", list) < 0) {
		whole = NULL;
		return error_set(error, -ENOMEM, "out of memory");
	}
	return event_selection_parse(events, whole, event_table_choices, error);
}

/* Only these events show addresses; listing some 60,000 symbols costs the guest up to a second of its idle time. */
static bool need_symbols(const struct event_selection *events)
{
	static const uint32_t with_addresses[] = {EVENT_ID_hrtimer_expire_entry, EVENT_ID_timer_expire_entry,
		EVENT_ID_page_fault_user, EVENT_ID_page_fault_kernel};

	for (size_t i = 0; i < sizeof(with_addresses) / sizeof(with_addresses[0]); i++)
		if (event_selection_has(events, with_addresses[i]))
			return true;
	return events->nr_tracepoints != 0;
}

/* So that the words mean the same in check and create. */
static int parse_request(const struct recorder_options *options, struct event_selection *events,
	struct filter *filter, struct control_request *request, struct error *error)
{
	const char *list = options->events && options->events[0] ? options->events : RECORDER_EVENTS;
	uint64_t packet_bytes = options->ring_bytes / 16;
	int code = select_events(events, list, error);

	if (!code)
		code = filter_parse(filter, options->filter, error);
	if (code)
		return code;
	*request = (struct control_request){.events = events,
		.filter = filter,
		.mode = options->mode,
		.symbols = !options->no_symbols && need_symbols(events),
		.syscall_args = event_selection_has(events, EVENT_ID_sys_enter_args)};
	if (options->ring_bytes) {
		if (options->ring_bytes & (options->ring_bytes - 1) ||
			options->ring_bytes < HT_MIN_PACKETS * HT_MIN_PACKET_BYTES ||
			options->ring_bytes > 1ull << 30) {
			error_set(error, -EINVAL, "--size: a ring has a power of two of bytes from %dK to 1G",
				HT_MIN_PACKETS * HT_MIN_PACKET_BYTES >> 10);
			return error_hint(error, "for example 256K, 1M or 4M");
		}
		packet_bytes = packet_bytes < HT_MIN_PACKET_BYTES ? HT_MIN_PACKET_BYTES : packet_bytes;
		packet_bytes = packet_bytes > 65536 ? 65536 : packet_bytes;
		request->packet_bytes = (uint32_t)packet_bytes;
		request->nr_packets = (uint32_t)(options->ring_bytes / packet_bytes);
	}
	return control_check(request, error);
}

int recorder_options_check(const struct recorder_options *options, struct error *error)
{
	struct event_selection events = {0};
	struct filter filter = {0};
	struct control_request request;

	return parse_request(options, &events, &filter, &request, error);
}

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

static int prepare(struct recorder *recorder, const struct recorder_options *options, struct error *error)
{
	struct recorder_common *common = &recorder->common;
	int code = parse_request(options, &recorder->events, &recorder->filter, &recorder->request, error);

	if (code)
		return code;
	common->schema = event_table_schema(EVENT_TABLE_TRACE, error);
	common->names_schema = event_table_schema(EVENT_TABLE_NAMES, error);
	if (!common->schema || !common->names_schema)
		return error ? error->code : -ENOMEM;
	ring_walk_table_init(&common->table, common->schema);
	ring_walk_table_init(&common->names_table, common->names_schema);
	common->events = strdup(options->events && options->events[0] ? options->events : RECORDER_EVENTS);
	common->filter = strdup(options->filter ? options->filter : "");
	if (!common->events || !common->filter)
		return error_set(error, -ENOMEM, "out of memory");
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
	recorder->common.dir.fd = -1;
	recorder->common.notice = options->notice;
	recorder->common.context = options->context;
	recorder->history = options->history;
	recorder->leave_on = options->leave_on;
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
	for (size_t i = 0; i < recorder->nr_guests; i++) {
		recorder_guest_deinit(recorder->guests[i]);
		free(recorder->guests[i]);
	}
	/* nothing was recorded: leave no empty trace behind */
	if (!recorder->common.info.nr_machines && recorder->common.dir.fd >= 0 && recorder->described) {
		unlinkat(recorder->common.dir.fd, TRACE_INFO_FILE, 0);
		rmdir(recorder->common.dir.path);
	}
	event_schema_destroy(recorder->common.schema);
	event_schema_destroy(recorder->common.names_schema);
	trace_info_deinit(&recorder->common.info);
	trace_dir_deinit(&recorder->common.dir);
	free(recorder->common.events);
	free(recorder->common.filter);
	free(recorder);
}

/* A file by two names is one file. */
static bool is_recorded(const struct recorder *recorder, const char *region_path)
{
	struct stat wanted, present;

	if (stat(region_path, &wanted))
		return false;
	for (size_t i = 0; i < recorder->nr_guests; i++)
		if (!fstat(recorder->guests[i]->region.fd, &present) && present.st_dev == wanted.st_dev &&
			present.st_ino == wanted.st_ino)
			return true;
	return false;
}

int recorder_add_guest(struct recorder *recorder, const char *region_path, const char *name, pid_t qemu_pid,
	struct error *error)
{
	struct recorder_guest *guest;
	char numbered[16];
	int code;

	if (recorder->nr_guests == TRACE_MACHINES_MAX)
		return error_set(error, -E2BIG, "more than %d guests", TRACE_MACHINES_MAX);
	if (is_recorded(recorder, region_path)) {
		error_set(error, -EBUSY, "region %s: named twice", region_path);
		return error_hint(error, "name each guest once, by its socket or by its region");
	}
	guest = calloc(1, sizeof(*guest));
	if (!guest)
		return error_set(error, -ENOMEM, "out of memory");
	snprintf(numbered, sizeof(numbered), "vm%zu", recorder->nr_guests + 1);
	code = recorder_guest_init(guest, &recorder->common, &recorder->request, region_path,
		name ? name : numbered, qemu_pid, recorder->history, recorder->leave_on, error);
	if (code) {
		recorder_guest_deinit(guest);
		free(guest);
		return code;
	}
	guest->refusal = &recorder->refusal;
	recorder->guests[recorder->nr_guests++] = guest;
	return 0;
}

/* Never so long that a ring of this size could come round at the speed of memory a guest really reaches. */
static uint32_t sleep_limit(const struct recorder *recorder)
{
	uint64_t limit = SLEEP_MAX_NS;

	for (size_t i = 0; i < recorder->nr_guests; i++) {
		const struct recorder_machine *machine = recorder->guests[i]->machine;
		uint64_t ring_bytes =
			machine ? (uint64_t)machine->layout.nr_packets * machine->layout.packet_bytes : 0;

		if (machine && ring_bytes / RING_BYTES_PER_MS * SLEEP_MIN_NS < limit)
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

int recorder_step(struct recorder *recorder, int wake_fd)
{
	struct pollfd wake = {.fd = wake_fd, .events = POLLIN};
	uint64_t now_ns = clock_now_ns(CLOCK_MONOTONIC);
	unsigned fill = 0;
	int alive = 0;

	for (size_t i = 0; i < recorder->nr_guests; i++) {
		unsigned gained = recorder_guest_poll(recorder->guests[i], clock_now_ns(CLOCK_MONOTONIC));

		fill = gained > fill ? gained : fill;
		alive += recorder->guests[i]->state != GUEST_GONE;
	}
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
		count += recorder->guests[i]->state == GUEST_WAITS;
	return count;
}

int recorder_finish(struct recorder *recorder, struct error *error)
{
	struct recorder_common *common = &recorder->common;
	int code;

	for (size_t i = 0; i < recorder->nr_guests; i++)
		recorder_guest_finish(recorder->guests[i]);
	common->info.end_unix_ns = (int64_t)clock_now_ns(CLOCK_REALTIME);
	snprintf(common->info.state, sizeof(common->info.state), "complete");
	code = trace_dir_write_info(&common->dir, &common->info, error);
	if (common->error)
		return error_set(error, common->error, "%s", common->error_text);
	return code;
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
