/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/joint_feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hypertrace/machine_feed.h"

static bool is_task_wanted(const void *context, uint32_t pid, const char *comm)
{
	struct filter tasks = *(const struct filter *)context;

	tasks.cpus.count = 0; /* those choose vCPUs */
	return filter_match(&tasks, 0, pid, *comm ? comm : NULL);
}

bool joint_feed_chooses_tasks(const struct joint_feed *feed)
{
	return feed->filter.nr_comms || feed->filter.pids.count;
}

/* Turns times since the trace's start, which only a reader knows, into Unix times. */
static int find_range(struct joint_feed *feed, struct error *error)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	struct trace_reader *reader;
	int result = trace_reader_create(feed->trace, &options, &reader, error);
	int64_t start_ns;

	if (result < 0)
		return result;
	start_ns = trace_reader_start_ns(reader);
	trace_reader_destroy(reader);
	feed->start_ns = start_ns > 0 && start_ns < INT64_MAX ? (uint64_t)start_ns : 1;
	time_range_span(&feed->range, start_ns, &feed->from_ns, &feed->to_ns);
	return 0;
}

static int load_machines(struct joint_feed *feed, struct error *error)
{
	struct trace *trace = feed->trace;

	feed->machines = calloc(trace->nr_machines, sizeof(*feed->machines));
	if (!feed->machines)
		return error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < trace->nr_machines; i++) {
		struct trace_machine *machine = &trace->machines[i];
		int result = trace_machine_load_names(machine, NAMES_ALL, error);

		if (result < 0)
			return result;
		feed->machines[i] = (struct joint_machine){
			.schema = machine->schema,
			.info = machine->info,
			.trace = machine->trace_info,
			.names = &machine->names,
			.nr_cpus = machine_feed_cpus(trace, i),
		};
	}
	return 0;
}

static int make_joint(struct joint_feed *feed, const struct joint_listener *listener, struct error *error)
{
	struct joint_options options = {
		.machines = feed->machines,
		.nr_machines = feed->trace->nr_machines,
		.lost_type = stream_reader_lost_type(),
		.begin_ns = feed->start_ns,
		.from_ns = feed->from_ns > 0 ? (uint64_t)feed->from_ns : 0,
		.to_ns = feed->to_ns == INT64_MAX ? UINT64_MAX
			: feed->to_ns > 0         ? (uint64_t)feed->to_ns
						  : 0,
		.listener = *listener,
	};

	if (joint_feed_chooses_tasks(feed)) {
		options.wanted = is_task_wanted;
		options.wanted_context = &feed->filter;
	}
	return joint_create(&options, &feed->joint) < 0 ? error_set(error, -ENOMEM, "out of memory") : 0;
}

int joint_feed_parse(struct joint_feed *feed, const struct joint_part *part, struct error *error)
{
	int result;

	*feed = (struct joint_feed){.machine = -1};
	result = filter_parse_plain(&feed->filter, part->filter, error);
	return result ? result : time_range_parse(&feed->range, part->time, error);
}

int joint_feed_open(struct joint_feed *feed, int count, char **paths, const struct joint_part *part,
	const struct joint_listener *listener, struct error *error)
{
	const struct reading_options reading = {.machine = part->machine};
	int result = open_traces(count, paths, &feed->trace, error);

	if (!result)
		result = reading_options_machine(&reading, feed->trace, &feed->machine, error);
	if (!result)
		result = find_range(feed, error);
	if (!result)
		result = load_machines(feed, error);
	if (!result)
		result = make_joint(feed, listener, error);
	return result;
}

void joint_feed_deinit(struct joint_feed *feed)
{
	joint_destroy(feed->joint);
	free(feed->machines);
	trace_close(feed->trace);
	*feed = (struct joint_feed){0};
}

int joint_feed_need_host(const struct joint_feed *feed, const char *verb, struct error *error)
{
	if (feed->joint->nr_hosts)
		return 0;
	error_set(error, -ENOENT,
		"%s: the trace has no host machine: it says nothing of what the host did to vCPUs", verb);
	return error_hint(error, "record with the host: hypertrace record --host exits=aggregated");
}

static bool is_wanted(const struct joint_feed *feed, const struct joint_vcpu *vcpu)
{
	if (feed->machine >= 0 && vcpu->guest != (uint32_t)feed->machine &&
		vcpu->host != (uint32_t)feed->machine)
		return false;
	return filter_ranges_match(
		&feed->filter.cpus, vcpu->number); /* those of the filter are vCPUs' numbers */
}

bool joint_feed_wants_guest(const struct joint_feed *feed, const struct joint_guest_event *event)
{
	if (feed->machine < 0 || event->machine == (uint32_t)feed->machine)
		return true;
	return event->vcpu != JOINT_NONE && feed->joint->vcpus[event->vcpu].host == (uint32_t)feed->machine;
}

static void choose_vcpus(struct joint_feed *feed, uint32_t *known)
{
	for (; *known < feed->joint->nr_vcpus; ++*known)
		feed->joint->vcpus[*known].wanted = is_wanted(feed, &feed->joint->vcpus[*known]);
}

int joint_feed_run(struct joint_feed *feed, struct error *error)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	struct trace_reader *reader;
	struct trace_event event;
	uint32_t known = 0;
	int result;

	options.to_ns = feed->to_ns;
	result = trace_reader_create(feed->trace, &options, &reader, error);
	if (result < 0)
		return result;
	choose_vcpus(feed, &known);
	while (trace_reader_next(reader, &event)) {
		int64_t now_ns = trace_reader_unix_ns(reader, &event);

		if (now_ns <= 0 || now_ns >= feed->to_ns)
			continue;
		joint_add(feed->joint, event.machine, event.type, event.payload, event.cpu, event.pid,
			(uint64_t)now_ns);
		if (feed->joint->nr_vcpus > known)
			choose_vcpus(feed, &known);
	}
	joint_finish(feed->joint);
	trace_damage_take(&feed->damage, reader);
	trace_reader_destroy(reader);
	return 0;
}

/* --- names --- */

struct joint_name joint_feed_vm(const struct joint_feed *feed, uint32_t number)
{
	const struct joint_vcpu *vcpu = &feed->joint->vcpus[number];
	struct joint_name name;

	if (vcpu->guest != JOINT_NONE)
		snprintf(name.text, sizeof(name.text), "%.63s", feed->trace->machines[vcpu->guest].name);
	else if (vcpu->vm && vcpu->vm->name[0])
		snprintf(name.text, sizeof(name.text), "%.63s", vcpu->vm->name);
	else if (vcpu->vm)
		snprintf(name.text, sizeof(name.text), "pid %u", vcpu->vm->pid);
	else
		snprintf(name.text, sizeof(name.text), "thread %u", vcpu->tid);
	return name;
}

struct joint_name joint_feed_vcpu(const struct joint_feed *feed, uint32_t number)
{
	struct joint_name name, vm = joint_feed_vm(feed, number);

	snprintf(name.text, sizeof(name.text), "%.63s vCPU %u", vm.text, feed->joint->vcpus[number].number);
	return name;
}

struct human joint_feed_when(const struct joint_feed *feed, uint64_t at_ns)
{
	return human_seconds(at_ns > feed->start_ns ? at_ns - feed->start_ns : 0);
}

/* --- order --- */

static int compare_vcpus(const void *a, const void *b, void *context)
{
	const struct joint_vcpu *vcpus = context;
	const struct joint_vcpu *one = &vcpus[*(const uint32_t *)a], *other = &vcpus[*(const uint32_t *)b];
	uint32_t one_pid = one->vm ? one->vm->pid : UINT32_MAX,
		 other_pid = other->vm ? other->vm->pid : UINT32_MAX;

	if (one->host != other->host)
		return one->host < other->host ? -1 : 1;
	if (one->vm != other->vm && one_pid != other_pid)
		return one_pid < other_pid ? -1 : 1;
	if (one->number != other->number)
		return one->number < other->number ? -1 : 1;
	return one->tid < other->tid ? -1 : one->tid > other->tid;
}

uint32_t *joint_feed_sorted(const struct joint_feed *feed, size_t *count)
{
	uint32_t *order = calloc(feed->joint->nr_vcpus + 1, sizeof(*order));

	*count = order ? feed->joint->nr_vcpus : 0;
	for (uint32_t i = 0; i < *count; i++)
		order[i] = i;
	if (order)
		qsort_r(order, *count, sizeof(*order), compare_vcpus, feed->joint->vcpus);
	return order;
}
