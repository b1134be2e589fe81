/* SPDX-License-Identifier: MIT */
#include "host/collect/recorder_machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int write_packet(void *context, const struct ring_packet *packet)
{
	struct recorder_cpu *cpu = context;

	if (cpu->machine->budget)
		recorder_budget_packet(cpu->machine->budget, cpu->cpu, packet);
	return machine_output_write(&cpu->machine->output, cpu->cpu,
		&(struct machine_packet){.buffer = packet->buffer,
			.bytes = packet->bytes,
			.events = packet->events,
			.begin = packet->begin_tsc,
			.end = packet->end_tsc,
			.lost = packet->lost,
			.current_pid = packet->current_pid});
}

static int begin_output(struct recorder_machine *machine, const char *name, struct error *error)
{
	struct trace_machine_info info = {.layer = machine->region->layer,
		.packet_bytes = machine->layout.packet_bytes,
		.nr_packets = machine->layout.nr_packets,
		.nr_cpus = machine->nr_cpus};
	struct region_guest guest;

	region_describe(machine->region, &guest);
	snprintf(info.name, sizeof(info.name), "%s", name);
	snprintf(info.channel, sizeof(info.channel), "shm");
	snprintf(info.clock, sizeof(info.clock), "tsc");
	snprintf(info.hostname, sizeof(info.hostname), "%s", guest.hostname);
	snprintf(info.release, sizeof(info.release), "%s", guest.release);
	snprintf(info.version, sizeof(info.version), "%s", guest.version);
	snprintf(info.mode, sizeof(info.mode), "%s",
		machine->layout.mode == HT_MODE_DISCARD ? "discard" : "overwrite");
	info.tsc_khz = guest.tsc_khz;
	info.text_address = guest.text_address;
	info.kaslr_offset = guest.kaslr_offset;
	return machine_output_init(
		&machine->output, machine->events->common, &info, machine->events->schema, error);
}

static void init_reader(struct recorder_machine *machine, struct ring_reader *reader, uint32_t ring,
	enum recorder_start start)
{
	const bool is_names = ring == machine->nr_cpus, skip = start != RECORDER_START_OLDEST;
	struct ring_reader_options options = {
		.ring = region_ring(machine->region, &machine->layout, ring),
		.data = region_ring_data(machine->region, &machine->layout, ring),
		.packet_bytes = machine->layout.packet_bytes,
		.nr_packets = machine->layout.nr_packets,
		.region = machine->region->guest,
		.generation = machine->layout.generation,
		.table = is_names ? &machine->events->names_table : &machine->events->table,
		.scratch = machine->scratch,
		.packet = is_names ? names_writer_packet : write_packet,
		.context = is_names ? (void *)&machine->output.names : (void *)&machine->cpus[ring],
	};

	if (is_names || machine->layout.mode == HT_MODE_DISCARD)
		options.read_packets = (uint64_t *)&machine->region->host->read_packets[ring];
	ring_reader_init(reader, &options);
	if (start == RECORDER_START_WISHES && ring_reader_to_wishes(reader))
		return;
	/* names are wanted whole: those of an earlier recorder are as good as ours */
	if (skip && !is_names)
		ring_reader_skip(reader);
	else if (is_names ? skip : machine->layout.mode == HT_MODE_DISCARD)
		ring_reader_resume(reader);
}

static void deinit(struct recorder_machine *machine)
{
	machine_output_deinit(&machine->output);
	ring_scratch_destroy(machine->scratch);
	free(machine->cpus);
	free(machine);
}

struct recorder_machine *recorder_machine_create(const struct recorder_events *events, struct region *region,
	const struct region_layout *layout, const char *name, enum recorder_start start, struct error *error)
{
	struct recorder_machine *machine = calloc(1, sizeof(*machine));

	if (!machine) {
		error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	*machine = (struct recorder_machine){.events = events,
		.region = region,
		.layout = *layout,
		.output = {.dir_fd = -1},
		.nr_cpus = layout->nr_rings - 1};
	machine->scratch = ring_scratch_create(layout->packet_bytes);
	machine->cpus = calloc(machine->nr_cpus, sizeof(*machine->cpus));
	if (!machine->scratch || !machine->cpus) {
		error_set(error, -ENOMEM, "out of memory");
	} else if (begin_output(machine, name, error) == 0) {
		for (uint32_t i = 0; i < machine->nr_cpus; i++) {
			machine->cpus[i].machine = machine;
			machine->cpus[i].cpu = i;
			init_reader(machine, &machine->cpus[i].reader, i, start);
		}
		init_reader(machine, &machine->names_reader, machine->nr_cpus, start);
		return machine;
	}
	deinit(machine);
	return NULL;
}

unsigned recorder_machine_poll(struct recorder_machine *machine, uint64_t now_ns, unsigned flags)
{
	unsigned most = 0, taken, names;

	for (uint32_t i = 0; i < machine->nr_cpus; i++) {
		taken = ring_reader_poll(&machine->cpus[i].reader, now_ns, flags);
		most = taken > most ? taken : most;
	}
	names = ring_reader_poll(&machine->names_reader, now_ns, flags);
	if (names)
		names_writer_flush(&machine->output.names);
	/* the module waits for us to read its names: come back soon */
	return (unsigned)((uint64_t)most * 1000 / machine->layout.nr_packets) + (names ? 1000 : 0);
}

void recorder_machine_clock(struct recorder_machine *machine)
{
	struct clock_point point;

	if (clock_exchange_poll(&machine->clock, machine->region, &point))
		machine_output_add_point(&machine->output, point);
}

void recorder_machine_count(struct recorder_machine *machine)
{
	for (uint32_t i = 0; i < machine->nr_cpus; i++) {
		struct recorder_cpu *cpu = &machine->cpus[i];
		const struct machine_stream *stream = &machine->output.streams[i];
		struct ring_reader *reader = &cpu->reader;
		struct trace_cpu_info *info;

		ring_reader_count_lost(reader);
		/* a vCPU that could be plugged in, and never was, is not worth a word */
		if (!stream->exists && reader->next == 0)
			continue;
		info = trace_machine_info_cpu(machine_output_info(&machine->output), i);
		if (!info)
			continue;
		info->events = reader->recorded;
		info->packets = stream->exists ? stream->stream.packets : 0;
		info->bytes = stream->exists ? stream->stream.bytes : 0;
		memcpy(info->lost, reader->lost, sizeof(info->lost));
	}
}

void recorder_machine_destroy(struct recorder_machine *machine, const char *end_state, const char *message)
{
	recorder_machine_count(machine);
	machine_output_end(&machine->output, end_state, message);
	deinit(machine);
}
