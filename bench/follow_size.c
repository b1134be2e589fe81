/* SPDX-License-Identifier: MIT */
/* Bytes of the trace for an event, against those of the guest's own ring, and of trace-cmd's trace.dat of the same work. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/follow.h"
#include "bench/programs.h"
#include "lib/base/cleanup.h"

#define ROUNDS "1000"
/* as bench/size_guest.sh lets trace-cmd do it */
#define WORK "/bench/mixed " ROUNDS " 2>/dev/null"

static void show(const struct follow *follow, const char *events, const char *in, uint64_t bytes,
	uint64_t count, uint64_t lost)
{
	figures_add(&follow->bench->figures, (double)bytes / (double)(count ? count : 1), "bytes/event", lost,
		"kernel", follow->kernel_name, "events", events, "in", in, NULL);
}

static int weigh_trace_cmd(struct follow *follow, const char *events, struct error *error)
{
	cleanup_free char *line = NULL, *answer = NULL;
	uint64_t compressed, bytes, count, lost;
	const char *said;
	int result;

	if (!bench_has_program("trace-cmd")) {
		figures_skip(&follow->bench->figures, "needs the Debian package trace-cmd", "kernel",
			follow->kernel_name, "events", events, "in", "trace.dat", NULL);
		return 0;
	}
	if (asprintf(&line, "sh /bench/size_guest.sh trace-cmd %s " ROUNDS, events) < 0) {
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
	show(follow, events, "trace.dat", bytes, count, lost);
	show(follow, events, "trace.dat, compressed", compressed, count, lost);
	return 0;
}

static int weigh(struct follow *follow, const struct follow_load *load, const char *in, bool with_ring,
	struct error *error)
{
	struct follow_outcome outcome;
	int result = follow_work(follow, load, &outcome, error);

	if (result)
		return result;
	show(follow, load->name, in, outcome.counts.bytes, outcome.counts.events, outcome.counts.lost);
	if (with_ring)
		show(follow, load->name, "the guest's ring", outcome.ring_bytes, outcome.ring_events, 0);
	return 0;
}

int follow_size(struct follow *follow, struct error *error)
{
	static const struct follow_load switches = {"sched_switch", "sched:sched_switch", NULL, WORK},
					mixed = {"mixed", FOLLOW_MIXED, NULL, WORK},
					selected = {"mixed", FOLLOW_MIXED, "sched,irq,syscalls", WORK};
	int result = weigh(follow, &switches, "trace", true, error);

	if (!result)
		result = weigh_trace_cmd(follow, switches.name, error);
	if (!result)
		result = weigh(follow, &mixed, "trace", true, error);
	if (!result)
		result = weigh(follow, &selected, "trace, no arguments", false, error);
	return result ? result : weigh_trace_cmd(follow, mixed.name, error);
}
