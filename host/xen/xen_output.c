/* SPDX-License-Identifier: MIT */
#include "host/xen/xen_output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/event_table.h"
#include "host/xen/xen_schema.h"

#define BUFFERS_BYTES (24u << 20) /* of all packets that are being filled, about */
#define PACKET_MIN    4096u
#define PACKET_MAX    65536u

/* All streams' packets together stay within bounds. */
static uint32_t packet_bytes(const struct xen_survey *survey)
{
	uint64_t streams = survey->nr_pcpus + XEN_STREAMS_MAX / 8, bytes = BUFFERS_BYTES / streams;

	return bytes < PACKET_MIN ? PACKET_MIN : bytes > PACKET_MAX ? PACKET_MAX : (uint32_t)bytes;
}

int64_t xen_output_ns(const struct xen_survey *survey, uint64_t tsc)
{
	return (int64_t)((unsigned __int128)tsc * 1000000000u / survey->hz);
}

/* --- machines --- */

static void deinit_machine(struct xen_machine *machine)
{
	for (uint32_t i = 0; machine->streams && i < machine->nr_streams; i++)
		host_stream_deinit(&machine->streams[i]);
	free(machine->streams);
	if (machine->exists)
		machine_output_deinit(&machine->output);
}

static int begin_machine(struct xen_output *output, struct xen_machine *machine, const char *name,
	uint32_t nr_cpus, uint32_t layer, struct error *error)
{
	const struct xen_survey *survey = output->survey;
	struct trace_machine_info info = {
		.layer = layer, .nr_cpus = nr_cpus, .tsc_khz = (uint32_t)(survey->hz / 1000), .clock = "tsc"};
	uint64_t last = survey->last_tsc > survey->first_tsc ? survey->last_tsc : survey->first_tsc + 1;
	int code;

	snprintf(info.name, sizeof(info.name), "%s", name);
	snprintf(info.channel, sizeof(info.channel), TRACE_CHANNEL_XEN);
	machine->streams = calloc(nr_cpus + 1, sizeof(*machine->streams));
	if (!machine->streams)
		return error_set(error, -ENOMEM, "out of memory");
	machine->nr_streams = nr_cpus;
	machine->exists = true;
	code = machine_output_init(&machine->output, &output->common, &info,
		layer ? output->guest_schema : output->host_schema, error);
	if (code)
		return code;
	for (uint32_t i = 0; i < nr_cpus; i++) {
		host_stream_init(&machine->streams[i], &machine->output, i);
		machine->streams[i].packet_bytes = packet_bytes(survey);
	}
	for (int end = 0; end < 2; end++) {
		const uint64_t tsc = end ? last : survey->first_tsc;

		machine_output_add_point(&machine->output,
			(struct clock_point){
				.tsc = tsc, .host_ns = xen_output_ns(survey, tsc), .bound_ns = 1});
	}
	return 0;
}

static int begin_guests(
	struct xen_output *output, const struct xen_output_options *options, struct error *error)
{
	const struct xen_survey *survey = output->survey;
	int code = 0;

	output->guests = calloc(survey->nr_domains + 1, sizeof(*output->guests));
	if (!output->guests)
		return error_set(error, -ENOMEM, "out of memory");
	output->nr_guests =
		survey->nr_domains < XEN_MACHINE_GUESTS ? (uint32_t)survey->nr_domains : XEN_MACHINE_GUESTS;
	for (uint32_t i = 0; i < output->nr_guests && !code; i++) {
		const struct xen_survey_domain *domain = &survey->domains[i];
		const bool taken = options->has_guest && options->has_guest(options->context, domain->domain);
		uint32_t room = XEN_STREAMS_MAX - output->nr_guest_streams;
		uint32_t nr_vcpus = domain->nr_vcpus < room ? domain->nr_vcpus : room;
		char name[32];

		snprintf(name, sizeof(name), taken ? "dom%u.xen" : "dom%u", domain->domain);
		output->guests[i].domain = domain->domain;
		output->nr_guest_streams += nr_vcpus;
		code = begin_machine(output, &output->guests[i], name, nr_vcpus, 1, error);
	}
	return code;
}

static void describe(struct xen_output *output, const char *program_version)
{
	struct trace_info *info = &output->common.info;

	info->format = TRACE_FORMAT;
	snprintf(info->program_version, sizeof(info->program_version), "%s",
		program_version ? program_version : "");
	snprintf(info->state, sizeof(info->state), "recording");
}

int xen_output_init(struct xen_output *output, const struct xen_survey *survey,
	const struct xen_layouts *layouts, const struct xen_output_options *options, struct error *error)
{
	int code;

	*output = (struct xen_output){.survey = survey};
	output->common.dir.fd = output->common.dir.reserve_fd = -1;
	output->common.notice = options->notice;
	output->common.context = options->notice_context;
	output->common.quiet_faults = true;
	output->common.names_schema = event_table_schema(EVENT_TABLE_NAMES, error);
	output->host_schema = xen_schema_host(layouts, error);
	output->guest_schema = xen_schema_guest(layouts, error);
	if (!output->common.names_schema || !output->host_schema || !output->guest_schema)
		return error && error->code ? error->code : -ENOMEM;
	code = trace_dir_init(&output->common.dir, options->path, error);
	if (code)
		return code;
	describe(output, options->program_version);
	code = trace_dir_write_info(&output->common.dir, &output->common.info, error);
	if (!code)
		code = begin_machine(output, &output->host, XEN_MACHINE, survey->nr_pcpus, 0, error);
	return code ? code : begin_guests(output, options, error);
}

void xen_output_deinit(struct xen_output *output)
{
	for (uint32_t i = 0; output->guests && i < output->nr_guests; i++)
		deinit_machine(&output->guests[i]);
	free(output->guests);
	deinit_machine(&output->host);
	event_schema_destroy(output->host_schema);
	event_schema_destroy(output->guest_schema);
	event_schema_destroy(output->common.names_schema);
	trace_info_deinit(&output->common.info);
	trace_dir_deinit(&output->common.dir);
}

void xen_output_set_unix_time(struct xen_output *output, int64_t realtime_offset_ns)
{
	struct trace_info *info = &output->common.info;

	info->realtime_offset_ns = realtime_offset_ns;
	info->start_unix_ns = realtime_offset_ns + xen_output_ns(output->survey, output->survey->first_tsc);
	info->end_unix_ns = realtime_offset_ns + xen_output_ns(output->survey, output->survey->last_tsc);
}

/* --- vCPUs --- */

static struct xen_machine *guest_of(struct xen_output *output, uint32_t domain)
{
	const struct xen_survey_domain *known = xen_survey_domain(output->survey, domain);
	const size_t index = known ? (size_t)(known - output->survey->domains) : SIZE_MAX;

	return index < output->nr_guests ? &output->guests[index] : NULL;
}

int xen_output_vcpu(struct xen_output *output, const struct xen_vcpu *vcpu)
{
	struct xen_machine *guest = guest_of(output, vcpu->domain);
	struct trace_machine_info *info = machine_output_info(&output->host.output);
	struct trace_vm_info *vm = NULL;
	char name[32];
	uint32_t pid = vcpu->tid;

	snprintf(name, sizeof(name), "dom%u", vcpu->domain);
	for (size_t i = 0; i < info->nr_vms && !vm; i++)
		if (!strcmp(info->vms[i].name, name))
			pid = info->vms[i].pid;
	names_writer_task(&output->host.output.names, vcpu->tid, pid, vcpu->name);
	if (guest)
		names_writer_task(&guest->output.names, vcpu->tid, pid, vcpu->name);
	vm = trace_machine_info_vm(info, pid);
	if (!vm)
		return -ENOMEM;
	snprintf(vm->name, sizeof(vm->name), "%s", name);
	if (guest)
		snprintf(vm->machine, sizeof(vm->machine), "%s", name);
	return trace_vm_info_vcpu(vm, vcpu->vcpu, vcpu->tid);
}

/* --- events --- */

void xen_output_host(struct xen_output *output, uint32_t pcpu, uint64_t tsc, uint32_t pid, uint32_t id,
	const void *payload, uint32_t bytes)
{
	if (pcpu < output->host.nr_streams)
		host_stream_add_payload(&output->host.streams[pcpu], id, tsc, pid, payload, bytes);
}

uint32_t xen_output_pid(const struct xen_output *output, uint32_t pcpu)
{
	return pcpu < output->host.nr_streams ? output->host.streams[pcpu].pid : 0;
}

bool xen_output_guest(struct xen_output *output, const struct xen_vcpu *vcpu, uint64_t tsc, uint32_t id,
	const void *payload, uint32_t bytes)
{
	struct xen_machine *guest = guest_of(output, vcpu->domain);

	if (!guest || vcpu->vcpu >= guest->nr_streams) {
		output->unplaced++;
		return false;
	}
	host_stream_add_payload(&guest->streams[vcpu->vcpu], id, tsc, vcpu->tid, payload, bytes);
	return true;
}

void xen_output_lost(struct xen_output *output, uint32_t pcpu, uint32_t count)
{
	if (pcpu >= output->host.nr_streams)
		return;
	/* readers see it at the beginning of the next packet */
	host_stream_flush(&output->host.streams[pcpu]);
	output->host.streams[pcpu].lost += count;
}

/* --- the end --- */

static void finish_machine(struct xen_machine *machine)
{
	struct trace_machine_info *info = machine_output_info(&machine->output);

	for (uint32_t i = 0; i < machine->nr_streams; i++) {
		const struct machine_stream *stream = &machine->output.streams[i];
		struct trace_cpu_info *cpu;

		host_stream_flush(&machine->streams[i]);
		if (!stream->exists && !machine->streams[i].lost && !machine->streams[i].unwritten)
			continue;
		cpu = trace_machine_info_cpu(info, i);
		if (!cpu)
			continue;
		cpu->events = machine->streams[i].recorded;
		cpu->packets = stream->exists ? stream->stream.packets : 0;
		cpu->bytes = stream->exists ? stream->stream.bytes : 0;
		cpu->lost[TRACE_LOST_FULL] = machine->streams[i].lost;
		cpu->lost[TRACE_LOST_UNWRITTEN] = machine->streams[i].unwritten;
	}
	machine_output_end(&machine->output, "", "");
}

int xen_output_finish(struct xen_output *output, struct error *error)
{
	struct trace_info *info = &output->common.info;

	snprintf(info->state, sizeof(info->state), "complete");
	for (uint32_t i = 0; i < output->nr_guests; i++)
		finish_machine(&output->guests[i]);
	finish_machine(&output->host);
	if (!output->common.error)
		return 0;
	error_set(error, output->common.error, "%s", output->common.error_text);
	error_hint(error, "%s", output->common.error_hint);
	return error_hint(error, "what was written can be read; hypertrace info %s counts what is missing",
		output->common.dir.path);
}
