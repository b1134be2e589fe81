/* SPDX-License-Identifier: MIT */
/* The verb vcpu: what each vCPU did at any time, and who kept it from its pCPU. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/vcpu_view.h"

#define TOP_DEFAULT 10

struct vcpu_options {
	struct joint_part part;
	const char *svg;
	uint64_t top;
	bool json;
};

static const struct option_spec vcpu_specs[] = {
	JOINT_PART_SPECS(struct vcpu_options),
	{'n', "top", "N", OPTION_UNSIGNED, offsetof(struct vcpu_options, top),
		"rows of each table, 0 for all; default 10, with --json all"},
	{0, "svg", "FILE", OPTION_STRING, offsetof(struct vcpu_options, svg),
		"draw the states over time, to look at in a browser"},
	{0, "json", NULL, OPTION_FLAG, offsetof(struct vcpu_options, json),
		"print one JSON document, every time and duration in nanoseconds"},
	{0},
};

static void take_interval(void *context, const struct vcpu_interval *interval)
{
	struct vcpu_view *view = context;
	const struct joint_vcpu *vcpu = &view->feed.joint->vcpus[interval->vcpu];

	if (!vcpu->wanted)
		return;
	joint_states_add(&view->states, vcpu->host, interval);
	joint_tasks_interval(&view->tasks, interval);
	if (view->strips)
		vcpu_strips_add(view->strips, interval);
}

static void take_host(void *context, uint32_t vcpu, const struct vcpu_event *event, uint64_t now_ns)
{
	struct vcpu_view *view = context;

	(void)now_ns;
	if (!view->feed.joint->vcpus[vcpu].wanted)
		return;
	if (event->kind == VCPU_EVENT_EXIT || event->kind == VCPU_EVENT_HYPERCALL)
		joint_states_exits(&view->states, vcpu, 1);
	else if (event->kind == VCPU_EVENT_HISTOGRAM)
		joint_states_exits(&view->states, vcpu, event->count);
}

static void take_guest(void *context, const struct joint_guest_event *event)
{
	struct vcpu_view *view = context;

	joint_tasks_event(&view->tasks, view->feed.joint, event);
}

static int show(struct vcpu_view *view, const struct vcpu_options *options, struct error *error)
{
	int result = options->svg ? vcpu_svg(view, options->svg, error) : 0;

	if (result < 0)
		return result;
	if (options->json)
		result = vcpu_json(view, stdout);
	else
		vcpu_text(view, stdout, isatty(STDOUT_FILENO));
	return result < 0 ? error_set(error, result, "out of memory") : 0;
}

/* *shown: the result is out; what is damaged is said after it. */
static int look(struct vcpu_view *view, int argc, char **argv, const struct vcpu_options *options,
	bool *shown, struct error *error)
{
	const struct joint_listener listener = {view, take_interval, take_host, take_guest};
	int result = joint_feed_open(&view->feed, argc, argv, &options->part, &listener, error);

	if (!result)
		result = joint_feed_need_host(&view->feed, "vcpu", error);
	if (result)
		return result;
	if (options->svg)
		view->strips = vcpu_strips_create();
	if (joint_states_init(&view->states) < 0 || (options->svg && !view->strips))
		return error_set(error, -ENOMEM, "out of memory");
	result = joint_feed_run(&view->feed, error);
	if (!result)
		result = show(view, options, error);
	*shown = !result;
	return result ? result : trace_damage_error(&view->feed.damage, error);
}

static int vcpu_run(const struct command *self, int argc, char **argv)
{
	struct vcpu_options options = {.top = UINT64_MAX};
	struct vcpu_view view = {0};
	struct error error = {0};
	bool shown = false;
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	if (result < 0 || joint_feed_parse(&view.feed, &options.part, &error))
		return show_error(&error, options.json, 2);
	view.top = options.top == UINT64_MAX ? options.json ? 0 : TOP_DEFAULT : options.top;
	result = look(&view, argc, argv, &options, &shown, &error);
	vcpu_strips_destroy(view.strips);
	joint_tasks_deinit(&view.tasks);
	joint_states_deinit(&view.states);
	joint_feed_deinit(&view.feed);
	if (result && shown && options.json)
		return 1; /* the document says what is damaged */
	return result ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_vcpu = {
	.name = "vcpu",
	.summary = "Say what guests' vCPUs did: guest code, exits, halted, preempted by whom",
	.synopsis = "[OPTION]... [TRACE]...",
	.description =
		"Reads a trace that was recorded with its host, without TRACE hypertrace.data, and says for each vCPU "
		"what share of the time it ran guest code, was in an exit, was handled by the VMM's user space, was halted, "
		"or could have run and had no pCPU; the longest times without one, with the task of the host that had it; "
		"migrations between pCPUs with what they cost; and of the guests in the trace, for each task, how much of the "
		"time that its kernel gave it the task really ran.\n\n"
		"  guest      guest code runs\n"
		"  in exits   the host's kernel handles an exit, on the vCPU's pCPU\n"
		"  VMM        the VMM's user space handles an exit\n"
		"  halted     the guest has nothing to do there\n"
		"  blocked    the thread sleeps in the host for another reason, or one that no exit tells\n"
		"  preempted  it could go on, and another task got its pCPU\n"
		"  waiting    it was woken, and waits for a pCPU\n"
		"  on a pCPU  in the guest or in an exit: which is not known\n\n"
		"Stolen is preempted and waiting together: what the guest counts as steal.\n\n"
		"Nothing is made up: before a vCPU's first event, and where events were lost, its state is not known.",
	.examples = "  # who takes my guest's CPU time?\n"
		    "  hypertrace record --host exits=aggregated -o t\n"
		    "  hypertrace vcpu t\n"
		    "  # one second of it, drawn\n"
		    "  hypertrace vcpu t --time 3-4 --svg vcpu.svg\n"
		    "  # stolen time of each vCPU for a script\n"
		    "  hypertrace vcpu t --json | jq '.vcpus[] | [.vm, .vcpu, .stolen_ns]'",
	.options = vcpu_specs,
	.run = vcpu_run,
};
