/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/graph_feed.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/hypertrace/graph_host.h"
#include "tools/hypertrace/machine_feed.h"
#include "tools/hypertrace/progress.h"

#define PROGRESS_EVENTS (1u << 20)
#define LOOK_EVENTS     (1u << 20) /* that are looked at for a func_exit */

int graph_feed_parse(struct graph_feed *feed, const struct graph_part *part, struct error *error)
{
	int result;

	*feed = (struct graph_feed){.functions = part->functions};
	result = filter_parse_plain(&feed->filter, part->filter, error);
	feed->has_cpus = feed->filter.cpus.count != 0;
	for (uint32_t cpu = 0; cpu < TRACE_CPUS_MAX; cpu++)
		if (filter_ranges_match(&feed->filter.cpus, cpu))
			feed->cpus[cpu / 64] |= UINT64_C(1) << cpu % 64;
	feed->filter.cpus.count = 0;
	return result ? result : time_range_parse(&feed->range, part->time, error);
}

/* Turns times since the trace's start, which only a reader knows, into Unix times. */
static int find_range(struct graph_feed *feed, struct error *error)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	struct trace_reader *reader;
	int result = trace_reader_create(feed->trace, &options, &reader, error);

	if (result < 0)
		return result;
	feed->start_ns = trace_reader_start_ns(reader);
	trace_reader_destroy(reader);
	time_range_span(&feed->range, feed->start_ns, &feed->from_ns, &feed->to_ns);
	return 0;
}

static bool has_functions(const struct kernel_events *events)
{
	for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++)
		if (events->layouts[id].kind >= KERNEL_EVENT_FUNCGRAPH_ENTRY &&
			events->layouts[id].kind <= KERNEL_EVENT_FUNC_SPAN)
			return true;
	return false;
}

static int load_machine(struct graph_machine *place, struct error *error)
{
	int result;

	place->kernel_events = malloc(sizeof(*place->kernel_events));
	if (!place->kernel_events)
		return error_set(error, -ENOMEM, "out of memory");
	kernel_events_init(place->kernel_events, place->machine->schema, stream_reader_lost_type());
	place->wanted = has_functions(place->kernel_events);
	result = place->wanted ? trace_machine_load_names(place->machine, NAMES_ALL, error) : 0;
	return result < 0 ? result : 0;
}

/* Of a machine whose types of events may be all there is of functions. */
struct outlook {
	uint32_t entries; /* func_entry so far */
	bool decided;
};

static bool is_decided(struct graph_machine *place, struct outlook *outlook, uint8_t kind)
{
	if (kind < KERNEL_EVENT_FUNCGRAPH_ENTRY || kind > KERNEL_EVENT_FUNC_SPAN)
		return false;
	place->wanted = true;
	if (kind == KERNEL_EVENT_FUNC_ENTRY)
		place->entries_only = true;
	if (kind == KERNEL_EVENT_FUNC_EXIT)
		place->entries_only = false;
	return kind != KERNEL_EVENT_FUNC_ENTRY || ++outlook->entries == LOOK_EVENTS;
}

/*
 * Which machines have events of functions, for the types alone say little; and whether their entries have exits: those of an
 * entry-only recording look the same.
 */
static int look_ahead(struct graph_feed *feed, uint32_t undecided, struct error *error)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	struct outlook *outlooks = calloc(feed->nr_machines, sizeof(*outlooks));
	struct trace_reader *reader;
	struct trace_event event;
	int result = outlooks ? trace_reader_create(feed->trace, &options, &reader, error)
			      : error_set(error, -ENOMEM, "out of memory");

	if (result < 0) {
		free(outlooks);
		return result;
	}
	for (uint32_t i = 0; i < feed->nr_machines; i++) {
		outlooks[i].decided = !feed->machines[i].wanted;
		feed->machines[i].wanted = false;
	}
	while (undecided && trace_reader_next(reader, &event)) {
		struct graph_machine *place = &feed->machines[event.machine];
		struct outlook *outlook = &outlooks[event.machine];

		if (outlook->decided ||
			!is_decided(place, outlook, place->kernel_events->layouts[event.type->id].kind))
			continue;
		outlook->decided = true;
		undecided--;
	}
	trace_reader_destroy(reader);
	free(outlooks);
	return 0;
}

static int no_functions(const struct graph_part *part, struct error *error)
{
	error_set(error, -ENOENT, "%s%s has no events of functions", part->machine ? "machine " : "the trace",
		part->machine ? part->machine : "");
	return error_hint(
		error, "a stock guest: hypertrace run --channel ftrace -F '*' --probe fgraph -- COMMAND");
}

int graph_feed_open(
	struct graph_feed *feed, int count, char **paths, const struct graph_part *part, struct error *error)
{
	const struct reading_options reading = {.machine = part->machine};
	int machine, result = open_traces(count, paths, &feed->trace, error);
	uint32_t wanted = 0;

	if (!result)
		result = reading_options_machine(&reading, feed->trace, &machine, error);
	if (result)
		return result;
	feed->nr_machines = feed->trace->nr_machines;
	feed->machines = calloc(feed->nr_machines, sizeof(*feed->machines));
	if (!feed->machines)
		return error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < feed->nr_machines && !result; i++) {
		feed->machines[i].machine = &feed->trace->machines[i];
		feed->machines[i].feed = feed;
		if (machine < 0 || (uint32_t)machine == i)
			result = load_machine(&feed->machines[i], error);
		wanted += feed->machines[i].wanted;
	}
	if (!result)
		result = look_ahead(feed, wanted, error);
	for (uint32_t i = wanted = 0; i < feed->nr_machines; i++)
		wanted += feed->machines[i].wanted;
	if (!result && !wanted)
		result = no_functions(part, error);
	if (!result)
		result = find_range(feed, error);
	return result ? result : graph_host_look(feed, error);
}

void graph_feed_deinit(struct graph_feed *feed)
{
	for (uint32_t i = 0; feed->machines && i < feed->nr_machines; i++) {
		call_graph_destroy(feed->machines[i].graph);
		graph_host_forget(&feed->machines[i]);
		free(feed->machines[i].kernel_events);
	}
	free(feed->machines);
	trace_close(feed->trace);
	*feed = (struct graph_feed){0};
}

/* --- the pass --- */

/* What an event says of tasks' names. */
static void follow_names(
	struct names *names, const struct kernel_event_layout *layout, const uint8_t *payload)
{
	uint32_t pid = (uint32_t)kernel_event_value(layout, 0, payload);
	uint32_t tgid =
		layout->kind == KERNEL_EVENT_FORK ? (uint32_t)kernel_event_value(layout, 1, payload) : 0;
	char comm[16];

	memcpy(comm, kernel_event_comm(layout, payload), sizeof(comm));
	names_set_task(names, pid, tgid, comm);
}

static uint64_t recorded_events(const struct graph_feed *feed)
{
	uint64_t events = 0;

	for (uint32_t i = 0; i < feed->nr_machines; i++)
		events += trace_machine_info_events(feed->machines[i].machine->info);
	return events;
}

int graph_feed_walk(struct graph_feed *feed, graph_event_fn *take, void *context, struct error *error)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	uint64_t all = recorded_events(feed), done = 0;
	struct trace_reader *reader;
	struct trace_event event;
	int result;

	options.to_ns = feed->to_ns;
	result = trace_reader_create(feed->trace, &options, &reader, error);
	if (result < 0)
		return result;
	while (trace_reader_next(reader, &event)) {
		struct graph_machine *machine = &feed->machines[event.machine];
		const struct kernel_event_layout *layout;
		int64_t now_ns;

		if (__builtin_expect(++done % PROGRESS_EVENTS == 0, 0))
			show_progress_part("reading", done, all);
		if (__builtin_expect(!machine->wanted, 0))
			continue;
		now_ns = trace_reader_unix_ns(reader, &event);
		if (__builtin_expect(now_ns <= 0, 0))
			continue;
		layout = &machine->kernel_events->layouts[event.type->id];
		if (__builtin_expect(
			    layout->kind >= KERNEL_EVENT_FORK && layout->kind <= KERNEL_EVENT_RENAME, 0))
			follow_names(&machine->machine->names, layout, event.payload);
		if (__builtin_expect(machine->stolen && machine->stacks, 0))
			call_stacks_stolen(machine->stacks, event.cpu,
				stolen_time_until(machine->stolen, event.cpu, (uint64_t)now_ns));
		take(context, machine, &event, (uint64_t)now_ns);
	}
	show_progress_part(NULL, 0, 0);
	trace_damage_take(&feed->damage, reader);
	trace_reader_destroy(reader);
	return 0;
}

/* --- call graphs --- */

bool graph_feed_wants_task(const struct graph_machine *machine, uint32_t pid)
{
	const struct names_task *task = names_task(&machine->machine->names, pid);

	return filter_match(&machine->feed->filter, 0, pid, task ? task->comm : NULL);
}

bool graph_feed_wants_function(const struct graph_feed *feed, const char *name)
{
	for (size_t i = 0; i < feed->functions.count; i++)
		if (!fnmatch(feed->functions.items[i], name, 0))
			return true;
	return !feed->functions.count;
}

static bool wants_task(const void *context, uint32_t pid)
{
	return graph_feed_wants_task(context, pid);
}

static bool wants_function(const void *context, const char *name)
{
	return graph_feed_wants_function(((const struct graph_machine *)context)->feed, name);
}

static int make_graph(struct graph_machine *place, uint32_t number, struct error *error)
{
	const struct graph_feed *feed = place->feed;
	struct call_graph_options options = {
		.schema = place->machine->schema,
		.lost_type = stream_reader_lost_type(),
		.names = &place->machine->names,
		.nr_cpus = machine_feed_cpus(feed->trace, number),
		.cpus = feed->has_cpus ? feed->cpus : NULL,
		.from_ns = feed->from_ns > 0 ? (uint64_t)feed->from_ns : 0,
		.to_ns = feed->to_ns == INT64_MAX ? UINT64_MAX
			: feed->to_ns > 0         ? (uint64_t)feed->to_ns
						  : 1,
		.ns_per_tsc = 1e9 / clock_map_hz(&place->machine->clock),
		.entries_only = place->entries_only,
		.task_wanted = filter_is_empty(&feed->filter) ? NULL : wants_task,
		.function_wanted = feed->functions.count ? wants_function : NULL,
		.context = place,
	};

	if (call_graph_create(&options, &place->graph) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	place->graph->has_real = place->stolen != NULL;
	place->stacks = &place->graph->events.stacks;
	return 0;
}

static void add_event(
	void *context, struct graph_machine *machine, const struct trace_event *event, uint64_t now_ns)
{
	(void)context;
	call_graph_add(machine->graph, event->type, event->payload, event->cpu, event->pid, now_ns);
}

int graph_feed_begin(struct graph_feed *feed, struct error *error)
{
	int result = 0;

	for (uint32_t i = 0; i < feed->nr_machines && !result; i++)
		if (feed->machines[i].wanted)
			result = make_graph(&feed->machines[i], i, error);
	return result;
}

void graph_feed_finish(struct graph_feed *feed)
{
	for (uint32_t i = 0; i < feed->nr_machines; i++)
		if (feed->machines[i].graph)
			call_graph_finish(feed->machines[i].graph);
}

int graph_feed_run(struct graph_feed *feed, struct error *error)
{
	int result = graph_feed_begin(feed, error);

	if (!result)
		result = graph_feed_walk(feed, add_event, NULL, error);
	if (!result)
		graph_feed_finish(feed);
	return result;
}

struct graph_name graph_function_name(const struct call_graph *graph, uint32_t function)
{
	const struct call_function *place = &graph->functions[function];
	struct graph_name name = {"[unknown]"};

	if (place->name)
		snprintf(name.text, sizeof(name.text), "%.127s", place->name);
	else if (function != CALL_UNKNOWN)
		snprintf(name.text, sizeof(name.text), "0x%" PRIx64, place->address);
	return name;
}
