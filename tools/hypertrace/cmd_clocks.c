/* SPDX-License-Identifier: MIT */
/* The verb clocks: how well the clocks of a trace's machines are known, and whether the order that they make is true. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HT_HYPERCALL_NUMBERS_ONLY
#include "abi/hypercall.h"
#include "lib/base/text.h"
#include "tools/hypertrace/clocks_view.h"
#include "tools/hypertrace/commands.h"

struct clocks_options {
	struct joint_part part;
	struct string_list pairs;
	bool json;
};

static const struct option_spec clocks_specs[] = {
	JOINT_PART_SPECS(struct clocks_options),
	{'p', "pair", "NR:aN", OPTION_LIST, offsetof(struct clocks_options, pairs),
		"hypercalls of that number carry the guest's TSC in that argument, a0 to a3; ours are known"},
	{0, "json", NULL, OPTION_FLAG, offsetof(struct clocks_options, json),
		"print one JSON document, every time and duration in nanoseconds"},
	{0},
};

/* Those of abi/hypercall.h that carry a TSC. */
static const struct clock_pair_rule our_rules[] = {
	{HT_HYPERCALL_STAGE, 3, true}, {HT_HYPERCALL_HELLO, 3, true}, {HT_HYPERCALL_FLUSH, 3, true}};

/* "1000:a1", "0x3e8:a1" */
static int parse_rule(struct clock_pair_rule *rule, const char *text, struct error *error)
{
	char *end;

	errno = 0;
	rule->nr = strtoull(text, &end, 0);
	if (errno || end == text || end[0] != ':' || end[1] != 'a' || end[2] < '0' || end[2] > '3' ||
		end[3]) {
		error_set(error, -EINVAL, "--pair %s: no number and argument of a hypercall", text);
		return error_hint(error, "such as 1000:a1");
	}
	rule->argument = (unsigned)(end[2] - '0');
	return 0;
}

static int parse_rules(struct clocks_view *view, const struct string_list *given, struct error *error)
{
	int result = 0;

	for (size_t i = 0; i < sizeof(our_rules) / sizeof(our_rules[0]); i++)
		view->rules[view->nr_rules++] = our_rules[i];
	for (size_t i = 0; i < given->count && !result; i++)
		result = parse_rule(&view->rules[view->nr_rules++], given->items[i], error);
	return result;
}

/* --- feeding --- */

static uint64_t error_of(void *context, uint32_t number, uint64_t at_ns)
{
	const struct clocks_view *view = context;
	const struct trace_machine *guest =
		&view->feed.trace->machines[view->feed.joint->vcpus[number].guest];
	int64_t host_ns = (int64_t)(at_ns - (uint64_t)guest->realtime_offset_ns);

	return clock_map_error_ns(&guest->clock, clock_map_to_tsc(&guest->clock, host_ns));
}

static void take_interval(void *context, const struct vcpu_interval *interval)
{
	struct clocks_view *view = context;

	if (view->feed.joint->vcpus[interval->vcpu].guest != JOINT_NONE)
		clock_order_interval(&view->order, interval);
}

static const struct clock_pair_rule *find_rule(const struct clocks_view *view, uint64_t nr)
{
	for (size_t i = view->nr_rules; i--;)
		if (view->rules[i].nr == nr)
			return &view->rules[i];
	return NULL;
}

static void take_host(void *context, uint32_t number, const struct vcpu_event *event, uint64_t now_ns)
{
	struct clocks_view *view = context;
	const struct joint_vcpu *vcpu = &view->feed.joint->vcpus[number];
	const struct clock_pair_rule *rule;
	int64_t guest_ns;

	if (event->kind != VCPU_EVENT_HYPERCALL || event->flags & VCPU_EXIT_HEADLESS || !vcpu->wanted)
		return;
	rule = find_rule(view, event->nr);
	if (!rule || (rule->kernel_only && event->flags & VCPU_EXIT_GUEST_USER))
		return;
	if (vcpu->guest == JOINT_NONE) {
		view->strangers++;
		return;
	}
	guest_ns =
		trace_machine_unix_ns(&view->feed.trace->machines[vcpu->guest], event->args[rule->argument]);
	clock_order_pair(&view->order, number, event->nr, guest_ns > 0 ? (uint64_t)guest_ns : 0,
		now_ns - (event->duration_ns < now_ns ? event->duration_ns : now_ns));
}

static void take_guest(void *context, const struct joint_guest_event *event)
{
	struct clocks_view *view = context;

	if (event->vcpu != JOINT_NONE && event->in_range && event->layout->kind != KERNEL_EVENT_LOST &&
		view->feed.joint->vcpus[event->vcpu].wanted)
		clock_order_event(&view->order, event->vcpu, event->now_ns);
}

/* --- the verb --- */

/* *shown: the result is out; what is damaged is said after it. */
static int look(struct clocks_view *view, int argc, char **argv, const struct clocks_options *options,
	bool *shown, struct error *error)
{
	const struct joint_listener listener = {view, take_interval, take_host, take_guest};
	int result = joint_feed_open(&view->feed, argc, argv, &options->part, &listener, error);

	view->order.error_ns = error_of;
	view->order.context = view;
	if (!result && view->feed.joint->nr_hosts)
		result = joint_feed_run(&view->feed, error);
	if (result)
		return result;
	if (options->json && clocks_json(view, stdout) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	if (!options->json)
		clocks_text(view, stdout, isatty(STDOUT_FILENO));
	*shown = true;
	return trace_damage_error(&view->feed.damage, error);
}

static int clocks_run(const struct command *self, int argc, char **argv)
{
	struct clocks_options options = {0};
	struct clocks_view view = {0};
	struct error error = {0};
	bool shown = false;
	uint64_t violations;
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result == 1)
		return 0;
	if (result < 0 || joint_feed_parse(&view.feed, &options.part, &error) ||
		parse_rules(&view, &options.pairs, &error))
		return show_error(&error, options.json, 2);
	result = look(&view, argc, argv, &options, &shown, &error);
	violations = view.order.violations;
	clock_order_deinit(&view.order);
	joint_feed_deinit(&view.feed);
	if (result && shown && options.json)
		return 1; /* the document says what is damaged */
	return result ? show_error(&error, options.json, 1) : violations != 0;
}

const struct command cmd_clocks = {
	.name = "clocks",
	.summary = "Say how well a trace's clocks are known, and prove the order of its events",
	.synopsis = "[OPTION]... [TRACE]...",
	.description =
		"Says of each machine of a trace, without TRACE of hypertrace.data, where its clock comes from, its rate, how much "
		"that changed, and the error of times converted by it.\n\n"
		"With a host machine in the trace it proves that the order of events of guest and host is the true one, in two "
		"ways. Pairs: a hypercall whose argument is the guest's TSC, read before the call; converted, it must not be later "
		"than the exit that the call causes. The smallest gap says by how much a clock could be off without being seen. "
		"Events: a vCPU logs nothing while it is in an exit or its thread has no pCPU; an event of the guest that stands "
		"inside of such a time by more than the error of its clock is a violation.\n\n"
		"The exit status is 1 if there are violations.",
	.examples = "  # how far can the times of guest and host be compared?\n"
		    "  hypertrace clocks t\n"
		    "  # with hypercalls of one's own: number 1000, the TSC in its second argument\n"
		    "  hypertrace clocks t --pair 1000:a1\n"
		    "  # for a script\n"
		    "  hypertrace clocks t --json | jq '.violations'",
	.options = clocks_specs,
	.run = clocks_run,
};
