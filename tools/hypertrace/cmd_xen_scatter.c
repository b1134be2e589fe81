/* SPDX-License-Identifier: MIT */
/* xen scatter: single happenings over time, as rows or as a drawing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/suggest.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/xen_plot.h"
#include "tools/hypertrace/xen_feed.h"
#include "tools/hypertrace/xen_input.h"

struct scatter_options {
	const char *cpu_hz, *svg;
	uint64_t number, domain;
	bool idle, svm;
};

static const struct option_spec scatter_specs[] = {
	{0, "svg", "FILE", OPTION_STRING, offsetof(struct scatter_options, svg),
		"draw it, to look at in a browser, instead of printing rows"},
	{0, "number", "N", OPTION_UNSIGNED, offsetof(struct scatter_options, number),
		"only that vector, port, IRQ, exit reason, hypercall, state"},
	{0, "domain", "N", OPTION_UNSIGNED, offsetof(struct scatter_options, domain), "only that domain"},
	{0, "idle", NULL, OPTION_FLAG, offsetof(struct scatter_options, idle), "idle vCPUs, too"},
	{0, "cpu-hz", "HZ", OPTION_STRING, offsetof(struct scatter_options, cpu_hz), XEN_CPU_HZ_HELP},
	{0, "svm", NULL, OPTION_FLAG, offsetof(struct scatter_options, svm), XEN_SVM_HELP},
	{0},
};

struct look {
	const struct scatter_options *options;
	enum xen_scatter_kind kind;
	struct xen_input input;
	struct xen_summary summary;
	struct xen_plot plot;
	enum { LOOK_PRINT, LOOK_MEASURE, LOOK_DRAW } step;
};

static void take_point(void *context, const struct xen_point *point)
{
	struct look *look = context;
	const struct scatter_options *options = look->options;

	if (options->number != UINT64_MAX && point->number != options->number)
		return;
	if (options->domain != UINT64_MAX && (!point->vcpu || point->vcpu->dom != options->domain))
		return;
	switch (look->step) {
	case LOOK_PRINT:
		xen_scatter_row(look->kind, point, look->input.clock.hz, look->summary.first_tsc,
			look->summary.svm, stdout);
		break;
	case LOOK_MEASURE:
		xen_plot_measure(&look->plot, point);
		break;
	case LOOK_DRAW:
		xen_plot_add(&look->plot, point);
		break;
	}
}

static bool wants(void *context, uint32_t code)
{
	return xen_scatter_wants(*(const enum xen_scatter_kind *)context, code);
}

/* All events once. The summary is left as it is behind the last one. */
static int walk(struct look *look, struct error *error)
{
	enum xen_scatter_kind kind = look->step == LOOK_PRINT ? look->kind : xen_plot_feed_kind(look->kind);
	const struct xen_feed feed = {look->input.reader, &look->summary, wants, &kind};
	struct xen_scatter scatter = {kind, look->options->idle, look, take_point};
	int result;

	xen_summary_deinit(&look->summary);
	result = xen_summary_init(&look->summary);
	if (result < 0)
		return error_set(error, result, "out of memory");
	look->summary.svm = look->options->svm;
	xen_scatter_attach(&scatter, &look->summary);
	return xen_feed(&feed, NULL, error);
}

static int draw(struct look *look, struct error *error)
{
	int result;

	xen_plot_init(&look->plot, look->kind, look->input.clock.hz);
	look->step = LOOK_MEASURE;
	result = walk(look, error);
	if (!result && !look->plot.points) {
		error_set(error, -ENODATA, "%s: nothing of the kind '%s' in it", look->input.name,
			xen_scatter_looks[look->kind].name);
		return error_hint(error, "xentrace -e all records every class of events");
	}
	if (!result && xen_plot_begin(&look->plot, look->summary.first_tsc, look->summary.last_tsc) < 0)
		result = error_set(error, -ENOMEM, "out of memory");
	if (!result)
		result = xen_reader_rewind(look->input.reader, error);
	look->step = LOOK_DRAW;
	if (!result)
		result = walk(look, error);
	return result ? result : xen_plot_write(&look->plot, look->options->svg, error);
}

static int parse_kind(struct look *look, int *argc, char ***argv, struct error *error)
{
	struct suggestion suggestion;

	if (!*argc) {
		error_set(error, -EINVAL, "no kind named");
		return error_hint(error, "hypertrace xen scatter --help lists the kinds");
	}
	look->kind = xen_scatter_kind_of(**argv);
	if (look->kind == XEN_SCATTER_KINDS) {
		suggestion = suggestion_for(**argv, strlen(**argv));
		for (int i = 0; i < XEN_SCATTER_KINDS; i++)
			suggestion_consider(&suggestion, xen_scatter_looks[i].name);
		error_set(error, -EINVAL, "unknown kind '%s'", **argv);
		if (suggestion.best)
			error_hint(error, "did you mean '%s'? --help lists them", suggestion.best);
		return error_hint(error, "hypertrace xen scatter --help lists the kinds");
	}
	(*argc)--;
	(*argv)++;
	return 0;
}

static int scatter_run(const struct command *self, int argc, char **argv)
{
	struct scatter_options options = {.number = UINT64_MAX, .domain = UINT64_MAX};
	struct look look = {.options = &options};
	struct error error = {0};
	const char *path;
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	if (!result)
		result = parse_kind(&look, &argc, &argv, &error);
	if (!result)
		result = xen_input_operand(argc, argv, &path, &error);
	if (result < 0)
		return show_error(&error, false, 2);
	result = xen_input_open(&look.input, path, options.cpu_hz, &error);
	if (!result && options.svg) {
		result = draw(&look, &error);
	} else if (!result) {
		xen_scatter_header(look.kind, stdout);
		result = walk(&look, &error);
	}
	if (!result) {
		xen_input_say_clock(&look.input);
		result = xen_input_account(&look.input, &error);
	}
	xen_plot_deinit(&look.plot);
	xen_summary_deinit(&look.summary);
	xen_input_close(&look.input);
	return result ? show_error(&error, false, 1) : 0;
}

static const char *kind_at(size_t index)
{
	return index < XEN_SCATTER_KINDS ? xen_scatter_looks[index].name : NULL;
}

const struct command cmd_xen_scatter = {
	.name = "xen scatter",
	.summary = "Print or draw single happenings of a Xen trace over time",
	.synopsis = "[OPTION]... KIND [FILE]",
	.description =
		"Prints a row for each happening of that kind, tab-separated under a header, in the order of time; or "
		"draws them. Without FILE, reads standard input.\n\n"
		"  pcpu           a vCPU begins to run, and where; drawn: where each vCPU ran\n"
		"  runstate       changes of runstates; drawn: the runstates of each vCPU\n"
		"  runstate-time  how long a runstate was that ends\n"
		"  wake-to-halt   from an interrupt that was injected, to the next time the vCPU blocks\n"
		"  vmexit         exits: reason, rip, duration\n"
		"  interrupt      exits for an external interrupt: vector, rip, duration\n"
		"  io             exits for a port: port, duration\n"
		"  cr3-switch     page tables that are switched to\n"
		"  rdtsc          what guests were told for rdtsc\n"
		"  irq            IRQs of the host: pCPU, duration\n"
		"  unpin          page tables that shadow paging let go\n"
		"  promote        pages that became page tables of shadow paging\n"
		"  hypercall      hypercalls of PV guests",
	.examples = "  # where did the vCPUs run?\n"
		    "  hypertrace xen scatter pcpu xen.trace --svg where.svg\n"
		    "  # how long did vCPUs wait for a pCPU (state 1)?\n"
		    "  hypertrace xen scatter runstate-time xen.trace --number 1\n"
		    "  # what did accesses to port 0x60 cost?\n"
		    "  hypertrace xen scatter io xen.trace --number 96",
	.options = scatter_specs,
	.operand = kind_at,
	.run = scatter_run,
};
