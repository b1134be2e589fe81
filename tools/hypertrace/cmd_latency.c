/* SPDX-License-Identifier: MIT */
/* The verb latency: how long guests' tasks wait to run after their waking, and whose part of it is what. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/joint_text.h"
#include "tools/hypertrace/latency_view.h"

#define TOP_DEFAULT       10
#define TIMELINES_DEFAULT 1

struct latency_options {
	struct joint_part part;
	uint64_t top, timelines;
	unsigned sort; /* from 1 */
	bool json;
};

static const struct option_spec latency_specs[] = {
	JOINT_PART_SPECS(struct latency_options),
	{'s', "sort", "total|guest|hypervisor|host", OPTION_CHOICE, offsetof(struct latency_options, sort),
		"which part makes a wake-up one of the worst; default total"},
	{0, "timelines", "N", OPTION_UNSIGNED, offsetof(struct latency_options, timelines),
		"show the events of guest and host around so many of the worst; default 1"},
	{'n', "top", "N", OPTION_UNSIGNED, offsetof(struct latency_options, top),
		"rows of each table, 0 for all; default 10, with --json all"},
	{0, "json", NULL, OPTION_FLAG, offsetof(struct latency_options, json),
		"print one JSON document, every time and duration in nanoseconds"},
	{0},
};

static void take_interval(void *context, const struct vcpu_interval *interval)
{
	struct latency_view *view = context;

	if (view->feed.joint->vcpus[interval->vcpu].guest != JOINT_NONE)
		joint_latency_interval(&view->latency, interval);
}

static void take_guest(void *context, const struct joint_guest_event *event)
{
	struct latency_view *view = context;
	const struct joint_feed *feed = &view->feed;
	struct joint_guest_event wanted = *event;

	if (!joint_feed_wants_guest(feed, event))
		return;
	/* who wakes a task may be anywhere; it is wanted where it comes to run */
	wanted.in_range &= filter_ranges_match(&feed->filter.cpus, event->cpu);
	joint_latency_event(&view->latency, feed->joint, &wanted);
}

static int show_timelines(const struct latency_view *view, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < view->latency.nr_worst && i < view->timelines && !result; i++) {
		const struct joint_wakeup *one = &view->latency.worst[i];

		text_put_title(stdout, isatty(STDOUT_FILENO), "Timeline", "of the wake-up at %s, %s",
			joint_feed_when(&view->feed, one->woken_ns).text,
			human_ns(one->run_ns - one->woken_ns).text);
		result = latency_timeline(view, one, error);
	}
	return result;
}

/* *shown: the result is out; what is damaged is said after it. */
static int look(struct latency_view *view, int argc, char **argv, const struct latency_options *options,
	bool *shown, struct error *error)
{
	const struct joint_listener listener = {view, take_interval, NULL, take_guest};
	int result = joint_feed_open(&view->feed, argc, argv, &options->part, &listener, error);

	if (result)
		return result;
	if (joint_latency_init(&view->latency, view->feed.trace->nr_machines) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	view->latency.sort = options->sort > 1 ? (int)options->sort - 2 : -1;
	result = joint_feed_run(&view->feed, error);
	if (result)
		return result;
	if (options->json && latency_json(view, stdout) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	if (!options->json) {
		latency_text(view, stdout, isatty(STDOUT_FILENO));
		result = show_timelines(view, error);
	}
	*shown = true;
	return result ? result : trace_damage_error(&view->feed.damage, error);
}

static int latency_run(const struct command *self, int argc, char **argv)
{
	struct latency_options options = {.top = UINT64_MAX, .timelines = TIMELINES_DEFAULT};
	struct latency_view view = {0};
	struct error error = {0};
	bool shown = false;
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	if (result < 0 || joint_feed_parse(&view.feed, &options.part, &error))
		return show_error(&error, options.json, 2);
	view.top = options.top == UINT64_MAX ? options.json ? 0 : TOP_DEFAULT : options.top;
	view.timelines = options.timelines;
	result = look(&view, argc, argv, &options, &shown, &error);
	joint_latency_deinit(&view.latency);
	joint_feed_deinit(&view.feed);
	if (result && shown && options.json)
		return 1; /* the document says what is damaged */
	return result ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_latency = {
	.name = "latency",
	.summary = "Split the wake-up latency of guests' tasks into guest, hypervisor and host",
	.synopsis = "[OPTION]... [TRACE]...",
	.description =
		"Reads a trace that was recorded with its host, without TRACE hypertrace.data, and says how long tasks of its "
		"guests waited from their waking until they ran, and whose part of it was what: the guest's scheduler, while the "
		"vCPU that the task came to run on ran guest code; the hypervisor, while that was in an exit, in its VMM, or halted "
		"and being woken; the host, while its thread could run and had no pCPU. The parts' sum is the latency.\n\n"
		"Of the worst it shows the events of guest and host around them, one under the other.\n\n"
		"In a trace without a host machine only the whole is known. No wake-up is measured across a gap of lost events. "
		"Percentiles are within 3.2 % of the true value; those of a part are over all wake-ups, also where the part is 0.",
	.examples = "  # is it my guest, or the host?\n"
		    "  hypertrace record --qmp /run/vm1.qmp --host exits=aggregated -e sched -o t\n"
		    "  hypertrace latency t\n"
		    "  # the three that the host delayed most, event by event\n"
		    "  hypertrace latency t --sort host --timelines 3\n"
		    "  # p99 of the host's part for a script\n"
		    "  hypertrace latency t --json | jq '.guests[].parts.host.p99_ns'",
	.options = latency_specs,
	.run = latency_run,
};
