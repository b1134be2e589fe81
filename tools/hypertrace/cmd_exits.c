/* SPDX-License-Identifier: MIT */
/* The verb exits: why vCPUs left their guests, how often, and how long it took. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/exits_view.h"

#define TOP_DEFAULT 10

struct exits_options {
	struct joint_part part;
	uint64_t top;
	unsigned sort; /* from 1 */
	bool json;
};

static const struct option_spec exits_specs[] = {
	JOINT_PART_SPECS(struct exits_options),
	{'s', "sort", "total|count|max", OPTION_CHOICE, offsetof(struct exits_options, sort),
		"what the rows are sorted by; default total"},
	{'n', "top", "N", OPTION_UNSIGNED, offsetof(struct exits_options, top),
		"rows of each table, 0 for all; default 10, with --json all"},
	{0, "json", NULL, OPTION_FLAG, offsetof(struct exits_options, json),
		"print one JSON document, every time and duration in nanoseconds"},
	{0},
};

static void take_interval(void *context, const struct vcpu_interval *interval)
{
	struct exits_view *view = context;

	joint_exits_interval(&view->exits, view->feed.joint, interval);
}

static void take_host(void *context, uint32_t vcpu, const struct vcpu_event *event, uint64_t now_ns)
{
	struct exits_view *view = context;

	joint_exits_event(&view->exits, view->feed.joint, vcpu, event, now_ns);
}

/* *shown: the result is out; what is damaged is said after it. */
static int look(struct exits_view *view, int argc, char **argv, const struct exits_options *options,
	bool *shown, struct error *error)
{
	const struct joint_listener listener = {view, take_interval, take_host, NULL};
	int result = joint_feed_open(&view->feed, argc, argv, &options->part, &listener, error);

	if (!result)
		result = joint_feed_need_host(&view->feed, "exits", error);
	if (result)
		return result;
	if (joint_exits_init(&view->exits, view->feed.trace->nr_machines) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	view->exits.tasks_only = joint_feed_chooses_tasks(&view->feed);
	result = joint_feed_run(&view->feed, error);
	if (result)
		return result;
	if (options->json && exits_json(view, stdout) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	if (!options->json)
		exits_text(view, stdout, isatty(STDOUT_FILENO));
	*shown = true;
	return trace_damage_error(&view->feed.damage, error);
}

static int exits_run(const struct command *self, int argc, char **argv)
{
	struct exits_options options = {.top = UINT64_MAX};
	struct exits_view view = {0};
	struct error error = {0};
	bool shown = false;
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	if (result < 0 || joint_feed_parse(&view.feed, &options.part, &error))
		return show_error(&error, options.json, 2);
	view.top = options.top == UINT64_MAX ? options.json ? 0 : TOP_DEFAULT : options.top;
	view.sort = options.sort ? (enum exits_sort)(options.sort - 1) : EXITS_BY_TOTAL;
	result = look(&view, argc, argv, &options, &shown, &error);
	joint_exits_deinit(&view.exits);
	joint_feed_deinit(&view.feed);
	if (result && shown && options.json)
		return 1; /* the document says what is damaged */
	return result ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_exits = {
	.name = "exits",
	.summary = "Say why vCPUs left their guests, how often and for how long",
	.synopsis = "[OPTION]... [TRACE]...",
	.description =
		"Reads a trace that was recorded with its host, without TRACE hypertrace.data, and sums up the VM exits: by "
		"reason, vCPU, task of the guest that ran there, function of the guest that they happened in, and hypercall "
		"number.\n\n"
		"An exit lasts until the guest goes on, so the total of hlt is the time that the guest had nothing to do; \"on "
		"pCPU\" is the part of it in which the vCPU's thread had a pCPU, which is what the exits cost the host. "
		"Percentiles are within 3.2 % of the true value; count, total, min and max are exact. Reasons have the names of "
		"the kernel's kvm_exit tracepoint.\n\n"
		"A trace recorded with --host exits=histogram gives the same table of reasons; its percentiles are within a "
		"factor of 1.5, and it knows neither tasks nor places in the guest.",
	.examples = "  # what does the guest leave its CPU for?\n"
		    "  hypertrace record --host exits=aggregated -o t\n"
		    "  hypertrace exits t\n"
		    "  # those that one program of the guest makes\n"
		    "  hypertrace exits t -f comm==postgres\n"
		    "  # p99 of each reason for a script\n"
		    "  hypertrace exits t --json | jq '.reasons[] | [.reason, .p99_ns]'",
	.options = exits_specs,
	.run = exits_run,
};
