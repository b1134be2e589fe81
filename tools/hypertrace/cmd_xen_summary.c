/* SPDX-License-Identifier: MIT */
/* xen summary: what domains, vCPUs and pCPUs did. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/text.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/xen_intervals.h"
#include "tools/hypertrace/xen_source.h"
#include "tools/hypertrace/xen_summary_view.h"

#define TOP_DEFAULT 10

struct summary_options {
	const char *cpu_hz;
	double interval_s;
	unsigned per; /* enum xen_per + 1; 0: not given */
	uint64_t top;
	bool json;
};

static const struct option_spec summary_specs[] = {
	{'i', "interval", "TIME", OPTION_SECONDS, offsetof(struct summary_options, interval_s),
		"print a row for each such time instead, tab-separated under a header; with --json, JSON lines"},
	{0, "per", "domain|vcpu|pcpu", OPTION_CHOICE, offsetof(struct summary_options, per),
		"whose rows --interval prints; default domain"},
	{0, "cpu-hz", "HZ", OPTION_STRING, offsetof(struct summary_options, cpu_hz), XEN_CPU_HZ_HELP},
	{'n', "top", "N", OPTION_UNSIGNED, offsetof(struct summary_options, top),
		"rows for each vCPU and pCPU of the longer tables, 0 for all; default 10, with --json all"},
	{0, "json", NULL, OPTION_FLAG, offsetof(struct summary_options, json), "print one JSON document"},
	{0},
};

#define SCHED_SWITCHES 0x28000u /* class and subclass of those that tell the frequency */

/* Most events of a scheduler's trace are of no use here, and need not be merged. */
static void want(struct xen_source *source, uint64_t wanted[XEN_WANTED_WORDS], bool switches)
{
	for (uint32_t i = 0; i < XEN_WANTED_WORDS * 64; i++)
		if (xen_summary_wants(i << 12) || (switches && i == XEN_WANTED_BIT(SCHED_SWITCHES)))
			wanted[i / 64] |= 1ull << i % 64;
		else
			wanted[i / 64] &= ~(1ull << i % 64);
	xen_reader_want(source->reader, wanted);
}

static void add_left_out(struct xen_source *source, struct xen_summary *summary)
{
	uint32_t limit = xen_reader_counts(source->reader)->pcpu_limit;

	for (uint32_t i = 0; i < limit; i++) {
		uint64_t last_tsc;
		const struct xen_unwanted *unwanted = xen_reader_unwanted(source->reader, i, &last_tsc);

		if (unwanted)
			xen_summary_left_out(summary, i, unwanted->events, unwanted->bytes, last_tsc);
	}
}

static int feed(struct xen_source *source, struct xen_summary *summary, struct error *error)
{
	uint64_t wanted[XEN_WANTED_WORDS] = {0};
	struct xen_event event;
	int result;

	want(source, wanted, source->estimating);
	while ((result = xen_reader_next(source->reader, &event, error)) > 0) {
		if (__builtin_expect(source->estimating, 0)) {
			xen_source_estimate(source, &event);
			if (!source->estimating)
				want(source, wanted, false);
		}
		xen_summary_event(summary, &event);
	}
	xen_source_settle_hz(source);
	if (result < 0)
		return result;
	add_left_out(source, summary);
	xen_reader_want(source->reader, NULL);
	return xen_summary_end(summary) < 0 ? error_set(error, -ENOMEM, "out of memory") : 0;
}

static int look(struct xen_summary_view *view, struct xen_source *source,
	const struct summary_options *options, struct error *error)
{
	struct xen_intervals intervals = {
		.view = view,
		.per = options->per ? (enum xen_per)(options->per - 1) : XEN_PER_DOMAIN,
		.json = options->json,
		.out = stdout,
	};
	int result;

	view->hz = source->hz;
	view->path = source->path;
	view->counts = xen_reader_counts(source->reader);
	if (options->interval_s > 0) {
		double ticks = options->interval_s * source->hz;

		if (ticks < 1)
			return error_set(error, -EINVAL, "--interval: shorter than a tick of the TSC");
		xen_summary_intervals(&view->summary, ticks < 1e18 ? (uint64_t)ticks : (uint64_t)1e18,
			xen_intervals_row, &intervals);
		xen_intervals_begin(&intervals);
	}
	result = feed(source, &view->summary, error);
	if (result || options->interval_s > 0)
		return result;
	view->hz = source->hz;
	view->hz_source = source->hz_source;
	view->order = xen_summary_sorted(&view->summary);
	if (options->json)
		result = xen_summary_json(view, stdout);
	else
		xen_summary_text(view, stdout, isatty(STDOUT_FILENO));
	return result < 0 ? error_set(error, result, "out of memory") : 0;
}

static int summary_run(const struct command *self, int argc, char **argv)
{
	struct summary_options options = {.top = UINT64_MAX};
	struct xen_summary_view view = {0};
	struct xen_source source = {0};
	struct error error = {0};
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	if (!result && options.per && options.interval_s <= 0)
		result = error_set(&error, -EINVAL, "--per needs --interval");
	if (!result)
		result = xen_source_operand(&source, argc, argv, options.cpu_hz, &error);
	if (result < 0)
		return show_error(&error, options.json, 2);
	view.top = options.top == UINT64_MAX ? options.json ? 0 : TOP_DEFAULT : options.top;
	result = xen_summary_init(&view.summary);
	if (result < 0)
		error_set(&error, result, "out of memory");
	if (!result)
		result = xen_source_open(&source, options.interval_s > 0, &error);
	if (!result)
		result = look(&view, &source, &options, &error);
	free(view.order);
	xen_summary_deinit(&view.summary);
	result = xen_source_close(&source, result, &error);
	return result ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_xen_summary = {
	.name = "xen summary",
	.summary = "Say what the domains, vCPUs and pCPUs of a Xen trace did",
	.synopsis = "[OPTION]... FILE",
	.description =
		"Reads a file that xentrace wrote, or standard input (-), and says of each domain and vCPU: its runstates, how "
		"long it waited for a pCPU after waking and after being preempted, where it ran and how often it was moved, its "
		"hypercalls, traps, exits by reason with what they cost, interrupts, page faults, grants and other memory "
		"operations; of each pCPU: busy, idle, who ran there.\n\n"
		"Counts and times are those of xenalyze --summary; where they differ, docs/design/xen.md says why.\n\n"
		"With --interval, rows in the order of time: states split at the borders, so that a row's states add up to "
		"the time. A domain's row is the sum of its vCPUs.",
	.examples =
		"  # who waits for whom?\n"
		"  hypertrace xen summary trace.bin\n"
		"  # how the domains shared the host, every 100 ms\n"
		"  hypertrace xen summary trace.bin --interval 100ms\n"
		"  # waits after waking, for a script\n"
		"  hypertrace xen summary trace.bin --json | jq '.vcpus[] | [.domain, .vcpu, .waits.woken.p95_ns]'",
	.options = summary_specs,
	.run = summary_run,
};
