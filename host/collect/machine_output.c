/* SPDX-License-Identifier: MIT */
#include "host/collect/machine_output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/collect/ring_reader.h"
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
		snprintf(common->error_hint, sizeof(common->error_hint), "%s", error->hint);
	}
	if (!common->quiet_faults)
		recorder_notice(common, "%s", error->text);
}

struct trace_machine_info *machine_output_info(const struct machine_output *output)
{
	return &output->common->info.machines[output->info_index];
}

int machine_output_write(struct machine_output *output, uint32_t cpu, const struct machine_packet *packet)
{
	struct recorder_common *common = output->common;
	struct machine_stream *stream = &output->streams[cpu];
	struct error error = {0};
	int code = 0;

	if (common->disk_full)
		return -ENOSPC;
	if (!output->fallback.bound_ns)
		output->fallback = (struct clock_point){.tsc = packet->end,
			.bound_ns = PACKET_DELAY_NS,
			.host_ns = (int64_t)clock_now_ns(CLOCK_MONOTONIC)};
	if (!stream->exists) {
		code = ctf_stream_init(&stream->stream, output->dir_fd, cpu, output->uuid, &error);
		stream->exists = code == 0;
	}
	if (!code)
		code = ctf_stream_write(&stream->stream, packet->buffer, packet->bytes, packet->events,
			packet->begin, packet->end, packet->lost, packet->current_pid, &error);
	if (code) {
		common->disk_full = true;
		trace_dir_use_reserve(&common->dir);
		error_add(&error, "%s: nothing more is recorded", machine_output_info(output)->name);
		recorder_fault(common, &error);
	}
	return code;
}

/* The clock of the metadata, for readers that know nothing of our points: fitted to what is known by now. */
static void fill_clock(const struct machine_output *output, struct ctf_metadata *metadata)
{
	const struct trace_machine_info *info = machine_output_info(output);
	const struct clock_point *points = info->nr_points ? info->points : &output->fallback;
	const size_t count = info->nr_points ? info->nr_points : output->fallback.bound_ns != 0;
	struct clock_map map;
	int64_t unix_ns;

	metadata->clock_hz = info->tsc_khz ? info->tsc_khz * 1000ull : NS_PER_S;
	if (clock_map_init(&map, points, count, (uint32_t)(metadata->clock_hz / 1000), NULL))
		return;
	metadata->clock_hz = (uint64_t)(clock_map_hz(&map) + 0.5);
	if (metadata->clock_hz == 0)
		metadata->clock_hz = NS_PER_S;
	unix_ns = (int64_t)((uint64_t)clock_map_to_ns(&map, 0) +
		(uint64_t)output->common->info.realtime_offset_ns);
	metadata->offset_s = unix_ns / NS_PER_S - (unix_ns % NS_PER_S < 0);
	metadata->offset_cycles =
		(uint64_t)((unsigned __int128)(uint64_t)(unix_ns - metadata->offset_s * NS_PER_S) *
			metadata->clock_hz / NS_PER_S);
	metadata->precision_cycles =
		(uint64_t)((unsigned __int128)clock_map_error_ns(&map, points[count - 1].tsc) *
			metadata->clock_hz / NS_PER_S);
	clock_map_deinit(&map);
}

static int write_metadata(const struct machine_output *output, struct error *error)
{
	const struct trace_machine_info *info = machine_output_info(output);
	struct ctf_metadata metadata = {
		.schema = output->schema,
		.machine = info->name,
		.hostname = info->hostname,
		.release = info->release,
		.version = info->version,
		.channel = info->channel,
		.text_address = info->text_address,
		.program_version = output->common->info.program_version,
	};

	memcpy(metadata.uuid, output->uuid, sizeof(metadata.uuid));
	fill_clock(output, &metadata);
	return ctf_metadata_write(&metadata, output->dir_fd, error);
}

void machine_output_describe(struct machine_output *output)
{
	struct error error = {0};

	if (write_metadata(output, &error) ||
		trace_dir_write_info(&output->common->dir, &output->common->info, &error))
		recorder_fault(output->common, &error);
}

int machine_output_init(struct machine_output *output, struct recorder_common *common,
	const struct trace_machine_info *info, const struct event_schema *schema, struct error *error)
{
	struct trace_machine_info *added;
	int code;

	*output = (struct machine_output){
		.common = common, .schema = schema, .dir_fd = -1, .nr_cpus = info->nr_cpus};
	output->streams = calloc(output->nr_cpus, sizeof(*output->streams));
	if (!output->streams)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	code = trace_info_add_machine(&common->info, info->name, &added, error);
	if (code)
		return code;
	output->info_index = common->info.nr_machines - 1;
	*added = *info;
	snprintf(added->events, sizeof(added->events), "%s", common->events ? common->events : "");
	snprintf(added->filter, sizeof(added->filter), "%s", common->filter ? common->filter : "");
	snprintf(added->functions, sizeof(added->functions), "%s", common->functions ? common->functions : "");
	output->dir_fd = trace_dir_add_machine(&common->dir, info->name, error);
	if (output->dir_fd < 0)
		return output->dir_fd;
	code = trace_uuid(output->uuid, error);
	if (!code)
		code = write_metadata(output, error);
	if (!code)
		code = trace_dir_write_info(&common->dir, &common->info, error);
	if (!code)
		code = names_writer_init(&output->names, output->dir_fd, common->names_schema, error);
	return code;
}

void machine_output_deinit(struct machine_output *output)
{
	for (uint32_t i = 0; output->streams && i < output->nr_cpus; i++)
		if (output->streams[i].exists)
			ctf_stream_deinit(&output->streams[i].stream);
	if (output->names.tasks)
		names_writer_deinit(&output->names);
	if (output->dir_fd >= 0)
		close(output->dir_fd);
	free(output->streams);
	*output = (struct machine_output){.dir_fd = -1};
}

void machine_output_add_point(struct machine_output *output, struct clock_point point)
{
	struct trace_machine_info *info = machine_output_info(output);
	const bool first = info->nr_points == 0;

	if (trace_machine_info_add_point(info, point) == 0 && first)
		machine_output_describe(output);
}

void machine_output_end(struct machine_output *output, const char *end_state, const char *message)
{
	struct trace_machine_info *info = machine_output_info(output);

	snprintf(info->end_state, sizeof(info->end_state), "%s", end_state);
	snprintf(info->message, sizeof(info->message), "%s", message);
	if (!info->nr_points && output->fallback.bound_ns)
		trace_machine_info_add_point(info, output->fallback);
	if (output->names.dropped)
		recorder_notice(output->common, "%s: %" PRIu64 " names did not fit", info->name,
			output->names.dropped);
	names_writer_flush(&output->names);
	machine_output_describe(output);
}
