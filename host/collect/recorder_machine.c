/* SPDX-License-Identifier: MIT */
#include "host/collect/recorder_machine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock_now.h"
#include "lib/clock/clock_map.h"
#include "lib/writer/ctf_metadata.h"

#define NS_PER_S 1000000000ll
/* A packet is taken within this time after its last event, if the guest runs. */
#define PACKET_DELAY_NS (2 * RING_OPEN_NS)

void recorder_notice(struct recorder_common *common, const char *format, ...)
{
	char text[ERROR_TEXT_BYTES];
	va_list args;

	if (!common->notice)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	common->notice(common->context, text);
}

void recorder_fault(struct recorder_common *common, const struct error *error)
{
	if (!common->error) {
		common->error = error->code;
		snprintf(common->error_text, sizeof(common->error_text), "%s", error->text);
	}
	recorder_notice(common, "%s", error->text);
}

static struct trace_machine_info *machine_info(const struct recorder_machine *machine)
{
	return &machine->common->info.machines[machine->info_index];
}

static int write_packet(void *context, const struct ring_packet *packet)
{
	struct recorder_cpu *cpu = context;
	struct recorder_machine *machine = cpu->machine;
	struct recorder_common *common = machine->common;
	struct error error = {0};
	int code = 0;

	if (common->disk_full)
		return -ENOSPC;
	if (!machine->fallback.bound_ns)
		machine->fallback = (struct clock_point){.tsc = packet->end_tsc,
			.bound_ns = PACKET_DELAY_NS,
			.host_ns = (int64_t)clock_now_ns(CLOCK_MONOTONIC)};
	if (!cpu->has_stream) {
		code = ctf_stream_init(&cpu->stream, machine->dir_fd, cpu->cpu, machine->uuid, &error);
		cpu->has_stream = code == 0;
	}
	if (!code)
		code = ctf_stream_write(&cpu->stream, packet->buffer, packet->bytes, packet->events,
			packet->begin_tsc, packet->end_tsc, packet->lost, packet->current_pid, &error);
	if (code) {
		common->disk_full = true;
		error_add(&error, "%s: nothing more is recorded", machine_info(machine)->name);
		recorder_fault(common, &error);
	}
	return code;
}

/* The clock of the metadata, for readers that know nothing of our points: fitted to what is known by now. */
static void fill_clock(const struct recorder_machine *machine, struct ctf_metadata *metadata)
{
	const struct trace_machine_info *info = machine_info(machine);
	const struct clock_point *points = info->nr_points ? info->points : &machine->fallback;
	const size_t count = info->nr_points ? info->nr_points : machine->fallback.bound_ns != 0;
	struct clock_map map;
	int64_t unix_ns;

	metadata->clock_hz = machine->guest.tsc_khz ? machine->guest.tsc_khz * 1000ull : NS_PER_S;
	if (clock_map_init(&map, points, count, (uint32_t)(metadata->clock_hz / 1000), NULL))
		return;
	metadata->clock_hz = (uint64_t)(clock_map_hz(&map) + 0.5);
	if (metadata->clock_hz == 0)
		metadata->clock_hz = NS_PER_S;
	unix_ns = (int64_t)((uint64_t)clock_map_to_ns(&map, 0) +
		(uint64_t)machine->common->info.realtime_offset_ns);
	metadata->offset_s = unix_ns / NS_PER_S - (unix_ns % NS_PER_S < 0);
	metadata->offset_cycles =
		(uint64_t)((unsigned __int128)(uint64_t)(unix_ns - metadata->offset_s * NS_PER_S) *
			metadata->clock_hz / NS_PER_S);
	metadata->precision_cycles =
		(uint64_t)((unsigned __int128)clock_map_error_ns(&map, points[count - 1].tsc) *
			metadata->clock_hz / NS_PER_S);
	clock_map_deinit(&map);
}

static int write_metadata(const struct recorder_machine *machine, struct error *error)
{
	const struct trace_machine_info *info = machine_info(machine);
	struct ctf_metadata metadata = {
		.schema = machine->common->schema,
		.machine = info->name,
		.hostname = info->hostname,
		.release = info->release,
		.version = info->version,
		.channel = info->channel,
		.program_version = machine->common->info.program_version,
	};

	memcpy(metadata.uuid, machine->uuid, sizeof(metadata.uuid));
	fill_clock(machine, &metadata);
	return ctf_metadata_write(&metadata, machine->dir_fd, error);
}

/* Metadata and description once more, with what is known by now. A full disk keeps the old ones. */
static void describe_again(struct recorder_machine *machine)
{
	struct error error = {0};

	if (write_metadata(machine, &error) ||
		trace_dir_write_info(&machine->common->dir, &machine->common->info, &error))
		recorder_fault(machine->common, &error);
}

static int describe(struct recorder_machine *machine, const char *name, struct error *error)
{
	struct recorder_common *common = machine->common;
	const struct region_guest *guest = &machine->guest;
	struct trace_machine_info *info;
	int code = trace_info_add_machine(&common->info, name, &info, error);

	if (code)
		return code;
	machine->info_index = common->info.nr_machines - 1;
	snprintf(info->channel, sizeof(info->channel), "shm");
	snprintf(info->hostname, sizeof(info->hostname), "%s", guest->hostname);
	snprintf(info->release, sizeof(info->release), "%s", guest->release);
	snprintf(info->version, sizeof(info->version), "%s", guest->version);
	snprintf(info->events, sizeof(info->events), "%s", common->events);
	snprintf(info->filter, sizeof(info->filter), "%s", common->filter);
	snprintf(info->mode, sizeof(info->mode), "%s",
		machine->layout.mode == HT_MODE_DISCARD ? "discard" : "overwrite");
	snprintf(info->clock, sizeof(info->clock), "tsc");
	info->layer = 1;
	info->packet_bytes = machine->layout.packet_bytes;
	info->nr_packets = machine->layout.nr_packets;
	info->nr_cpus = machine->nr_cpus;
	info->tsc_khz = guest->tsc_khz;
	info->text_address = guest->text_address;
	info->kaslr_offset = guest->kaslr_offset;
	machine->dir_fd = trace_dir_add_machine(&common->dir, name, error);
	if (machine->dir_fd < 0)
		return machine->dir_fd;
	code = trace_uuid(machine->uuid, error);
	if (!code)
		code = write_metadata(machine, error);
	if (!code)
		code = trace_dir_write_info(&common->dir, &common->info, error);
	if (!code)
		code = names_writer_init(&machine->names, machine->dir_fd, common->names_schema, error);
	return code;
}

static void init_reader(
	struct recorder_machine *machine, struct ring_reader *reader, uint32_t ring, bool skip)
{
	const bool is_names = ring == machine->nr_cpus;
	struct ring_reader_options options = {
		.ring = region_ring(machine->region, &machine->layout, ring),
		.data = region_ring_data(machine->region, &machine->layout, ring),
		.packet_bytes = machine->layout.packet_bytes,
		.nr_packets = machine->layout.nr_packets,
		.region = machine->region->guest,
		.generation = machine->layout.generation,
		.table = is_names ? &machine->common->names_table : &machine->common->table,
		.scratch = machine->scratch,
		.packet = is_names ? names_writer_packet : write_packet,
		.context = is_names ? (void *)&machine->names : (void *)&machine->cpus[ring],
	};

	if (is_names || machine->layout.mode == HT_MODE_DISCARD)
		options.read_packets = (uint64_t *)&machine->region->host->read_packets[ring];
	ring_reader_init(reader, &options);
	/* names are wanted whole: those of an earlier recorder are as good as ours */
	if (skip && !is_names)
		ring_reader_skip(reader);
	else if (is_names ? skip : machine->layout.mode == HT_MODE_DISCARD)
		ring_reader_resume(reader);
}

static void deinit(struct recorder_machine *machine)
{
	for (uint32_t i = 0; machine->cpus && i < machine->nr_cpus; i++)
		if (machine->cpus[i].has_stream)
			ctf_stream_deinit(&machine->cpus[i].stream);
	if (machine->names.tasks)
		names_writer_deinit(&machine->names);
	if (machine->dir_fd >= 0)
		close(machine->dir_fd);
	ring_scratch_destroy(machine->scratch);
	free(machine->cpus);
	free(machine);
}

struct recorder_machine *recorder_machine_create(struct recorder_common *common, struct region *region,
	const struct region_layout *layout, const char *name, bool skip, struct error *error)
{
	struct recorder_machine *machine = calloc(1, sizeof(*machine));

	if (!machine) {
		error_set(error, -ENOMEM, "out of memory");
		return NULL;
	}
	*machine = (struct recorder_machine){.common = common,
		.region = region,
		.layout = *layout,
		.dir_fd = -1,
		.nr_cpus = layout->nr_rings - 1};
	region_describe(region, &machine->guest);
	machine->scratch = ring_scratch_create(layout->packet_bytes);
	machine->cpus = calloc(machine->nr_cpus, sizeof(*machine->cpus));
	if (!machine->scratch || !machine->cpus) {
		error_set(error, -ENOMEM, "out of memory");
	} else if (describe(machine, name, error) == 0) {
		for (uint32_t i = 0; i < machine->nr_cpus; i++) {
			machine->cpus[i].machine = machine;
			machine->cpus[i].cpu = i;
			init_reader(machine, &machine->cpus[i].reader, i, skip);
		}
		init_reader(machine, &machine->names_reader, machine->nr_cpus, skip);
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
		names_writer_flush(&machine->names);
	/* the module waits for us to read its names: come back soon */
	return (unsigned)((uint64_t)most * 1000 / machine->layout.nr_packets) + (names ? 1000 : 0);
}

void recorder_machine_clock(struct recorder_machine *machine)
{
	struct trace_machine_info *info = machine_info(machine);
	const bool first = info->nr_points == 0;
	struct clock_point point;

	if (!clock_exchange_poll(&machine->clock, machine->region, &point))
		return;
	if (trace_machine_info_add_point(info, point) == 0 && first)
		describe_again(machine);
}

void recorder_machine_count(struct recorder_machine *machine)
{
	for (uint32_t i = 0; i < machine->nr_cpus; i++) {
		struct recorder_cpu *cpu = &machine->cpus[i];
		struct ring_reader *reader = &cpu->reader;
		struct trace_cpu_info *info;

		ring_reader_count_lost(reader);
		/* a vCPU that could be plugged in, and never was, is not worth a word */
		if (!cpu->has_stream && reader->next == 0)
			continue;
		info = trace_machine_info_cpu(machine_info(machine), i);
		if (!info)
			continue;
		info->events = reader->recorded;
		info->packets = cpu->has_stream ? cpu->stream.packets : 0;
		info->bytes = cpu->has_stream ? cpu->stream.bytes : 0;
		memcpy(info->lost, reader->lost, sizeof(info->lost));
	}
}

void recorder_machine_destroy(struct recorder_machine *machine, const char *end_state, const char *message)
{
	struct trace_machine_info *info = machine_info(machine);

	recorder_machine_count(machine);
	snprintf(info->end_state, sizeof(info->end_state), "%s", end_state);
	snprintf(info->message, sizeof(info->message), "%s", message);
	if (!info->nr_points && machine->fallback.bound_ns)
		trace_machine_info_add_point(info, machine->fallback);
	if (machine->names.dropped)
		recorder_notice(machine->common, "%s: %" PRIu64 " names did not fit", info->name,
			machine->names.dropped);
	names_writer_flush(&machine->names);
	describe_again(machine);
	deinit(machine);
}
