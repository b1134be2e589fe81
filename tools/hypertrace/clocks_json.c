/* SPDX-License-Identifier: MIT */
/* Clocks and the order they make, as JSON: times in ns, `at_ns` since the trace's start. */
#include "tools/hypertrace/clocks_view.h"
#include "tools/hypertrace/joint_json.h"

static json_t *machine_json(const struct clocks_view *view, uint32_t number)
{
	const struct trace_machine *machine = &view->feed.trace->machines[number];
	struct clock_facts facts = clocks_view_facts(view, number);
	struct clock_order_sum sum;
	json_t *row = json_object(), *pairs = json_object(), *events = json_object();

	clocks_view_sum(view, number, &sum);
	json_set_text(row, "name", machine->name);
	json_set_text(row, "source", facts.source);
	json_object_set_new(row, "hz", json_real(facts.hz));
	json_set_count(row, "points", machine->info->nr_points);
	json_set_count(row, "span_ns", facts.span_ns);
	json_set_count(row, "epochs", machine->clock.count);
	json_set_count(row, "least_error_ns", facts.least_ns);
	json_set_count(row, "largest_error_ns", facts.largest_ns);
	json_object_set_new(row, "drift_ppm", json_real(facts.drift_ppm));
	json_set_count(pairs, "count", sum.pairs);
	json_set_count(pairs, "violations", sum.late_pairs);
	json_object_set_new(pairs, "gaps", joint_json_histogram(&sum.gaps));
	json_object_set_new(row, "pairs", pairs);
	json_set_count(events, "count", sum.events);
	json_set_count(events, "violations", sum.early_events);
	json_set_count(events, "deepest_ns", sum.deepest_ns);
	json_set_count(events, "not_checked", sum.unchecked);
	json_object_set_new(row, "events", events);
	return row;
}

static json_t *violation_json(const struct clocks_view *view, const struct clock_violation *one)
{
	json_t *row = joint_json_vcpu(&view->feed, one->vcpu);

	json_set_count(row, "at_ns", joint_json_since(&view->feed, one->at_ns));
	json_set_count(row, "off_ns", one->off_ns);
	json_set_text(row, "kind", one->pair ? "pair" : "event");
	if (one->pair)
		json_set_count(row, "nr", one->nr);
	else
		json_set_text(row, "while", vcpu_state_name(one->state));
	return row;
}

int clocks_json(const struct clocks_view *view, FILE *out)
{
	json_t *root = joint_json_head(&view->feed), *machines = json_array(), *kept = json_array();

	for (uint32_t i = 0; i < view->feed.trace->nr_machines; i++)
		json_array_append_new(machines, machine_json(view, i));
	for (size_t i = 0; i < view->order.nr_kept; i++)
		json_array_append_new(kept, violation_json(view, &view->order.kept[i]));
	json_object_set_new(root, "clocks", machines);
	json_set_count(root, "violations", view->order.violations);
	json_object_set_new(root, "worst", kept);
	json_set_count(root, "pairs_of_other_guests", view->strangers);
	return json_write(root, 0, out);
}
