/* SPDX-License-Identifier: MIT */
/* The JSON report on the kernel's work: system calls, interrupts, timers, page faults. */
#include "tools/hypertrace/report_json.h"

#include <stdlib.h>

static json_t *syscall_json(const struct report_builder *builder, const struct syscall_row *call)
{
	json_t *row = json_object(), *durations = json_object(), *errnos = json_object();

	if (call->key != CAPPED_TABLE_OTHERS)
		json_set_count(row, "nr", call->key);
	json_set_text(row, "name", report_syscall(call->key).text);
	json_set_count(row, "count", call->exits);
	json_set_count(row, "unfinished", call->unfinished);
	json_set_count(row, "off_cpu_ns", call->off_cpu_ns);
	json_set_durations(builder, durations, &call->durations);
	json_object_set_new(row, "durations", durations);
	json_set_count(row, "errors", call->errors);
	for (int i = 0; i < SYSCALL_ERRNOS && call->errnos[i].count; i++)
		json_set_count(errnos, report_errno(call->errnos[i].number).text, call->errnos[i].count);
	json_object_set_new(row, "errnos", errnos);
	return row;
}

json_t *report_syscalls_json(const struct report_builder *builder)
{
	const struct capped_table *table = &builder->analysis->syscalls.rows;
	const struct syscall_row *others = table->others;
	const void **rows = capped_table_sorted(table, report_compare_syscalls);
	json_t *array = json_array();

	for (size_t i = 0; rows && i < json_rows(builder, table->count); i++)
		json_array_append_new(array, syscall_json(builder, rows[i]));
	if (others->exits)
		json_array_append_new(array, syscall_json(builder, others));
	free(rows);
	return array;
}

json_t *report_task_calls_json(const struct report_builder *builder)
{
	const struct capped_table *table = &builder->analysis->syscalls.by_task;
	const void **rows = capped_table_sorted(table, report_compare_task_calls);
	json_t *array = json_array();

	for (size_t i = 0; rows && i < json_rows(builder, table->count); i++) {
		const struct syscall_task_row *call = rows[i];
		json_t *row = json_object();

		json_set_text(row, "comm", call->task->comm);
		json_set_count(row, "pid", call->task->pid);
		json_set_text(row, "name", report_syscall(call->key & UINT16_MAX).text);
		json_set_count(row, "count", call->exits);
		json_set_count(row, "errors", call->errors);
		json_set_count(row, "total_ns", call->total_ns);
		json_set_count(row, "max_ns", call->max_ns);
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

json_t *report_interrupts_json(const struct report_builder *builder, enum interrupt_kind kind)
{
	const struct capped_table *table = &builder->analysis->interrupts.rows[kind];
	const void **rows = capped_table_sorted(table, report_compare_interrupts);
	json_t *array = json_array();

	for (size_t i = 0; rows && i < json_rows(builder, table->count); i++) {
		const struct interrupt_row *interrupt = rows[i];
		json_t *row = json_object();

		json_set_text(
			row, "name", report_interrupt(builder->machine->machine, kind, interrupt->key).text);
		json_set_durations(builder, row, &interrupt->own);
		json_set_count(row, "with_nested_ns", interrupt->elapsed_ns);
		json_array_append_new(array, row);
	}
	free(rows);
	return array;
}

json_t *report_delays_json(const struct report_builder *builder)
{
	const struct capped_table *table = &builder->analysis->interrupts.delays;
	json_t *array = json_array();

	for (size_t i = 0; i < table->count; i++) {
		const struct interrupt_delay *delay = capped_table_row(table, i);
		json_t *row = json_object();

		json_set_text(row, "name",
			report_interrupt(builder->machine->machine, INTERRUPT_SOFT, delay->key).text);
		json_set_durations(builder, row, &delay->delay);
		json_array_append_new(array, row);
	}
	return array;
}

json_t *report_faults_json(const struct report_builder *builder)
{
	const struct faults *faults = &builder->analysis->faults;
	size_t nr;
	struct report_function_count *counts = report_fault_functions(builder->machine, &nr);
	json_t *object = json_object(), *functions = json_array();

	json_set_count(object, "user", faults->user);
	json_set_count(object, "kernel", faults->kernel);
	json_set_count(object, "writes", faults->writes);
	json_set_count(object, "protection", faults->protection);
	for (size_t i = 0; counts && i < json_rows(builder, nr); i++)
		json_append_named_count(functions, counts[i].name.text, counts[i].count);
	json_object_set_new(object, "kernel_functions", functions);
	free(counts);
	return object;
}
