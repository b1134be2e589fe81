/* SPDX-License-Identifier: MIT */
/* The verb info: what a trace says of itself, without reading its events. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <jansson.h>

#include "lib/base/cleanup.h"
#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "lib/reader/trace.h"
#include "tools/hypertrace/commands.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/reading_options.h"

struct info_options {
	bool json;
};

static const struct option_spec info_specs[] = {
	{0, "json", NULL, OPTION_FLAG, offsetof(struct info_options, json), "print one JSON document"},
	{0},
};

static uint64_t stream_bytes(const struct trace *trace, const struct trace_machine *machine)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < machine->nr_streams; i++)
		bytes += trace->streams[machine->first_stream + i].bytes;
	return bytes;
}

static bool is_complete(const struct trace_machine *machine)
{
	return !strcmp(machine->trace_info->state, "complete");
}

/* --- text --- */

static void show_line(const char *key, const char *text)
{
	char shown[4 * 1100];
	size_t length = strlen(text);

	if (!length)
		return;
	length = text_escape(shown, text, length > 1100 ? 1100 : length);
	printf("  %-14s %.*s\n", key, (int)length, shown);
}

static void show_budget(const struct trace_budget_info *budget)
{
	char text[1100];
	size_t length;

	if (!budget->budget_ppm)
		return;
	length = (size_t)snprintf(text, sizeof(text),
		"%.4g %% of the vCPUs' time for functions, at last %.2g %%", budget->budget_ppm / 1e4,
		budget->share_ppm / 1e4);
	if (budget->nr_left_out)
		length += (size_t)snprintf(
			text + length, sizeof(text) - length, "; %zu left out: ", budget->nr_left_out);
	for (size_t i = 0; i < budget->nr_left_out && length < sizeof(text); i++)
		length += (size_t)snprintf(
			text + length, sizeof(text) - length, "%s%s", i ? ", " : "", budget->left_out[i]);
	show_line("budget", text);
}

static void show_time(const char *key, int64_t unix_ns)
{
	char text[64];
	time_t clock = (time_t)(unix_ns / 1000000000);
	struct tm calendar;

	if (unix_ns > 0 && gmtime_r(&clock, &calendar) &&
		strftime(text, sizeof(text), "%F %T UTC", &calendar))
		show_line(key, text);
}

static void show_losses(const struct trace_machine_info *info)
{
	uint64_t causes[TRACE_LOST_CAUSES] = {0};

	for (size_t i = 0; i < info->nr_cpu_infos; i++)
		for (int cause = 0; cause < TRACE_LOST_CAUSES; cause++)
			causes[cause] += info->cpus[i].lost[cause];
	printf("  %-14s %s", "lost", human_count(trace_machine_info_lost(info)).text);
	for (int cause = 0; cause < TRACE_LOST_CAUSES; cause++)
		if (causes[cause])
			printf(", %s %s", trace_lost_name((enum trace_lost)cause),
				human_count(causes[cause]).text);
	putchar('\n');
}

static void show_cpus(const struct trace_machine_info *info)
{
	if (info->nr_cpu_infos)
		printf("  %-14s %14s %10s %12s %12s\n", "CPU", "events", "packets", "bytes", "lost");
	for (size_t i = 0; i < info->nr_cpu_infos; i++) {
		const struct trace_cpu_info *cpu = &info->cpus[i];

		printf("  %-14u %14s %10s %12s %12s\n", cpu->cpu, human_count(cpu->events).text,
			human_count(cpu->packets).text, human_bytes(cpu->bytes).text,
			human_count(trace_cpu_info_lost(cpu)).text);
	}
}

/* Of a host: its VMs, and which thread runs which vCPU. */
static void show_vms(const struct trace_machine_info *info)
{
	for (size_t i = 0; i < info->nr_vms; i++) {
		const struct trace_vm_info *vm = &info->vms[i];
		cleanup_strbuf struct strbuf line = STRBUF_EMPTY;

		strbuf_printf(&line, "%s%spid %u", vm->name, vm->name[0] ? ", " : "", vm->pid);
		if (vm->machine[0])
			strbuf_printf(&line, ", machine %s", vm->machine);
		for (size_t j = 0; j < vm->nr_vcpus; j++)
			strbuf_printf(&line, "%s %u by %u", j ? "," : ", vCPU", vm->vcpus[j].vcpu,
				vm->vcpus[j].tid);
		if (vm->nr_epochs)
			strbuf_printf(&line, "; TSC offset known, %zu epoch%s", vm->nr_epochs,
				vm->nr_epochs == 1 ? "" : "s");
		if (line.data)
			show_line(i ? "" : "VMs", line.data);
	}
}

static void show_machine(const struct trace *trace, const struct trace_machine *machine)
{
	const struct trace_machine_info *info = machine->info;

	printf("machine %s (layer %u)\n", machine->name, info->layer);
	show_line("hostname", info->hostname);
	show_line("kernel", info->release);
	show_line("version", info->version);
	show_line("channel", info->channel);
	if (info->text_address)
		printf("  %-14s _stext 0x%" PRIx64 ", moved by 0x%" PRIx64 "\n", "addresses",
			info->text_address, info->kaslr_offset);
	show_line("host", machine->trace_info->host_name);
	show_time("started", machine->trace_info->start_unix_ns);
	if (machine->trace_info->end_unix_ns > machine->trace_info->start_unix_ns)
		show_line("duration",
			human_ns((uint64_t)(machine->trace_info->end_unix_ns -
					 machine->trace_info->start_unix_ns))
				.text);
	printf("  %-14s %.6f MHz, within %s of the host's, %zu comparison%s, %zu epoch%s\n", "clock",
		clock_map_hz(&machine->clock) / 1e6,
		human_ns(clock_map_largest_error_ns(&machine->clock)).text, info->nr_points,
		info->nr_points == 1 ? "" : "s", machine->clock.count, machine->clock.count == 1 ? "" : "s");
	show_vms(info);
	show_line("events", info->events);
	show_line("filter", info->filter);
	show_line("functions", info->functions);
	if (info->packet_bytes && !info->layer)
		printf("  %-14s %s, %u CPUs, %s each\n", "rings", info->mode, info->nr_cpus,
			human_bytes(info->packet_bytes).text);
	else if (info->packet_bytes)
		printf("  %-14s %s, %u vCPUs, %u packets of %s each\n", "rings", info->mode, info->nr_cpus,
			info->nr_packets, human_bytes(info->packet_bytes).text);
	show_budget(&info->budget);
	show_line("end", is_complete(machine) ? info->end_state : "recording, or its recorder was killed");
	show_line("last words", info->message);
	printf("  %-14s %s in %u stream%s\n", "on disk", human_bytes(stream_bytes(trace, machine)).text,
		machine->nr_streams, machine->nr_streams == 1 ? "" : "s");
	if (is_complete(machine)) {
		printf("  %-14s %s\n", "recorded", human_count(trace_machine_info_events(info)).text);
		show_losses(info);
		show_cpus(info);
	}
}

/* --- JSON: hypertrace.json has the rest --- */

static json_t *json_text(const char *text)
{
	char *escaped = malloc(4 * strlen(text) + 1);
	json_t *json = json_string(text);

	if (!json && escaped) { /* not UTF-8 */
		escaped[text_escape(escaped, text, strlen(text))] = '\0';
		json = json_string(escaped);
	}
	free(escaped);
	return json;
}

static json_t *json_cpus(const struct trace_machine_info *info)
{
	json_t *cpus = json_array();

	for (size_t i = 0; i < info->nr_cpu_infos; i++) {
		const struct trace_cpu_info *cpu = &info->cpus[i];
		json_t *lost = json_object();

		for (int cause = 0; cause < TRACE_LOST_CAUSES; cause++)
			json_object_set_new(lost, trace_lost_name((enum trace_lost)cause),
				json_integer((json_int_t)cpu->lost[cause]));
		json_array_append_new(cpus,
			json_pack("{s:I, s:I, s:I, s:I, s:o}", "cpu", (json_int_t)cpu->cpu, "events",
				(json_int_t)cpu->events, "packets", (json_int_t)cpu->packets, "bytes",
				(json_int_t)cpu->bytes, "lost", lost));
	}
	return cpus;
}

static json_t *json_vms(const struct trace_machine_info *info)
{
	json_t *vms = json_array();

	for (size_t i = 0; i < info->nr_vms; i++) {
		const struct trace_vm_info *vm = &info->vms[i];
		json_t *vcpus = json_array();

		for (size_t j = 0; j < vm->nr_vcpus; j++)
			json_array_append_new(vcpus,
				json_pack("{s:I, s:I}", "vcpu", (json_int_t)vm->vcpus[j].vcpu, "tid",
					(json_int_t)vm->vcpus[j].tid));
		json_array_append_new(vms,
			json_pack("{s:o, s:I, s:o, s:I, s:o}", "name", json_text(vm->name), "pid",
				(json_int_t)vm->pid, "machine", json_text(vm->machine), "tsc_epochs",
				(json_int_t)vm->nr_epochs, "vcpus", vcpus));
	}
	return vms;
}

static json_t *json_machine(const struct trace *trace, const struct trace_machine *machine)
{
	const struct trace_machine_info *info = machine->info;
	json_t *clock = json_pack("{s:f, s:I, s:I, s:I}", "hz", clock_map_hz(&machine->clock), "error_ns",
		(json_int_t)clock_map_largest_error_ns(&machine->clock), "comparisons",
		(json_int_t)info->nr_points, "epochs", (json_int_t)machine->clock.count);
	json_t *configuration =
		json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "events", json_text(info->events), "filter",
			json_text(info->filter), "functions", json_text(info->functions), "mode",
			json_text(info->mode), "packet_bytes", (json_int_t)info->packet_bytes, "nr_packets",
			(json_int_t)info->nr_packets, "nr_cpus", (json_int_t)info->nr_cpus);
	json_t *kernel =
		json_pack("{s:o, s:o}", "text_address", json_sprintf("0x%" PRIx64, info->text_address),
			"kaslr_offset", json_sprintf("0x%" PRIx64, info->kaslr_offset));

	return json_pack("{s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, "
			 "s:o, s:o, s:o, s:o}",
		"name", json_text(machine->name), "path", json_text(machine->path), "layer",
		(json_int_t)info->layer, "channel", json_text(info->channel), "hostname",
		json_text(info->hostname), "release", json_text(info->release), "version",
		json_text(info->version), "kernel", kernel, "state", json_text(machine->trace_info->state),
		"start_unix_ns", (json_int_t)machine->trace_info->start_unix_ns, "end_unix_ns",
		(json_int_t)machine->trace_info->end_unix_ns, "events",
		(json_int_t)trace_machine_info_events(info), "lost",
		(json_int_t)trace_machine_info_lost(info), "bytes", (json_int_t)stream_bytes(trace, machine),
		"end_state", json_text(info->end_state), "message", json_text(info->message), "clock", clock,
		"configuration", configuration, "cpus", json_cpus(info), "vms", json_vms(info));
}

static int show_json(const struct trace *trace, struct error *error)
{
	json_t *machines = json_array(), *root;
	int code;

	for (uint32_t i = 0; i < trace->nr_machines; i++)
		json_array_append_new(machines, json_machine(trace, &trace->machines[i]));
	root = json_pack("{s:o}", "machines", machines);
	code = root ? json_dumpf(root, stdout, JSON_INDENT(1)) : -1;
	json_decref(root);
	if (code)
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	putchar('\n');
	return 0;
}

static int info_run(const struct command *self, int argc, char **argv)
{
	struct info_options options = {0};
	struct error error = {0};
	struct trace *trace;
	int result = options_parse(self, &argc, &argv, &options, &error);

	if (result)
		return result == 1 ? 0 : show_error(&error, options.json, 2);
	if (open_traces(argc, argv, &trace, &error))
		return show_error(&error, options.json, 1);
	if (options.json)
		result = show_json(trace, &error);
	for (uint32_t i = 0; i < trace->nr_machines && !options.json; i++)
		show_machine(trace, &trace->machines[i]);
	trace_close(trace);
	return result ? show_error(&error, options.json, 1) : 0;
}

const struct command cmd_info = {
	.name = "info",
	.summary = "Show what a trace is of: machines, kernels, clocks, configuration, losses",
	.synopsis = "[--json] [TRACE]...",
	.description =
		"Says where a trace comes from and how it was recorded, how well the clocks of its machines "
		"are known, and what was lost for which cause; without TRACE, of hypertrace.data. Events are "
		"not read: hypertrace report does that.",
	.examples = "  # of a trace\n"
		    "  hypertrace info t\n"
		    "  # was anything lost?\n"
		    "  hypertrace info t --json | jq '[.machines[].lost] | add'",
	.options = info_specs,
	.run = info_run,
};
