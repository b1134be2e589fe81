/* SPDX-License-Identifier: MIT */
/*
 * CPU time of the thread that follows a guest, which writes events as fast as it can; and bytes of the trace for an event
 * against those of the guest's ring and of trace-cmd's trace.dat.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/attachment.h"
#include "bench/follow.h"
#include "bench/programs.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock_now.h"

#define RING_KB 8192
#define CALLS   "400000" /* of getppid, on each CPU */
#define ROUNDS  "3000"   /* of mixed, likewise */

struct load {
	const char *name, *events, *work;
};

struct outcome {
	struct attachment_counts counts;
	uint64_t begun_ns, followed_ns, cpu_ns, work_ns;
	uint64_t written, ring_events, ring_bytes; /* by the guest's own count */
};

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
static int read_stats(struct follow *follow, struct outcome *outcome, struct error *error)
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

/* The guest works; the recorder is there before, and leaves when all is read. */
static int work(struct follow *follow, const struct load *load, struct attachment *attachment,
	struct outcome *outcome, struct error *error)
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
		result = read_stats(follow, outcome, error);
	if (!result)
		result = attachment_stop(attachment, &outcome->counts, error);
	return result;
}

static int run(struct follow *follow, const struct load *load, struct outcome *outcome, struct error *error)
{
	const struct recorder_stock stock = {.name = "guest", .cache_dir = follow->cache};
	struct recorder_options options = {.channel = RECORDER_FTRACE};
	struct attachment attachment = {0};
	cleanup_free char *output = NULL;
	int result = follow_set_events(follow, load->events, RING_KB, error);

	if (!result && asprintf(&output, "%s/trace.%u", follow->directory, follow->traces++) < 0) {
		output = NULL;
		result = error_set(error, -ENOMEM, "out of memory");
	}
	if (result)
		return result;
	options.output = output;
	result = attachment_start_stock(&attachment, &options, stock_guest_pid(follow->guest), &stock, error);
	if (!result)
		result = work(follow, load, &attachment, outcome, error);
	outcome->begun_ns = attachment.begun_ns;
	outcome->followed_ns = attachment.followed_ns;
	outcome->cpu_ns = attachment.cpu_ns;
	attachment_deinit(&attachment);
	if (!result && outcome->counts.events + outcome->counts.lost != outcome->written)
		result = error_set(error, -EIO,
			"%s: the guest wrote %" PRIu64 " events, of which %" PRIu64
			" were recorded and %" PRIu64 " lost",
			load->name, outcome->written, outcome->counts.events, outcome->counts.lost);
	return result;
}

static void show(const struct follow *follow, const struct load *load, const char *cost, double value,
	const char *unit, uint64_t lost)
{
	figures_add(&follow->bench->figures, value, unit, lost, "kernel", follow->kernel_name, "events",
		load->name, "cost", cost, NULL);
}

int follow_rate(struct follow *follow, struct error *error)
{
	static const struct load loads[] = {
		{"syscalls", "sched:sched_switch raw_syscalls:*", "on_all /bench/busy syscalls " CALLS},
		{"mixed", FOLLOW_MIXED, "on_all /bench/mixed " ROUNDS},
	};
	int result = 0;

	for (size_t i = 0; !result && i < sizeof(loads) / sizeof(loads[0]); i++) {
		struct outcome outcome = {0};
		double events;

		result = run(follow, &loads[i], &outcome, error);
		if (result)
			break;
		events = (double)outcome.counts.events;
		show(follow, &loads[i], "guest's rate",
			(double)outcome.written * 1e9 / (double)outcome.work_ns, "events/s",
			outcome.counts.lost);
		show(follow, &loads[i], "following",
			(double)(outcome.followed_ns - outcome.begun_ns) / events, "ns/event",
			outcome.counts.lost);
		show(follow, &loads[i], "start", (double)outcome.begun_ns / 1e6, "CPU ms", 0);
		show(follow, &loads[i], "end", (double)(outcome.cpu_ns - outcome.followed_ns) / 1e6, "CPU ms",
			0);
	}
	return result;
}

static void show_size(const struct follow *follow, const char *events, const char *in, uint64_t bytes,
	uint64_t count, uint64_t lost)
{
	figures_add(&follow->bench->figures, (double)bytes / (double)(count ? count : 1), "bytes/event", lost,
		"kernel", follow->kernel_name, "events", events, "in", in, NULL);
}

static int weigh_trace_cmd(struct follow *follow, const struct load *load, struct error *error)
{
	cleanup_free char *line = NULL, *answer = NULL;
	uint64_t compressed, bytes, count, lost;
	const char *said;
	int result;

	if (!bench_has_program("trace-cmd")) {
		figures_skip(&follow->bench->figures, "needs the Debian package trace-cmd", "kernel",
			follow->kernel_name, "events", load->name, "in", "trace.dat", NULL);
		return 0;
	}
	if (asprintf(&line, "sh /bench/size_guest.sh trace-cmd %s " ROUNDS, load->name) < 0) {
		line = NULL;
		return error_set(error, -ENOMEM, "out of memory");
	}
	result = stock_guest_ask(follow->guest, line, &answer, error);
	if (result)
		return result;
	said = strstr(answer, "trace-cmd ");
	if (!said ||
		sscanf(said, "trace-cmd %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &compressed, &bytes,
			&count, &lost) != 4)
		return error_set(error, -EIO, "trace-cmd in the guest: %s", answer);
	show_size(follow, load->name, "trace.dat", bytes, count, lost);
	show_size(follow, load->name, "trace.dat, compressed", compressed, count, lost);
	return 0;
}

int follow_size(struct follow *follow, struct error *error)
{
	/* as bench/size_guest.sh has trace-cmd do it */
	static const struct load loads[] = {
		{"sched_switch", "sched:sched_switch", "/bench/mixed " ROUNDS " 2>/dev/null"},
		{"mixed", FOLLOW_MIXED, "/bench/mixed " ROUNDS " 2>/dev/null"},
	};
	int result = 0;

	for (size_t i = 0; !result && i < sizeof(loads) / sizeof(loads[0]); i++) {
		struct outcome outcome = {0};

		result = run(follow, &loads[i], &outcome, error);
		if (result)
			break;
		show_size(follow, loads[i].name, "trace", outcome.counts.bytes, outcome.counts.events,
			outcome.counts.lost);
		show_size(follow, loads[i].name, "the guest's ring", outcome.ring_bytes, outcome.ring_events,
			0);
		result = weigh_trace_cmd(follow, &loads[i], error);
	}
	return result;
}
