/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/joint_text.h"

#include <inttypes.h>
#include <string.h>

#include "tools/hypertrace/human.h"

uint64_t joint_text_lost(const struct joint_feed *feed, uint32_t machine)
{
	return trace_machine_info_lost(feed->trace->machines[machine].info);
}

/* How many VMs and vCPUs a machine has as a host. */
static void count_vcpus(const struct joint *joint, uint32_t host, uint32_t *vms, uint32_t *vcpus)
{
	*vms = *vcpus = 0;
	for (uint32_t i = 0; i < joint->nr_vcpus; i++) {
		bool first = joint->vcpus[i].host == host;

		*vcpus += first;
		for (uint32_t j = 0; j < i; j++)
			first &= joint->vcpus[j].host != host || joint->vcpus[j].vm != joint->vcpus[i].vm;
		*vms += first;
	}
}

static void head_machine(const struct joint_feed *feed, uint32_t number, FILE *out, bool colour)
{
	const struct trace_machine *machine = &feed->trace->machines[number];
	uint32_t vms, vcpus;

	fputs(colour ? "\033[1m" : "", out);
	text_put_foreign(out, machine->name);
	fputs(colour ? "\033[0m" : "", out);
	if (machine->info->release[0]) {
		fputs("  Linux ", out);
		text_put_foreign(out, machine->info->release);
	}
	if (joint_is_host(feed->joint, number)) {
		count_vcpus(feed->joint, number, &vms, &vcpus);
		fprintf(out, ", host of %u VM%s with %u vCPU%s", vms, vms == 1 ? "" : "s", vcpus,
			vcpus == 1 ? "" : "s");
	} else if (joint_is_hosted(feed->joint, number)) {
		fprintf(out, ", guest, clock within %s of its host's",
			human_ns(clock_map_largest_error_ns(&machine->clock)).text);
	} else {
		fputs(", of which no host of the trace says anything", out);
	}
	if (joint_text_lost(feed, number))
		fprintf(out, ", %s%s events lost%s", colour ? "\033[31m" : "",
			human_count(joint_text_lost(feed, number)).text, colour ? "\033[0m" : "");
	fputc('\n', out);
}

void joint_text_head(const struct joint_feed *feed, FILE *out, bool colour)
{
	const struct joint *joint = feed->joint;

	for (uint32_t i = 0; i < joint->nr_machines; i++)
		head_machine(feed, i, out, colour);
	fprintf(out, "  %s%s\n", human_ns(joint_end_ns(joint) - joint_start_ns(joint)).text,
		feed->from_ns == INT64_MIN && feed->to_ns == INT64_MAX ? "" : ", a part of the trace");
	if (joint_backwards(joint))
		fprintf(out, "  %s events of vCPUs were earlier than the one before: taken as of that time\n",
			human_count(joint_backwards(joint)).text);
	if (joint_odd(joint))
		fprintf(out,
			"  %s times a vCPU's thread cannot have been where an event finds it: not known there\n",
			human_count(joint_odd(joint)).text);
	if (joint->left_out)
		fprintf(out, "  more than %u vCPUs: %s events left out\n", VCPU_MODEL_VCPUS,
			human_count(joint->left_out).text);
}
