/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/recording_summary.h"

#include <inttypes.h>
#include <string.h>

static void show_lost(const struct trace_machine_info *machine, FILE *out)
{
	uint64_t total = trace_machine_info_lost(machine), too_small = 0;
	const char *separator = ": ";

	fprintf(out, ", %" PRIu64 " lost", total);
	for (int cause = 0; total && cause < TRACE_LOST_CAUSES; cause++) {
		uint64_t lost = 0;

		for (size_t i = 0; i < machine->nr_cpu_infos; i++)
			lost += machine->cpus[i].lost[cause];
		if (cause == TRACE_LOST_OVERWRITTEN || cause == TRACE_LOST_FULL)
			too_small += lost;
		if (!lost)
			continue;
		fprintf(out, "%s%" PRIu64 " %s", separator, lost, trace_lost_name((enum trace_lost)cause));
		separator = ", ";
	}
	if (too_small && !strcmp(machine->channel, "ftrace"))
		fputs("\nhint: larger rings (in the guest: buffer_size_kb, or trace_buf_size=) or fewer events there lose less",
			out);
	else if (too_small && !strcmp(machine->channel, "hypercall"))
		fputs("\nhint: a larger batch or fewer events (in the guest: parameters batch and events of its "
		      "module) lose less",
			out);
	else if (too_small)
		fputs("\nhint: larger rings (--size, --region-size) or fewer events (-e, -f) lose less", out);
}

void show_recording_summary(const struct trace_info *info, const char *output, FILE *out)
{
	if (!info->nr_machines)
		fprintf(out, "hypertrace: %s: nothing was recorded: no guest's module started\n", output);
	for (size_t i = 0; i < info->nr_machines; i++) {
		const struct trace_machine_info *machine = &info->machines[i];
		uint64_t bytes = 0;

		for (size_t cpu = 0; cpu < machine->nr_cpu_infos; cpu++)
			bytes += machine->cpus[cpu].bytes;
		fprintf(out, "hypertrace: %s/%s: %" PRIu64 " events, %" PRIu64 " KiB", output, machine->name,
			trace_machine_info_events(machine), (bytes + 1023) / 1024);
		show_lost(machine, out);
		fputc('\n', out);
	}
}
