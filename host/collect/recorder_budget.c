/* SPDX-License-Identifier: MIT */
#include "host/collect/recorder_budget.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/control.h"
#include "lib/base/strbuf.h"
#include "lib/base/text.h"

#define NAMES_SAID 8 /* of a step; all are in the description */
#define NAME_BYTES 128
#define NAMES_NS   1000000000ull /* that a first step waits for the symbols, so that it can be said in names */

struct recorder_budget *recorder_budget_create(double share, const struct function_wishes *wishes)
{
	struct recorder_budget *budget = calloc(1, sizeof(*budget));

	if (!budget)
		return NULL;
	budget->share = share;
	budget->asked = wishes;
	budget->wishes = *wishes;
	return budget;
}

static void forget_machine(struct recorder_budget *budget)
{
	if (budget->is_ready)
		function_budget_deinit(&budget->budget);
	names_deinit(&budget->names);
	budget->names = (struct names){0};
	budget->is_ready = false;
	budget->since_ns = 0;
}

void recorder_budget_destroy(struct recorder_budget *budget)
{
	if (!budget)
		return;
	forget_machine(budget);
	free(budget);
}

void recorder_budget_begin(
	struct recorder_budget *budget, struct machine_output *output, const struct ring_walk_table *table)
{
	struct trace_machine_info *info = machine_output_info(output);

	forget_machine(budget);
	budget->wishes = *budget->asked;
	trace_machine_info_leave_none_out(info);
	info->budget.budget_ppm = (uint32_t)(budget->share * 1e6);
	budget->is_ready = !function_budget_init(&budget->budget,
		&(struct function_budget_options){.share = budget->share,
			.tsc_khz = info->tsc_khz,
			.text_address = (uint32_t)info->text_address,
			.table = table});
	if (!budget->is_ready)
		recorder_notice(output->common, "%s: --budget is not kept: out of memory", info->name);
}

void recorder_budget_anew(struct recorder_budget *budget, struct region *region, uint32_t *seq)
{
	if (!budget->wishes.nr_dropped && !strcmp(budget->wishes.patterns, budget->asked->patterns))
		return;
	budget->wishes = *budget->asked;
	*seq = control_change_functions(region, &budget->wishes);
}

void recorder_budget_packet(struct recorder_budget *budget, uint32_t cpu, const struct ring_packet *packet)
{
	if (budget->is_ready)
		function_budget_packet(&budget->budget, cpu, packet);
}

/* What the guest called it, raw; its address, where it has not said so far. */
static void find_name(struct recorder_budget *budget, struct machine_output *output, uint32_t function,
	char name[NAME_BYTES])
{
	const uint64_t address = (uint64_t)(int64_t)(int32_t)function;
	const char *symbol;
	uint64_t offset;

	if (!budget->names.nr_symbols && output->dir_fd >= 0)
		names_load(&budget->names, output->dir_fd, NAMES_SYMBOLS, NULL);
	symbol = names_symbol(&budget->names, address, &offset);
	if (symbol && offset < 16)
		snprintf(name, NAME_BYTES, "%s", symbol);
	else
		snprintf(name, NAME_BYTES, "0x%" PRIx64, address);
}

static void say_step(struct machine_output *output, const char *name, double budget,
	const struct function_budget_step *step, const struct strbuf *names, uint32_t more)
{
	char *shown = malloc(4 * names->length + 1);
	cleanup_strbuf struct strbuf others = STRBUF_EMPTY;

	if (!shown)
		return;
	shown[text_escape(shown, names->data, names->length)] = '\0';
	if (more)
		strbuf_printf(&others, ", and %u more, the least of them with %.2g %% of the events", more,
			100 * step->least_part);
	recorder_notice(output->common,
		"%s: functions take %.3g %% of the vCPUs' time, more than %.3g %%: left out from now on: %s%s",
		name, 100 * step->share, 100 * budget, shown, more && !others.failed ? others.data : "");
	free(shown);
}

static void take_step(struct recorder_budget *budget, struct region *region, uint32_t *seq,
	struct machine_output *output, const char *name, const struct function_budget_step *step)
{
	struct trace_machine_info *info = machine_output_info(output);
	cleanup_strbuf struct strbuf names = STRBUF_EMPTY;
	uint32_t dropped = 0;

	/* modules may have come since */
	names_deinit(&budget->names);
	budget->names = (struct names){0};
	for (uint32_t i = 0; i < step->count; i++) {
		char function[NAME_BYTES];

		if (function_wishes_drop(&budget->wishes, step->addresses[i]))
			break;
		find_name(budget, output, step->addresses[i], function);
		trace_machine_info_leave_out(info, function);
		if (dropped++ < NAMES_SAID)
			strbuf_printf(&names, "%s%s", names.length ? ", " : "", function);
	}
	if (!dropped)
		return;
	if (!names.failed)
		say_step(output, name, budget->share, step, &names,
			dropped > NAMES_SAID ? dropped - NAMES_SAID : 0);
	*seq = budget->seq = control_change_functions(region, &budget->wishes);
}

/* Nothing more can be left out singly, and the guest must have its time back. */
static void switch_off(struct recorder_budget *budget, struct region *region, uint32_t *seq,
	struct machine_output *output, const char *name, const struct function_budget_step *step)
{
	trace_machine_info_leave_out(machine_output_info(output), "*");
	recorder_notice(output->common,
		"%s: functions take %.3g %% of the vCPUs' time, more than %.3g %%, also without the %u hottest: no functions "
		"from now on; name fewer by -F, or give a larger --budget",
		name, 100 * step->share, 100 * budget->share, budget->wishes.nr_dropped);
	function_wishes_take_none(&budget->wishes);
	*seq = budget->seq = control_change_functions(region, &budget->wishes);
}

void recorder_budget_poll(struct recorder_budget *budget, struct region *region, uint32_t *seq,
	struct machine_output *output, const char *name, uint64_t now_ns)
{
	struct function_budget_step step;

	if (!budget->is_ready)
		return;
	budget->since_ns = budget->since_ns ? budget->since_ns : now_ns;
	/* what comes until then may be of the wishes before */
	if (control_done(region, *seq, NULL) == -EAGAIN ||
		(!control_names_done(region) && now_ns - budget->since_ns < NAMES_NS)) {
		function_budget_settle(&budget->budget, now_ns);
		return;
	}
	if (!function_budget_look(&budget->budget, now_ns, &step))
		return;
	machine_output_info(output)->budget.share_ppm =
		(uint32_t)(step.share < 4000 ? step.share * 1e6 : UINT32_MAX);
	if (step.count)
		take_step(budget, region, seq, output, name, &step);
	if (step.is_off)
		switch_off(budget, region, seq, output, name, &step);
}

/* Symbols may have come after the steps. */
static void name_again(struct recorder_budget *budget, struct machine_output *output)
{
	struct trace_budget_info *info = &machine_output_info(output)->budget;

	names_writer_flush(&output->names);
	names_deinit(&budget->names);
	budget->names = (struct names){0};
	for (size_t i = 0; i < info->nr_left_out && i < budget->wishes.nr_dropped; i++) {
		char function[NAME_BYTES], *copy;

		find_name(budget, output, budget->wishes.dropped[i], function);
		copy = strdup(function);
		if (!copy)
			return;
		free(info->left_out[i]);
		info->left_out[i] = copy;
	}
}

void recorder_budget_end(struct recorder_budget *budget, struct machine_output *output, const char *name)
{
	const struct trace_budget_info *info = &machine_output_info(output)->budget;

	if (!budget->is_ready)
		return;
	name_again(budget, output);
	recorder_notice(output->common,
		"%s: functions took %.3g %% of the vCPUs' time at last; %zu left out%s", name,
		info->share_ppm / 1e4, info->nr_left_out, budget->budget.is_off ? ", then all" : "");
	forget_machine(budget);
}
