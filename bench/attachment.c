/* SPDX-License-Identifier: MIT */
#include "bench/attachment.h"

#include <string.h>
#include <time.h>

static void *record(void *context)
{
	struct attachment *attachment = context;
	struct timespec spent;

	while (!atomic_load(&attachment->stop) && recorder_step(attachment->recorder, -1) > 0)
		;
	recorder_finish(attachment->recorder, &attachment->error);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
	attachment->cpu_ns = (uint64_t)spent.tv_sec * 1000000000 + (uint64_t)spent.tv_nsec;
	return NULL;
}

int attachment_start(struct attachment *attachment, const struct recorder_options *options,
	const char *region_path, struct error *error)
{
	int result;

	memset(attachment, 0, sizeof(*attachment));
	result = recorder_create(&attachment->recorder, options, error);
	if (!result)
		result = recorder_add_guest(attachment->recorder, region_path, "guest", 0, error);
	if (result)
		return result;
	result = -pthread_create(&attachment->thread, NULL, record, attachment);
	if (result)
		return error_set(error, result, "cannot start a thread: %s", strerror(-result));
	attachment->running = true;
	return 0;
}

static void join(struct attachment *attachment)
{
	atomic_store(&attachment->stop, true); /* pairs with the load in record() */
	if (attachment->running)
		pthread_join(attachment->thread, NULL);
	attachment->running = false;
}

int attachment_stop(struct attachment *attachment, struct attachment_counts *counts, struct error *error)
{
	const struct trace_info *info;

	join(attachment);
	if (attachment->error.code) {
		if (error)
			*error = attachment->error;
		return attachment->error.code;
	}
	memset(counts, 0, sizeof(*counts));
	info = recorder_info(attachment->recorder);
	for (size_t i = 0; i < info->nr_machines; i++) {
		const struct trace_machine_info *machine = &info->machines[i];

		counts->events += trace_machine_info_events(machine);
		counts->lost += trace_machine_info_lost(machine);
		for (size_t cpu = 0; cpu < machine->nr_cpu_infos; cpu++)
			counts->bytes += machine->cpus[cpu].bytes;
	}
	return 0;
}

void attachment_deinit(struct attachment *attachment)
{
	join(attachment);
	recorder_destroy(attachment->recorder);
	attachment->recorder = NULL;
}
