/* SPDX-License-Identifier: MIT */
/* How long it takes until full rings are on disk, once the kernel is found. */
#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>

#include "bench/attachment.h"
#include "bench/follow.h"
#include "lib/base/cleanup.h"

#define TRIES      7
#define RING_KB    2048
#define ROUNDS     "2000" /* of mixed: more than the rings hold */
#define EVENTS_MIN 50000
#define STEPS_MAX  1000

struct snapshot {
	struct follow_time time;
	struct attachment_counts counts;
};

/* All that the rings hold, and what else belongs to the trace. `at_once`: readable. */
static int record(struct follow *follow, struct recorder *recorder, int at_once, struct error *error)
{
	const struct recorder_stock stock = {.name = "guest", .cache_dir = follow->cache, .whole = true};
	struct guest_memory memory;
	int result = guest_memory_open_process(&memory, stock_guest_pid(follow->guest), error);

	if (!result)
		result = recorder_add_stock_guest(recorder, &memory, &stock, error);
	if (result)
		return result;
	for (unsigned steps = 0; steps < STEPS_MAX && (!steps || recorder_waiting(recorder)); steps++)
		recorder_step(recorder, steps ? -1 : at_once);
	return recorder_finish(recorder, error);
}

static int take(struct follow *follow, size_t number, struct snapshot *snapshot, struct error *error)
{
	cleanup_close int at_once = eventfd(1, EFD_CLOEXEC);
	struct recorder_options options = {.channel = RECORDER_FTRACE};
	struct recorder *recorder = NULL;
	cleanup_free char *output = NULL;
	struct follow_time start;
	int result;

	if (asprintf(&output, "%s/snapshot.%zu", follow->directory, number) < 0) {
		output = NULL;
		return error_set(error, -ENOMEM, "out of memory");
	}
	options.output = output;
	start = follow_now();
	result = recorder_create(&recorder, &options, error);
	if (!result)
		result = record(follow, recorder, at_once, error);
	snapshot->time = follow_since(start);
	if (!result)
		attachment_counts_read(&snapshot->counts, recorder);
	recorder_destroy(recorder);
	return result;
}

/* Then the guest does next to nothing that it traces, but its clock ticks: the kernel is found at the first look. */
static int fill_rings(struct follow *follow, struct error *error)
{
	int result = follow_set_events(follow, FOLLOW_MIXED, RING_KB, error);

	return result
		? result
		: stock_guest_ask(follow->guest,
			  "echo 1 >tracing_on; on_all /bench/mixed " ROUNDS "; /bench/busy spin & pid=$!",
			  NULL, error);
}

static struct follow_time less(struct follow_time whole, struct follow_time part)
{
	return (struct follow_time){whole.wall_ns > part.wall_ns ? whole.wall_ns - part.wall_ns : 0,
		whole.cpu_ns > part.cpu_ns ? whole.cpu_ns - part.cpu_ns : 0};
}

int follow_snapshot(struct follow *follow, struct error *error)
{
	struct follow_time whole[TRIES], taken[TRIES];
	struct snapshot snapshot;
	char events[32];
	int result = fill_rings(follow, error);

	for (size_t i = 0; !result && i < TRIES; i++) {
		struct follow_time found;

		result = follow_find_once(follow, follow->cache, true, &found, error);
		if (!result)
			result = take(follow, i, &snapshot, error);
		if (!result && snapshot.counts.events < EVENTS_MIN)
			result = error_set(error, -EIO, "only %llu events in the guest's rings",
				(unsigned long long)snapshot.counts.events);
		whole[i] = snapshot.time;
		taken[i] = less(snapshot.time, found);
	}
	if (!result)
		result = stock_guest_ask(follow->guest, "kill $pid; wait $pid; :", NULL, error);
	if (result)
		return result;
	snprintf(events, sizeof(events), "%llu events", (unsigned long long)snapshot.counts.events);
	follow_show_times(follow, taken, TRIES, snapshot.counts.lost, "snapshot", events, "busy");
	follow_show_times(follow, whole, TRIES, snapshot.counts.lost, "snapshot", "with finding", "busy");
	return 0;
}
