/* SPDX-License-Identifier: MIT */
/* Clocks and the order they make, for people. */
#include <inttypes.h>

#include "tools/hypertrace/clocks_view.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/joint_text.h"
#include "tools/hypertrace/table.h"

#define NAME_WIDTH 32

static void show_machines(const struct clocks_view *view, FILE *out, bool colour)
{
	static const char *const headers[] = {
		"<machine", "<clock", "rate", "points", "over", "epochs", "error", "rate changed by", NULL};
	cleanup_table struct table table = {0};

	table_init(&table, headers);
	for (uint32_t i = 0; i < view->feed.trace->nr_machines; i++) {
		const struct trace_machine *machine = &view->feed.trace->machines[i];
		struct clock_facts facts = clocks_view_facts(view, i);

		table_foreign(&table, machine->name, NAME_WIDTH);
		table_cell(&table, "%s", facts.source);
		table_cell(&table, "%.6f MHz", facts.hz / 1e6);
		table_count(&table, machine->info->nr_points);
		table_ns(&table, facts.span_ns);
		table_count(&table, machine->clock.count);
		if (facts.least_ns == facts.largest_ns)
			table_cell(&table, "%s", human_ns(facts.largest_ns).text);
		else
			table_cell(&table, "%s to %s", human_ns(facts.least_ns).text,
				human_ns(facts.largest_ns).text);
		table_cell(&table, "%.3f ppm", facts.drift_ppm);
	}
	fprintf(out, "%sClocks%s\n", colour ? "\033[1m" : "", colour ? "\033[0m" : "");
	table_print(&table, out, colour);
}

static void show_pairs(const struct clocks_view *view, FILE *out, bool colour)
{
	static const char *const headers[] = {
		"<guest", "pairs", "violations", "smallest gap", "median", "p99", "largest", NULL};
	cleanup_table struct table table = {0};
	struct clock_order_sum sum;

	table_init(&table, headers);
	for (uint32_t i = 0; i < view->feed.trace->nr_machines; i++) {
		clocks_view_sum(view, i, &sum);
		if (!sum.pairs)
			continue;
		table_foreign(&table, view->feed.trace->machines[i].name, NAME_WIDTH);
		table_count(&table, sum.pairs);
		table_cell(&table, "%s", human_count(sum.late_pairs).text);
		table_ns(&table, sum.gaps.min);
		table_ns(&table, histogram_percentile(&sum.gaps, 50));
		table_ns(&table, histogram_percentile(&sum.gaps, 99));
		table_ns(&table, sum.gaps.max);
	}
	clocks_view_sum(view, JOINT_NONE, &sum);
	if (sum.pairs) {
		text_put_title(out, colour, "Causal pairs",
			"hypercalls that carry the guest's TSC, and their exits");
		table_print(&table, out, colour);
	} else {
		text_put_title(out, colour, "Causal pairs",
			"none: no hypercall that carries the guest's TSC was recorded");
	}
	if (view->strangers)
		fprintf(out, "  %s more of guests that are not in the trace\n",
			human_count(view->strangers).text);
}

static void show_events(const struct clocks_view *view, FILE *out, bool colour)
{
	static const char *const headers[] = {
		"<guest", "events", "violations", "deepest", "not checked", NULL};
	cleanup_table struct table table = {0};
	struct clock_order_sum sum;

	table_init(&table, headers);
	for (uint32_t i = 0; i < view->feed.trace->nr_machines; i++) {
		clocks_view_sum(view, i, &sum);
		if (!sum.events)
			continue;
		table_foreign(&table, view->feed.trace->machines[i].name, NAME_WIDTH);
		table_count(&table, sum.events);
		table_cell(&table, "%s", human_count(sum.early_events).text);
		table_ns(&table, sum.deepest_ns);
		table_count(&table, sum.unchecked);
	}
	clocks_view_sum(view, JOINT_NONE, &sum);
	if (sum.events) {
		text_put_title(
			out, colour, "Events of guests", "that stand where their vCPU ran no guest code");
		table_print(&table, out, colour);
	}
}

static void show_violations(const struct clocks_view *view, FILE *out, bool colour)
{
	static const char *const headers[] = {"at", "<vCPU", "<", "by", NULL};
	const struct clock_order *order = &view->order;
	cleanup_table struct table table = {0};
	size_t shown = order->nr_kept < 20 ? order->nr_kept : 20;

	table_init(&table, headers);
	for (size_t i = 0; i < shown; i++) {
		const struct clock_violation *one = &order->kept[i];

		table_cell(&table, "%s", joint_feed_when(&view->feed, one->at_ns).text);
		table_foreign(&table, joint_feed_vcpu(&view->feed, one->vcpu).text, NAME_WIDTH);
		if (one->pair)
			table_cell(&table, "hypercall %" PRIu64 " after its exit", one->nr);
		else
			table_cell(&table, "event while %s", vcpu_state_name(one->state));
		table_ns(&table, one->off_ns);
	}
	if (!shown)
		return;
	text_put_title(out, colour, "Violations", "%zu of %s, the worst first", shown,
		human_count(order->violations).text);
	table_print(&table, out, colour);
}

void clocks_text(const struct clocks_view *view, FILE *out, bool colour)
{
	const struct joint *joint = view->feed.joint;
	struct clock_order_sum sum;

	show_machines(view, out, colour);
	if (!joint->nr_hosts) {
		fputs("\nThe trace has no host machine: there is nothing to prove the order with\n", out);
		return;
	}
	show_pairs(view, out, colour);
	show_events(view, out, colour);
	show_violations(view, out, colour);
	clocks_view_sum(view, JOINT_NONE, &sum);
	fprintf(out, "\n%s%s violations%s in %s checks\n",
		!colour                          ? ""
			: view->order.violations ? "\033[1;31m"
						 : "\033[1m",
		human_count(view->order.violations).text, colour ? "\033[0m" : "",
		human_count(sum.pairs + sum.events).text);
}
