/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/graph_host.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/analysis/joint.h"
#include "tools/hypertrace/machine_feed.h"
#include "tools/hypertrace/progress.h"

#define PROGRESS_EVENTS (1u << 20)

struct host_look {
	struct graph_feed *feed;
	struct joint *joint;
};

static void take_interval(void *context, const struct vcpu_interval *interval)
{
	const struct host_look *look = context;
	const struct joint_vcpu *vcpu = &look->joint->vcpus[interval->vcpu];

	if (vcpu->guest != JOINT_NONE && look->feed->machines[vcpu->guest].stolen)
		stolen_time_add(look->feed->machines[vcpu->guest].stolen, vcpu->number, interval);
}

static int make_joint(struct host_look *look, struct joint_machine *machines, struct error *error)
{
	const struct trace *trace = look->feed->trace;
	const struct joint_options options = {
		.machines = machines,
		.nr_machines = trace->nr_machines,
		.lost_type = stream_reader_lost_type(),
		.begin_ns = look->feed->start_ns > 0 ? (uint64_t)look->feed->start_ns : 1,
		.to_ns = UINT64_MAX,
		.listener = {look, take_interval, NULL, NULL},
	};

	for (uint32_t i = 0; i < trace->nr_machines; i++)
		machines[i] = (struct joint_machine){.schema = trace->machines[i].schema,
			.info = trace->machines[i].info,
			.trace = trace->machines[i].trace_info,
			.nr_cpus = machine_feed_cpus(trace, i)};
	return joint_create(&options, &look->joint) < 0 ? error_set(error, -ENOMEM, "out of memory") : 0;
}

/* The hosts' events alone: what guests' tell is not needed here. */
static int read_hosts(struct host_look *look, struct error *error)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	struct trace_reader *reader;
	struct trace_event event;
	uint64_t done = 0;
	int result;

	options.to_ns = look->feed->to_ns;
	result = trace_reader_create(look->feed->trace, &options, &reader, error);
	if (result < 0)
		return result;
	while (trace_reader_next(reader, &event)) {
		int64_t now_ns;

		if (++done % PROGRESS_EVENTS == 0)
			show_progress_part("reading the host", done, 0);
		if (!joint_is_host(look->joint, event.machine))
			continue;
		now_ns = trace_reader_unix_ns(reader, &event);
		if (now_ns > 0)
			joint_add(look->joint, event.machine, event.type, event.payload, event.cpu, event.pid,
				(uint64_t)now_ns);
	}
	show_progress_part(NULL, 0, 0);
	joint_finish(look->joint);
	trace_reader_destroy(reader);
	return 0;
}

static int make_stolen(struct graph_machine *machine, uint32_t nr_cpus, struct error *error)
{
	machine->stolen = calloc(1, sizeof(*machine->stolen));
	if (!machine->stolen || stolen_time_init(machine->stolen, nr_cpus) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	return 0;
}

void graph_host_forget(struct graph_machine *machine)
{
	if (machine->stolen)
		stolen_time_deinit(machine->stolen);
	free(machine->stolen);
	machine->stolen = NULL;
}

int graph_host_look(struct graph_feed *feed, struct error *error)
{
	struct joint_machine *machines = calloc(feed->nr_machines, sizeof(*machines));
	struct host_look look = {.feed = feed};
	int result =
		machines ? make_joint(&look, machines, error) : error_set(error, -ENOMEM, "out of memory");

	for (uint32_t i = 0; i < feed->nr_machines && !result; i++)
		if (feed->machines[i].wanted && joint_is_hosted(look.joint, i))
			result = make_stolen(&feed->machines[i], machines[i].nr_cpus, error);
	if (!result && look.joint->nr_hosts && look.joint->nr_guests)
		result = read_hosts(&look, error);
	for (uint32_t i = 0; i < feed->nr_machines; i++) {
		struct graph_machine *machine = &feed->machines[i];

		if (machine->stolen && (!machine->stolen->any || machine->stolen->full))
			graph_host_forget(machine);
	}
	joint_destroy(look.joint);
	free(machines);
	return result;
}
