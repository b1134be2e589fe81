/* SPDX-License-Identifier: MIT */
/* xen summary: what domains, vCPUs and pCPUs did. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/xen_feed.h"
#include "tools/hypertrace/xen_intervals.h"
#include "tools/hypertrace/xen_summary_view.h"

#define TOP_DEFAULT 10

struct summary_options {
	const char *cpu_hz;
	double interval_s;
	unsigned per; /* enum xen_per + 1; 0: not given */
	uint64_t top;
	struct string_list symbols;
	bool svm, where, json;
};

static const struct option_spec summary_specs[] = {
	{'i', "interval", "TIME", OPTION_SECONDS, offsetof(struct summary_options, interval_s),
		"print a row for each such time instead, tab-separated under a header; with --json, JSON lines"},
	{0, "per", "domain|vcpu|pcpu", OPTION_CHOICE, offsetof(struct summary_options, per),
		"whose rows --interval prints; default domain"},
	{0, "cpu-hz", "HZ", OPTION_STRING, offsetof(struct summary_options, cpu_hz), XEN_CPU_HZ_HELP},
	{0, "svm", NULL, OPTION_FLAG, offsetof(struct summary_options, svm), XEN_SVM_HELP},
	{'n', "top", "N", OPTION_UNSIGNED, offsetof(struct summary_options, top),
		"rows for each vCPU, pCPU or reason of the longer tables, 0 for all; default 10, with --json all"},
	{0, "where", NULL, OPTION_FLAG, offsetof(struct summary_options, where),
		"also say where in the guests' code exits, hypercalls and traps happened, by reason"},
	{0, "symbols", "FILE[:DOMAIN]", OPTION_LIST, offsetof(struct summary_options, symbols),
		XEN_SYMBOLS_HELP "; implies --where"},
	{0, "json", NULL, OPTION_FLAG, offsetof(struct summary_options, json), "print one JSON document"},
	{0},
};

static bool wants(void *context, uint32_t code)
{
	(void)context;
	return xen_summary_wants(code);
}

static int show_all(struct xen_summary_view *view, const struct summary_options *options, struct error *error)
{
	const struct xen_feed feed = {view->input.reader, &view->summary, wants, NULL};
	struct xen_clock_estimate estimate;
	int result = xen_clock_estimate_init(&estimate, error);

	if (result)
		return result;
	result = xen_feed(&feed, view->input.clock.hz != 0 ? NULL : &estimate, error);
	xen_input_settle_clock(&view->input, &estimate, view->summary.first_tsc);
	xen_clock_estimate_deinit(&estimate);
	if (result)
		return result;
	view->order = xen_summary_sorted(&view->summary);
	if (options->json)
		result = xen_summary_json(view, stdout);
	else
		xen_summary_text(view, stdout, isatty(STDOUT_FILENO));
	return result < 0 ? error_set(error, result, "out of memory") : 0;
}

static int show_intervals(
	struct xen_summary_view *view, const struct summary_options *options, struct error *error)
{
	const struct xen_feed feed = {view->input.reader, &view->summary, wants, NULL};
	struct xen_intervals intervals = {
		.view = view,
		.per = options->per ? (enum xen_per)(options->per - 1) : XEN_PER_DOMAIN,
		.json = options->json,
		.out = stdout,
	};
	double ticks = options->interval_s * view->input.clock.hz;

	if (ticks < 1)
		return error_set(error, -EINVAL, "--interval: shorter than a tick of the TSC");
	xen_summary_intervals(&view->summary, ticks < 1e18 ? (uint64_t)ticks : (uint64_t)1e18,
		xen_intervals_row, &intervals);
	xen_intervals_begin(&intervals);
	return xen_feed(&feed, NULL, error);
}

/* *shown: the result is out; what is damaged is said after it. */
static int look(struct xen_summary_view *view, const char *path, const struct summary_options *options,
	bool *shown, struct error *error)
{
	bool by_interval = options->interval_s > 0;
	int result = xen_summary_init(&view->summary);

	if (!result && (options->where || options->symbols.count))
		result = xen_summary_want_rips(&view->summary);
	if (result)
		return error_set(error, result, "out of memory");
	view->summary.svm = options->svm;
	result = by_interval ? xen_input_open(&view->input, path, options->cpu_hz, error)
			     : xen_input_open_unread(&view->input, path, options->cpu_hz, error);
	if (result)
		return result;
	result = by_interval ? show_intervals(view, options, error) : show_all(view, options, error);
	*shown = !result;
	if (!result && by_interval)
		xen_input_say_clock(&view->input);
	return result ? result : xen_input_account(&view->input, error);
}

static int summary_run(const struct command *self, int argc, char **argv)
{
	struct summary_options options = {.top = UINT64_MAX};
	struct xen_summary_view view = {0};
	struct xen_symbols symbols = {0};
	struct error error = {0};
	const char *path;
	bool shown = false;
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	if (!result && options.per && options.interval_s <= 0)
		result = error_set(&error, -EINVAL, "--per needs --interval");
	if (!result && (options.where || options.symbols.count) && options.interval_s > 0)
		result = error_set(&error, -EINVAL, "--where and --symbols do not go with --interval");
	if (!result)
		result = xen_input_operand(argc, argv, &path, &error);
	if (!result)
		result = xen_symbols_parse(&symbols, &options.symbols, &error);
	if (result < 0) {
		xen_symbols_deinit(&symbols);
		return show_error(&error, options.json, 2);
	}
	view.symbols = &symbols;
	view.top = options.top == UINT64_MAX ? options.json ? 0 : TOP_DEFAULT : options.top;
	result = xen_symbols_load(&symbols, &error);
	if (!result)
		result = look(&view, path, &options, &shown, &error);
	free(view.order);
	xen_summary_deinit(&view.summary);
	xen_input_close(&view.input);
	xen_symbols_deinit(&symbols);
	return result ? show_error(&error, options.json && !shown, 1) : 0;
}

const struct command cmd_xen_summary = {
	.name = "xen summary",
	.summary = "Say what the domains, vCPUs and pCPUs of a Xen trace did",
	.synopsis = "[OPTION]... [FILE]",
	.description =
		"Reads what xentrace wrote, without FILE from standard input, and says of each domain and vCPU: its runstates, how "
		"long it waited for a pCPU after waking and after being preempted, where it ran and how often it was moved, its "
		"hypercalls, traps, exits by reason with what they cost, interrupts, page faults, grants and other memory "
		"operations; of each pCPU: busy, idle, who ran there.\n\n"
		"Counts and times are those of xenalyze --summary; where they differ, docs/design/xen.md says why.\n\n"
		"Instruction pointers, which --where counts, are the guests'. --symbols names their functions: a PV kernel is "
		"where its System.map says; an HVM guest's may be elsewhere at each boot, and the guest's /proc/kallsyms says "
		"where.\n\n"
		"With --interval, rows in the order of time: states split at the borders, so that a row's states add up to "
		"the time. A domain's row is the sum of its vCPUs.",
	.examples =
		"  # who waits for whom?\n"
		"  hypertrace xen summary xen.trace\n"
		"  # how the domains shared the host, every 100 ms\n"
		"  hypertrace xen summary xen.trace --interval 100ms\n"
		"  # what domain 3 leaves its CPU for, and where in its kernel\n"
		"  hypertrace xen summary xen.trace --symbols System.map:3\n"
		"  # waits after waking, for a script\n"
		"  hypertrace xen summary xen.trace --json | jq '.vcpus[] | [.domain, .vcpu, .waits.woken.p95_ns]'",
	.options = summary_specs,
	.run = summary_run,
};
