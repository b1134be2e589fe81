/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/run_recording.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host/memory/guest_memory.h"
#include "lib/base/clock_now.h"
#include "tools/hypertrace/output_directory.h"
#include "tools/hypertrace/recording_summary.h"
#include "tools/hypertrace/symbol_cache.h"

#define MEMORY_POLL_MS 5

struct recording {
	struct recorder *recorder;
	const char *output, *functions, *tracer;
	pthread_t thread;
	atomic_bool stop;
	int wake; /* eventfd: ends the recorder's sleep */
	enum recorder_channel channel;
	pid_t vmm;
	int64_t start_ns; /* of the VMM */
	bool started, guest_time;
	struct error error; /* of the thread */
};

/* QEMU needs a moment for the guest's memory to be there. NULL: it ended, or has none. */
static int open_memory(struct recording *recording, struct guest_memory *memory, struct error *error)
{
	int code;

	do {
		*error = (struct error){0}; /* of the time before it was there */
		code = guest_memory_open_process(memory, recording->vmm, error);
		if (code && code != -ENODEV)
			return code;
	} while (code && !poll(&(struct pollfd){.fd = recording->wake, .events = POLLIN}, 1, MEMORY_POLL_MS));
	return code;
}

static int add_stock_guest(struct recording *recording, struct error *error)
{
	struct guest_memory memory = GUEST_MEMORY_NONE;
	const struct recorder_stock stock = {.name = "guest",
		.cache_dir = symbol_cache(),
		.functions = recording->functions,
		.tracer = recording->tracer,
		.whole = true,
		.from_start = true,
		.start_host_ns = recording->start_ns,
		.guest_time = recording->guest_time};
	int code = open_memory(recording, &memory, error);

	return code ? code : recorder_add_stock_guest(recording->recorder, &memory, &stock, error);
}

static int add_hypercall_guest(struct recording *recording, struct error *error)
{
	struct guest_memory memory = GUEST_MEMORY_NONE;
	int code = open_memory(recording, &memory, error);

	return code ? code : recorder_add_hypercall_guest(recording->recorder, &memory, "guest", error);
}

static void *record(void *context)
{
	struct recording *recording = context;

	if (recording->channel == RECORDER_FTRACE && add_stock_guest(recording, &recording->error))
		return NULL;
	if (recording->channel == RECORDER_HYPERCALL && add_hypercall_guest(recording, &recording->error))
		return NULL;
	while (!atomic_load(&recording->stop) && recorder_step(recording->recorder, recording->wake) > 0)
		continue;
	return NULL;
}

static void destroy(struct recording *recording)
{
	recorder_destroy(recording->recorder);
	if (recording->wake >= 0)
		close(recording->wake);
	free(recording);
}

/* That a part is missing is said, also where notices are not wanted. */
static void say(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "hypertrace: %s\n", text);
}

static int begin(struct recording *recording, const struct recorder_options *options,
	const struct host_option *host, const char *region_path, struct error *error)
{
	int result;

	recording->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (recording->wake < 0)
		return error_set(error, -errno, "cannot make an eventfd: %s", strerror(errno));
	result = recorder_create(&recording->recorder, options, error);
	if (!result && options->channel == RECORDER_SHM)
		result = recorder_add_guest(recording->recorder, region_path, "guest", 0, error);
	if (!result)
		result = host_option_add(host, recording->recorder, HOST_STARTS, say, NULL, error);
	return result;
}

int recording_create(struct recording **result, const struct recorder_options *options,
	const struct host_option *host, const char *output, const char *region_path, struct error *error)
{
	struct recorder_options recorder = *options;
	struct recording *recording;
	int code;

	recorder.output = output_directory(output, error);
	if (!recorder.output)
		return error->code;
	recording = calloc(1, sizeof(*recording));
	if (!recording)
		return error_set(error, -ENOMEM, "out of memory");
	recording->wake = -1;
	recording->output = recorder.output;
	recording->channel = options->channel;
	code = begin(recording, &recorder, host, region_path, error);
	if (code < 0) {
		destroy(recording);
		return code;
	}
	*result = recording;
	return 0;
}

void recording_set_functions(struct recording *recording, const char *patterns, bool graph)
{
	recording->functions = patterns;
	recording->tracer = patterns && graph ? "function_graph" : NULL;
}

int recording_start(struct recording *recording, pid_t vmm, bool guest_time, struct error *error)
{
	int code = recorder_vmm_started(recording->recorder, vmm, error);

	if (code)
		return code;
	recording->guest_time = guest_time;
	recording->vmm = vmm;
	recording->start_ns = (int64_t)clock_now_ns(CLOCK_MONOTONIC);
	code = -pthread_create(&recording->thread, NULL, record, recording);
	if (code < 0)
		return error_set(error, code, "cannot start a thread: %s", strerror(-code));
	recording->started = true;
	return 0;
}

int recording_stop(struct recording *recording, bool ended_well, struct error *error)
{
	const uint64_t one = 1;
	int result;

	atomic_store(&recording->stop, true);             /* pairs with the load in record() */
	(void)!write(recording->wake, &one, sizeof(one)); /* without, it wakes by itself within 20 ms */
	if (recording->started)
		pthread_join(recording->thread, NULL);
	result = recorder_finish(recording->recorder, error);
	if (!result)
		result = recorder_guest_error(recording->recorder, error);
	if (!result && recording->error.code) {
		*error = recording->error;
		result = error->code;
	}
	if (ended_well || recorder_info(recording->recorder)->nr_machines)
		show_recording_summary(recorder_info(recording->recorder), recording->output, stderr);
	destroy(recording);
	return result;
}
