/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/joint_json.h"


#include "tools/hypertrace/joint_text.h"

static json_t *machine_json(const struct joint_feed *feed, uint32_t number)
{
	const struct trace_machine *machine = &feed->trace->machines[number];
	json_t *row = json_object();

	json_set_text(row, "name", machine->name);
	json_set_text(row, "role",
		joint_is_host(feed->joint, number)             ? "host"
			: joint_is_hosted(feed->joint, number) ? "guest"
							       : "alone");
	json_set_count(row, "layer", machine->info->layer);
	json_set_count(row, "lost", joint_text_lost(feed, number));
	json_set_count(row, "clock_error_ns", clock_map_largest_error_ns(&machine->clock));
	return row;
}

json_t *joint_json_head(const struct joint_feed *feed)
{
	json_t *root = json_object(), *machines = json_array();

	for (uint32_t i = 0; i < feed->joint->nr_machines; i++)
		json_array_append_new(machines, machine_json(feed, i));
	json_object_set_new(root, "machines", machines);
	json_set_count(root, "start_unix_ns", joint_start_ns(feed->joint));
	json_set_count(root, "duration_ns", joint_end_ns(feed->joint) - joint_start_ns(feed->joint));
	json_set_count(root, "backwards", joint_backwards(feed->joint));
	json_set_count(root, "contradictions", joint_odd(feed->joint));
	json_set_damage(root, &feed->damage);
	return root;
}

json_t *joint_json_vcpu(const struct joint_feed *feed, uint32_t number)
{
	const struct joint_vcpu *vcpu = &feed->joint->vcpus[number];
	json_t *row = json_object();

	json_set_text(row, "host", feed->trace->machines[vcpu->host].name);
	json_set_text(row, "vm", joint_feed_vm(feed, number).text);
	if (vcpu->guest != JOINT_NONE)
		json_set_text(row, "machine", feed->trace->machines[vcpu->guest].name);
	json_set_count(row, "vcpu", vcpu->number);
	json_set_count(row, "tid", vcpu->tid);
	return row;
}

json_t *joint_json_histogram(const struct histogram *histogram)
{
	json_t *row = json_object();

	json_set_count(row, "count", histogram->count);
	json_set_count(row, "total_ns", histogram->sum);
	json_set_count(row, "min_ns", histogram->min);
	json_set_count(row, "mean_ns", histogram->count ? histogram->sum / histogram->count : 0);
	json_set_count(row, "p50_ns", histogram_percentile(histogram, 50));
	json_set_count(row, "p90_ns", histogram_percentile(histogram, 90));
	json_set_count(row, "p99_ns", histogram_percentile(histogram, 99));
	json_set_count(row, "p999_ns", histogram_percentile(histogram, 99.9));
	json_set_count(row, "max_ns", histogram->max);
	return row;
}

uint64_t joint_json_since(const struct joint_feed *feed, uint64_t at_ns)
{
	return at_ns > feed->start_ns ? at_ns - feed->start_ns : 0;
}
