/* SPDX-License-Identifier: MIT */
/* The events of a trace, chosen and written one after the other: what dump and panic do. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/dump.h"
#include "tools/hypertrace/dump_put.h"
#include "tools/hypertrace/trace_damage.h"

#define BUFFER_BYTES (DUMP_LINE_BYTES + (256u << 10))

/* --- what is known of a machine --- */

static bool is_selected(const struct dump *dump, const struct dump_type *type)
{
	return (type->generic && dump->part.selection.nr_tracepoints) ||
		trace_part_selects(&dump->part, type->type->name);
}

static void init_type(const struct dump *dump, struct dump_type *type, const struct event_type *from)
{
	size_t length = strlen(from->name);

	type->type = from;
	dump_forms_choose(type);
	dump_pairs_choose(type);
	dump_calls_choose(type);
	dump_json_choose(type);
	type->selected = is_selected(dump, type);
	memcpy(type->label, from->name, length);
	type->label[length++] = ':';
	do
		type->label[length++] = ' ';
	while (length < 22);
	type->label_bytes = (uint8_t)length;
}

static int init_machine(struct dump *dump, uint32_t index, struct error *error)
{
	struct dump_machine *machine = &dump->machines[index];
	const struct event_schema *schema = dump->trace->machines[index].schema;
	int code;

	machine->machine = &dump->trace->machines[index];
	machine->generation = 1;
	code = trace_machine_load_names(machine->machine, NAMES_ALL, error);
	if (!code)
		code = dump_calls_init(machine, error);
	if (code)
		return code;
	machine->cpus = calloc(TRACE_CPUS_MAX, sizeof(*machine->cpus));
	if (!machine->cpus)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	for (uint32_t id = 1; id < EVENT_TYPES_MAX; id++) {
		if (!schema->types[id])
			continue;
		machine->types[id] = calloc(1, sizeof(**machine->types));
		if (!machine->types[id])
			return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
		init_type(dump, machine->types[id], schema->types[id]);
	}
	init_type(dump, &machine->lost, stream_reader_lost_type());
	return 0;
}

static void deinit_machines(struct dump *dump)
{
	for (uint32_t i = 0; dump->machines && i < dump->trace->nr_machines; i++) {
		struct dump_machine *machine = &dump->machines[i];

		for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++)
			free(machine->types[id]);
		free(machine->cpus);
		free(machine->calls);
		hash_map_deinit(&machine->open_pairs);
		dump_tracepoints_destroy(machine->tracepoints);
	}
	free(dump->machines);
	trace_reader_destroy(dump->reader);
	dump->machines = NULL;
	dump->reader = NULL;
}

void dump_deinit(struct dump *dump)
{
	deinit_machines(dump);
	free(dump->buffer);
	free(dump->skip);
	if (!dump->borrowed)
		trace_close(dump->trace);
}

/* --- the reader --- */

/* Times are counted from the start of the whole trace, which only a reader of all of it knows. */
static int open_reader(struct dump *dump, bool timed, struct error *error)
{
	struct trace_reader_options options = TRACE_READER_ALL;
	int code = trace_reader_create(dump->trace, &options, &dump->reader, error);

	dump->from_ns = INT64_MIN;
	dump->to_ns = INT64_MAX;
	if (code)
		return code;
	dump->start_ns = trace_reader_start_ns(dump->reader);
	if (!timed && dump->machine < 0 && !dump->part.filter.cpus.count)
		return 0;
	if (timed) {
		dump->from_ns = time_range_unix_ns(dump->start_ns, dump->part.range.from_ns);
		dump->to_ns = time_range_unix_ns(dump->start_ns, dump->part.range.to_ns);
	}
	options = (struct trace_reader_options){.machine = dump->machine,
		.from_ns = dump->from_ns,
		.to_ns = dump->to_ns,
		.cpus = dump->part.cpus};
	trace_reader_destroy(dump->reader);
	dump->reader = NULL;
	return trace_reader_create(dump->trace, &options, &dump->reader, error);
}

/* --- the loop --- */

static void flush(struct dump *dump)
{
	const char *at = dump->buffer;

	while (dump->used && !dump->write_error) {
		ssize_t done = write(dump->fd, at, dump->used);

		if (done < 0 && errno != EINTR)
			dump->write_error = errno;
		if (done > 0) {
			at += done;
			dump->used -= (size_t)done;
		}
	}
	dump->used = 0;
}

/* Forks and execs rename tasks from now on; cached prefixes are stale then. */
static void learn_name(
	struct dump_machine *machine, const struct dump_type *type, const struct trace_event *event)
{
	struct names *names = &machine->machine->names;
	bool fork = type->fields[3] && type->fields[3]->kind == EVENT_FIELD_COMM;
	bool exec = type->fields[3] && !fork; /* else a rename */
	const struct event_field *comm = type->fields[fork ? 3 : exec ? 2 : 1];
	uint32_t pid = (uint32_t)event_field_value(type->fields[fork ? 1 : 0], event->payload);
	const struct names_task *known = names_task(names, pid);
	uint32_t tgid = fork     ? (uint32_t)event_field_value(type->fields[2], event->payload)
		: exec || !known ? pid
				 : known->tgid;

	names_set_task(names, pid, tgid, (const char *)event->payload + comm->byte_offset);
	machine->generation++;
}

/* A host names those that take its guests' pCPUs in the events that say so. */
static void learn_other(
	struct dump_machine *machine, const struct dump_type *type, const struct trace_event *event)
{
	unsigned last = 0;
	const struct names_task *known;
	const char *comm;
	uint32_t pid;

	while (last + 1 < DUMP_FIELDS_MAX && type->fields[last + 1])
		last++;
	pid = (uint32_t)event_field_value(type->fields[last - 1], event->payload);
	comm = (const char *)event->payload + type->fields[last]->byte_offset;
	known = names_task(&machine->machine->names, pid);
	if (!pid || (known && !strncmp(known->comm, comm, 16)))
		return;
	names_set_task(&machine->machine->names, pid, 0, comm);
	machine->generation++;
}

static bool is_wanted(struct dump *dump, struct dump_machine *machine, const struct dump_type *type,
	const struct trace_event *event)
{
	const struct names_task *task;

	if (dump->chosen && !dump->chosen(dump->chosen_context, event))
		return false;
	if (type->generic && !dump->part.all_events && dump->part.selection.nr_tracepoints) {
		const char *name = dump_tracepoint_name(
			machine, (uint32_t)event_field_value(type->fields[0], event->payload));

		if (!trace_part_selects(&dump->part, type->type->name) &&
			(!name || !event_selection_has_tracepoint(&dump->part.selection, name)))
			return false;
	}
	if (!dump->filtered)
		return true;
	task = dump->part.filter.nr_comms ? names_task(&machine->machine->names, event->pid) : NULL;
	if (!filter_match(&dump->part.filter, event->cpu, event->pid, task ? task->comm : NULL))
		return false;
	return !dump->durations || dump_pairs_match(dump, machine, type, event);
}

/* Counts the CPU's events that are wanted. Is this one of the last? */
static bool is_in_tail(const struct dump *dump, struct dump_machine *machine, const struct trace_event *event)
{
	uint64_t number = machine->cpus[event->cpu].events++;

	return !dump->skip || dump->count ||
		number >= dump->skip[event->machine * TRACE_CPUS_MAX + event->cpu];
}

static void show(struct dump *dump, struct dump_machine *machine, struct dump_type *type,
	const struct trace_event *event, int64_t unix_ns)
{
	char *begin, *end;

	if (dump->capacity - dump->used < DUMP_LINE_BYTES)
		flush(dump);
	begin = dump->buffer + dump->used;
	end = (dump->json ? dump_json_line : dump_text_line)(dump, machine, type, event, unix_ns, begin);
	dump->used += (size_t)(end - begin);
}

static void take_event(struct dump *dump, const struct trace_event *event)
{
	struct dump_machine *machine = &dump->machines[event->machine];
	bool lost = event->type->id == TRACE_EVENT_LOST;
	struct dump_type *type = lost ? &machine->lost : machine->types[event->type->id];
	int64_t unix_ns = 0;

	dump->has_duration = false;
	if (type->call)
		dump_calls_follow(dump, machine, type, event);
	if (type->names_other)
		learn_other(machine, type, event);
	if (type->selected || lost) {
		bool timed = dump->from_ns != INT64_MIN || dump->to_ns != INT64_MAX;

		if (timed || !dump->count)
			unix_ns = trace_reader_unix_ns(dump->reader, event);
		if (timed && (unix_ns < dump->from_ns || unix_ns >= dump->to_ns)) {
			/* outside, but names are learnt all the same */
		} else if (lost) {
			machine->lost_events += event_field_value(&event->type->fields[0], event->payload);
			if (!dump->count && !dump->skip)
				show(dump, machine, type, event, unix_ns);
		} else if (is_wanted(dump, machine, type, event) && is_in_tail(dump, machine, event)) {
			type->count++;
			dump->events++;
			if (!dump->count)
				show(dump, machine, type, event, unix_ns);
		}
	}
	if (type->names_task)
		learn_name(machine, type, event);
	if (type->switches) {
		machine->cpus[event->cpu].prio = event_field_signed(type->fields[2], event->payload);
		machine->cpus[event->cpu].prio_known = true;
	}
	if (lost) {
		machine->cpus[event->cpu].prio_known = false;
		hash_map_clear(&machine->open_pairs); /* nothing is measured across a gap */
		machine->gap++;
	}
}

/* --- the end --- */

static void show_counts_json(const struct dump *dump)
{
	const char *separator = "";

	printf("{\"events\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"by_event\":{", dump->events, dump->lost);
	/* one line for a name, whichever machines have it, in however many layouts */
	for (uint32_t i = 0; i < dump->trace->nr_machines; i++)
		for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++) {
			struct dump_type *type = dump->machines[i].types[id];
			uint64_t count = type ? type->count : 0;

			for (uint32_t j = i; type && j < dump->trace->nr_machines; j++)
				for (uint32_t other = j == i ? id + 1 : 0; other < EVENT_TYPES_MAX; other++) {
					struct dump_type *same = dump->machines[j].types[other];

					if (!same || strcmp(same->type->name, type->type->name))
						continue;
					count += same->count;
					same->count = 0;
				}
			if (!count)
				continue;
			printf("%s\"%s\":%" PRIu64, separator, type->type->name, count);
			separator = ",";
		}
	puts("}}");
}

/* What is missing goes to stderr, so that it is seen where the events went elsewhere. */
static void show_lost(const struct dump *dump)
{
	if (dump->lost)
		fprintf(stderr, "hypertrace: %" PRIu64 " events were lost while recording\n", dump->lost);
}

static int finish(struct dump *dump, struct error *error)
{
	struct trace_damage damage = {0};

	flush(dump);
	for (uint32_t i = 0; i < dump->trace->nr_machines; i++)
		dump->lost += dump->machines[i].lost_events;
	if (dump->count && dump->json)
		show_counts_json(dump);
	else if (dump->count)
		printf("%" PRIu64 "\n", dump->events);
	if (dump->write_error == EPIPE)
		return 0; /* `dump | head` has seen enough */
	if (dump->write_error || fflush(stdout))
		return error_set(error, -EIO, "cannot write: %s",
			strerror(dump->write_error ? dump->write_error : errno));
	show_lost(dump);
	trace_damage_take(&damage, dump->reader);
	return trace_damage_error(&damage, error);
}

/* Machines and a reader that stands at the beginning. */
static int prepare(struct dump *dump, bool timed, struct error *error)
{
	int code = 0;

	dump->machines = calloc(dump->trace->nr_machines, sizeof(*dump->machines));
	if (!dump->machines)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	for (uint32_t i = 0; i < dump->trace->nr_machines && !code; i++)
		code = init_machine(dump, i, error);
	return code ? code : open_reader(dump, timed, error);
}

/* How many of each CPU's events are to be passed over, so that dump->tail are left. Reads the trace once. */
static int measure_tail(struct dump *dump, bool timed, struct error *error)
{
	const bool count = dump->count;
	struct trace_event event;
	int code;

	dump->skip = calloc((size_t)dump->trace->nr_machines * TRACE_CPUS_MAX, sizeof(*dump->skip));
	if (!dump->skip)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	dump->count = true; /* nothing is written */
	code = prepare(dump, timed, error);
	if (code)
		return code;
	while (trace_reader_next(dump->reader, &event))
		take_event(dump, &event);
	for (uint32_t i = 0; i < dump->trace->nr_machines; i++)
		for (uint32_t cpu = 0; cpu < TRACE_CPUS_MAX; cpu++) {
			uint64_t events = dump->machines[i].cpus[cpu].events;

			dump->skip[i * TRACE_CPUS_MAX + cpu] = events > dump->tail ? events - dump->tail : 0;
		}
	deinit_machines(dump);
	dump->count = count;
	dump->events = 0;
	return 0;
}

int dump_run(struct dump *dump, bool timed, struct error *error)
{
	struct trace_event event;
	int code = 0;

	dump->buffer = malloc(BUFFER_BYTES);
	dump->capacity = BUFFER_BYTES;
	if (!dump->buffer)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	if (dump->tail)
		code = measure_tail(dump, timed, error);
	if (!code)
		code = prepare(dump, timed, error);
	if (code)
		return code;
	while (!dump->write_error && trace_reader_next(dump->reader, &event))
		take_event(dump, &event);
	return finish(dump, error);
}
