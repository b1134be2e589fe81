/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/run_recording.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tools/hypertrace/output_directory.h"
#include "tools/hypertrace/recording_summary.h"

struct recording {
	struct recorder *recorder;
	const char *output;
	pthread_t thread;
	atomic_bool stop;
	int wake; /* eventfd: ends the recorder's sleep */
};

static void *record(void *context)
{
	struct recording *recording = context;

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

static int begin(struct recording *recording, const struct recorder_options *options, const char *region_path,
	struct error *error)
{
	int result;

	recording->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (recording->wake < 0)
		return error_set(error, -errno, "cannot make an eventfd: %s", strerror(errno));
	result = recorder_create(&recording->recorder, options, error);
	if (!result)
		result = recorder_add_guest(recording->recorder, region_path, "guest", 0, error);
	if (result < 0)
		return result;
	result = -pthread_create(&recording->thread, NULL, record, recording);
	if (result < 0)
		return error_set(error, result, "cannot start a thread: %s", strerror(-result));
	return 0;
}

int recording_start(struct recording **result, const struct recorder_options *options, const char *output,
	const char *region_path, struct error *error)
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
	code = begin(recording, &recorder, region_path, error);
	if (code < 0) {
		destroy(recording);
		return code;
	}
	*result = recording;
	return 0;
}

int recording_stop(struct recording *recording, bool ended_well, struct error *error)
{
	const uint64_t one = 1;
	int result;

	atomic_store(&recording->stop, true);             /* pairs with the load in record() */
	(void)!write(recording->wake, &one, sizeof(one)); /* without, it wakes by itself within 20 ms */
	pthread_join(recording->thread, NULL);
	result = recorder_finish(recording->recorder, error);
	if (!result)
		result = recorder_guest_error(recording->recorder, error);
	if (ended_well || recorder_info(recording->recorder)->nr_machines)
		show_recording_summary(recorder_info(recording->recorder), recording->output, stderr);
	destroy(recording);
	return result;
}
