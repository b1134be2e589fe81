/* SPDX-License-Identifier: MIT */
/* A trace of whatever the guest's rings, log and tasks hold; which then is a good one, and is read and shown. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/event_table.h"
#include "host/collect/ftrace_machine.h"
#include "host/collect/guest_log.h"
#include "host/vm/cache_directory.h"
#include "tests/fuzz/guest_walks.h"
#include "tools/hypertrace/dump.h"
#include "tools/hypertrace/panic_view.h"

#define INSTANCES_MAX 8
#define POLL_NS       UINT64_C(300000000) /* what is older than this is written */

/* What a recorder has, for one guest. */
struct recording {
	const struct guest_kernel *kernel;
	struct recorder_common common;
	struct ftrace_selection selection;
	struct ftrace_events events;
	struct event_schema *known;
	struct ftrace_machine *machines[INSTANCES_MAX];
	int nr_machines;
};

static void notice(void *context, const char *text)
{
	for (; *text; text++)
		WALK_MUST((unsigned char)*text >= ' ');
}

static int begin(struct recording *recording, const char *path)
{
	const struct recorder_options options = {.channel = RECORDER_FTRACE};
	struct recorder_common *common = &recording->common;
	struct error error = {0};

	common->notice = notice;
	common->info.format = TRACE_FORMAT;
	common->names_schema = event_table_schema(EVENT_TABLE_NAMES, NULL);
	recording->known = event_table_schema(EVENT_TABLE_TRACE, NULL);
	snprintf(common->info.state, sizeof(common->info.state), "recording");
	WALK_MUST(common->names_schema && recording->known);
	WALK_MUST(!ftrace_selection_init(&recording->selection, &options, &error));
	WALK_MUST(!trace_dir_init(&common->dir, path, &error));
	return ftrace_events_init(&recording->events, recording->kernel, &error);
}

static int add_machines(struct recording *recording)
{
	const struct ftrace_machine_wishes wishes = {.common = &recording->common,
		.kernel = recording->kernel,
		.events = &recording->events,
		.selection = &recording->selection,
		.known = recording->known,
		.whole = true};
	struct ftrace_instance instances[INSTANCES_MAX];
	struct error error = {0};
	int count = ftrace_instances(recording->kernel, instances, INSTANCES_MAX, &error);

	for (int i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "vm%d", i);
		if (!ftrace_machine_create(&recording->machines[recording->nr_machines], &wishes,
			    &instances[i], name, &error))
			recording->nr_machines++;
	}
	return count < 0 ? count : 0;
}

/* As ftrace_guest.c has them beside the first machine. */
static void keep_state(struct recording *recording)
{
	struct machine_output *output = ftrace_machine_output(recording->machines[0]);
	struct guest_log log;

	guest_log_tasks(recording->kernel, &output->names);
	if (guest_log_init(&log, recording->kernel, output->dir_fd, NULL))
		return;
	guest_log_poll(&log, true);
	guest_log_deinit(&log);
}

static void record(struct recording *recording)
{
	for (int i = 0; i < recording->nr_machines; i++)
		for (uint64_t poll = 1; poll <= 2; poll++)
			if (ftrace_machine_poll(recording->machines[i], poll * POLL_NS) < 0)
				break;
	if (recording->nr_machines)
		keep_state(recording);
}

static void end(struct recording *recording)
{
	struct recorder_common *common = &recording->common;
	struct error error = {0};

	for (int i = 0; i < recording->nr_machines; i++)
		ftrace_machine_destroy(recording->machines[i], "stopped", "");
	recording->nr_machines = 0;
	if (common->info.nr_machines)
		WALK_MUST(!trace_dir_write_info(&common->dir, &common->info, &error));
	trace_info_deinit(&common->info);
	trace_dir_deinit(&common->dir);
	event_schema_destroy(common->names_schema);
	event_schema_destroy(recording->known);
	ftrace_selection_deinit(&recording->selection);
	if (recording->events.kernel)
		ftrace_events_deinit(&recording->events);
}

static void refuse_trace(const struct error *error)
{
	fprintf(stderr, "the trace is not good: %s\n", error->text);
	abort();
}

/* As `dump` and `panic` do. */
static void show(struct trace *trace, bool json, uint64_t *events)
{
	const struct reading_options everything = {0};
	__attribute__((cleanup(dump_deinit))) struct dump dump = {
		.fd = fileno(guest_walk_output()), .trace = trace, .machine = -1, .json = json};
	struct error error = {0};

	for (uint32_t i = 0; i < trace->nr_machines; i++) {
		struct panic_view view;

		if (panic_view_init(&view, &trace->machines[i], &error))
			refuse_trace(&error);
		panic_view_text(&view, 50, true, guest_walk_output());
		WALK_MUST(!panic_view_json(&view, 50, guest_walk_output()));
		panic_view_deinit(&view);
	}
	if (trace_part_parse(&dump.part, &everything, &error) || dump_run(&dump, false, &error))
		refuse_trace(&error);
	*events = dump.events;
}

static void check_trace(const char *path, bool json, uint64_t *events)
{
	struct error error = {0};
	struct trace *trace;

	if (trace_open(&path, 1, &trace, &error))
		refuse_trace(&error);
	show(trace, json, events); /* and closes it */
}

int guest_walk_trace(const struct guest_kernel *kernel, unsigned choice, uint64_t *found)
{
	struct recording recording = {.kernel = kernel, .common = {.dir = {.fd = -1}}};
	char path[] = "/dev/shm/hypertrace-walk-XXXXXX";
	bool is_there;
	int code;

	WALK_MUST(mkdtemp(path));
	code = begin(&recording, path);
	if (!code)
		code = add_machines(&recording);
	if (!code)
		record(&recording);
	is_there = recording.nr_machines != 0;
	WALK_MUST(!recording.common.error || is_there);
	end(&recording);
	if (is_there)
		check_trace(path, choice & 1, found);
	remove_tree(path);
	return code;
}
