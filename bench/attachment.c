/* SPDX-License-Identifier: MIT */
#include "bench/attachment.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock_now.h"

#define WAIT_NS   20000000000ull
#define MEMORY_NS 5000000000ull /* a VMM that was started has its guest's memory by then */
#define LOOK_NS   2000000

void attachment_counts_read(struct attachment_counts *counts, const struct recorder *recorder)
{
	const struct trace_info *info = recorder_info(recorder);

	*counts = (struct attachment_counts){0};
	for (size_t i = 0; i < info->nr_machines; i++) {
		const struct trace_machine_info *machine = &info->machines[i];

		counts->events += trace_machine_info_events(machine);
		counts->lost += trace_machine_info_lost(machine);
		for (size_t cpu = 0; cpu < machine->nr_cpu_infos; cpu++)
			counts->bytes += machine->cpus[cpu].bytes;
	}
}

static void *record(void *context)
{
	struct attachment *attachment = context;

	while (!atomic_load(&attachment->stop) && recorder_step(attachment->recorder, -1) > 0)
		if (!attachment->begun_ns && !recorder_waiting(attachment->recorder)) {
			attachment->begun_ns = clock_now_ns(CLOCK_THREAD_CPUTIME_ID);
			atomic_store(
				&attachment->records, true); /* pairs with the load in attachment_wait() */
		}
	attachment->followed_ns = clock_now_ns(CLOCK_THREAD_CPUTIME_ID);
	recorder_finish(attachment->recorder, &attachment->error);
	attachment->cpu_ns = clock_now_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

static int start_thread(struct attachment *attachment, struct error *error)
{
	int result = -pthread_create(&attachment->thread, NULL, record, attachment);

	if (result)
		return error_set(error, result, "cannot start a thread: %s", strerror(-result));
	attachment->running = true;
	return 0;
}

int attachment_start(struct attachment *attachment, const struct recorder_options *options,
	const char *region_path, struct error *error)
{
	int result;

	memset(attachment, 0, sizeof(*attachment));
	result = recorder_create(&attachment->recorder, options, error);
	if (!result)
		result = recorder_add_guest(attachment->recorder, region_path, "guest", 0, error);
	return result ? result : start_thread(attachment, error);
}

static void rest(void)
{
	nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
}

static int open_memory(struct guest_memory *memory, pid_t vmm, struct error *error)
{
	const uint64_t start_ns = clock_now_ns(CLOCK_MONOTONIC);
	int result;

	while ((result = guest_memory_open_process(memory, vmm, error)) == -ENODEV &&
		clock_now_ns(CLOCK_MONOTONIC) - start_ns < MEMORY_NS) {
		*error = (struct error){0};
		rest();
	}
	return result;
}

int attachment_start_stock(struct attachment *attachment, const struct recorder_options *options, pid_t vmm,
	const struct recorder_stock *stock, struct error *error)
{
	struct guest_memory memory = GUEST_MEMORY_NONE;
	int result;

	memset(attachment, 0, sizeof(*attachment));
	result = recorder_create(&attachment->recorder, options, error);
	if (!result)
		result = open_memory(&memory, vmm, error);
	if (!result)
		result = recorder_add_stock_guest(attachment->recorder, &memory, stock, error);
	return result ? result : start_thread(attachment, error);
}

int attachment_wait(struct attachment *attachment, struct error *error)
{
	const uint64_t start_ns = clock_now_ns(CLOCK_MONOTONIC);

	while (!atomic_load(&attachment->records)) { /* pairs with the store in record() */
		if (clock_now_ns(CLOCK_MONOTONIC) - start_ns > WAIT_NS)
			return error_set(error, -ETIMEDOUT, "the guest is not recorded after %llu s",
				WAIT_NS / 1000000000);
		rest();
	}
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
	join(attachment);
	if (attachment->error.code) {
		if (error)
			*error = attachment->error;
		return attachment->error.code;
	}
	attachment_counts_read(counts, attachment->recorder);
	return 0;
}

void attachment_deinit(struct attachment *attachment)
{
	join(attachment);
	recorder_destroy(attachment->recorder);
	attachment->recorder = NULL;
}
