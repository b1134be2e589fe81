/* SPDX-License-Identifier: MIT */
/* A guest works, and is followed while it does. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/follow.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock_now.h"

#define RING_KB 8192

int follow_set_events(struct follow *follow, const char *events, unsigned ring_kb, struct error *error)
{
	cleanup_free char *line = NULL;

	if (asprintf(&line,
		    "echo 0 >tracing_on; echo %u >buffer_size_kb; echo '%s' | tr ' ' '\\n' >set_event; echo >trace",
		    ring_kb, events) < 0) {
		line = NULL;
		return error_set(error, -ENOMEM, "out of memory");
	}
	return stock_guest_ask(follow->guest, line, NULL, error);
}

/* What the guest says that it wrote, and what of it is in its rings. */
static int read_stats(struct follow *follow, struct follow_outcome *outcome, struct error *error)
{
	cleanup_free char *answer = NULL;
	uint64_t overrun;
	int result = stock_guest_ask(follow->guest,
		"cat per_cpu/cpu*/stats | awk '/^entries:/ {n += $2} /^overrun:/ {o += $2} /^bytes:/ {b += $2} "
		"END {printf \"%d %d %d\\n\", n, o, b}'",
		&answer, error);

	if (result)
		return result;
	if (sscanf(answer, "%" SCNu64 " %" SCNu64 " %" SCNu64, &outcome->ring_events, &overrun,
		    &outcome->ring_bytes) != 3)
		return error_set(error, -EIO, "the guest's stats: %s", answer);
	outcome->written = outcome->ring_events + overrun;
	return 0;
}

/* The recorder is there before the first event, and leaves when all are read. */
static int run(struct follow *follow, const struct follow_load *load, struct attachment *attachment,
	struct follow_outcome *outcome, struct error *error)
{
	cleanup_free char *line = NULL;
	uint64_t start_ns;
	int result = attachment_wait(attachment, error);

	if (result)
		return result;
	if (asprintf(&line, "echo 1 >tracing_on; %s; echo 0 >tracing_on", load->work) < 0) {
		line = NULL;
		return error_set(error, -ENOMEM, "out of memory");
	}
	start_ns = clock_now_ns(CLOCK_MONOTONIC);
	result = stock_guest_ask(follow->guest, line, NULL, error);
	outcome->work_ns = clock_now_ns(CLOCK_MONOTONIC) - start_ns;
	if (!result)
		result = attachment_stop(attachment, &outcome->counts, error);
	if (result)
		return result;
	outcome->start_ns = attachment->begun_ns;
	outcome->follow_ns = attachment->followed_ns - attachment->begun_ns;
	outcome->end_ns = attachment->cpu_ns - attachment->followed_ns;
	return read_stats(follow, outcome, error);
}

int follow_work(struct follow *follow, const struct follow_load *load, struct follow_outcome *outcome,
	struct error *error)
{
	const struct recorder_stock stock = {.name = "guest", .cache_dir = follow->cache};
	struct recorder_options options = {.channel = RECORDER_FTRACE, .events = load->selected};
	struct attachment attachment = {0};
	cleanup_free char *output = NULL;
	int result = follow_set_events(follow, load->events, RING_KB, error);

	*outcome = (struct follow_outcome){0};
	if (!result && asprintf(&output, "%s/trace.%u", follow->directory, follow->traces++) < 0) {
		output = NULL;
		result = error_set(error, -ENOMEM, "out of memory");
	}
	if (result)
		return result;
	options.output = output;
	result = attachment_start_stock(&attachment, &options, stock_guest_pid(follow->guest), &stock, error);
	if (!result)
		result = run(follow, load, &attachment, outcome, error);
	attachment_deinit(&attachment);
	if (!result && outcome->counts.events + outcome->counts.lost != outcome->written)
		result = error_set(error, -EIO,
			"%s: the guest wrote %" PRIu64 " events, of which %" PRIu64
			" were recorded and %" PRIu64 " lost",
			load->name, outcome->written, outcome->counts.events, outcome->counts.lost);
	return result;
}
