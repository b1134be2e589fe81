/* SPDX-License-Identifier: MIT */
#include "bench/recorded_trace.h"

#include <errno.h>
#include <unistd.h>

#include "bench/fake_guest.h"
#include "lib/base/cleanup.h"

static int record(struct recorded_trace *trace, struct fake_guest *guest, const char *region,
	const char *output, uint64_t events, struct error *error)
{
	const struct recorder_options options = {
		.output = output, .events = "sched,irq,syscalls", .mode = HT_MODE_DISCARD, .history = true};
	struct attachment attachment;
	int result = attachment_start(&attachment, &options, region, error);

	if (!result) {
		trace->written = fake_guest_write(guest, events);
		fake_guest_drain(guest);
		result = attachment_stop(&attachment, &trace->counts, error);
		trace->cpu_ns = attachment.cpu_ns;
	}
	attachment_deinit(&attachment);
	return result;
}

int recorded_trace_make(struct recorded_trace *trace, const char *directory, unsigned cpus, uint64_t events,
	struct error *error)
{
	cleanup_free char *region = NULL, *output = NULL;
	struct fake_guest guest;
	int result;

	if (asprintf(&region, "/dev/shm/hypertrace-bench-%d", getpid()) < 0 ||
		asprintf(&output, "%s/trace", directory) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	result = fake_guest_init(&guest, region, cpus, error);
	if (!result)
		result = record(trace, &guest, region, output, events, error);
	fake_guest_deinit(&guest);
	unlink(region);
	if (!result && trace->counts.events + trace->counts.lost != trace->written)
		result = error_set(error, -EIO, "%ju events written, %ju recorded and %ju lost",
			(uintmax_t)trace->written, (uintmax_t)trace->counts.events,
			(uintmax_t)trace->counts.lost);
	return result;
}
