/* SPDX-License-Identifier: MIT */
/* The JSON report's parts, of one machine; report_json() of report.h puts them together. */
#pragma once
#include <jansson.h>
#include "tools/hypertrace/json_put.h"
#include "tools/hypertrace/report.h"

struct report_builder {
	const struct report *report;
	const struct report_machine *machine;
	const struct machine_report *analysis;
};

void json_set_durations(
	const struct report_builder *builder, json_t *object, const struct durations *durations);
void json_append_named_count(json_t *array, const char *name, uint64_t count);

/* How many of `count` rows to show. */
size_t json_rows(const struct report_builder *builder, size_t count);

/* report_json_work.c; new references */
json_t *report_syscalls_json(const struct report_builder *builder);
json_t *report_task_calls_json(const struct report_builder *builder);
json_t *report_interrupts_json(const struct report_builder *builder, enum interrupt_kind kind);
json_t *report_delays_json(const struct report_builder *builder);
json_t *report_faults_json(const struct report_builder *builder);
