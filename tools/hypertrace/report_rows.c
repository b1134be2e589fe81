/* SPDX-License-Identifier: MIT */
/* The order of the report's rows, and their names. */
#include "tools/hypertrace/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/syscall_names.h"

/* Larger first; -1, 0 or 1 as qsort() wants it. */
static int larger(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

int report_compare_tasks(const void *a, const void *b)
{
	const struct task *one = *(const struct task *const *)a, *other = *(const struct task *const *)b;
	int order = larger(one->run_ns, other->run_ns);

	if (!order)
		order = larger(one->events, other->events);
	return order ? order : larger(other->pid, one->pid);
}

int report_compare_waits(const void *a, const void *b)
{
	const struct task *one = *(const struct task *const *)a, *other = *(const struct task *const *)b;
	int order = larger(one->woken.max_ns, other->woken.max_ns);

	return order ? order : larger(other->pid, one->pid);
}

int report_compare_interrupts(const void *a, const void *b)
{
	const struct interrupt_row *one = *(const struct interrupt_row *const *)a;
	const struct interrupt_row *other = *(const struct interrupt_row *const *)b;
	int order = larger(one->own.histogram.sum, other->own.histogram.sum);

	return order ? order : larger(other->key, one->key);
}

int report_compare_syscalls(const void *a, const void *b)
{
	const struct syscall_row *one = *(const struct syscall_row *const *)a;
	const struct syscall_row *other = *(const struct syscall_row *const *)b;
	int order = larger(one->durations.histogram.sum, other->durations.histogram.sum);

	if (!order)
		order = larger(one->exits, other->exits);
	return order ? order : larger(other->key, one->key);
}

int report_compare_task_calls(const void *a, const void *b)
{
	const struct syscall_task_row *one = *(const struct syscall_task_row *const *)a;
	const struct syscall_task_row *other = *(const struct syscall_task_row *const *)b;
	int order = larger(one->total_ns, other->total_ns);

	if (!order)
		order = larger(one->exits, other->exits);
	return order ? order : larger(other->key, one->key);
}

int report_compare_counts(const void *a, const void *b)
{
	/* struct format_row and struct fault_row are alike: key and count */
	const uint64_t *one = *(const uint64_t *const *)a, *other = *(const uint64_t *const *)b;
	int order = larger(one[1], other[1]);

	return order ? order : larger(other[0], one[0]);
}

uint64_t report_events_of(const struct report_machine *machine, uint32_t id)
{
	const struct event_schema *schema = machine->machine->schema;
	const struct event_type *type = schema->types[id];
	uint64_t count = 0;

	if (!type || event_schema_find(schema, type->name) != type)
		return 0;
	for (uint32_t other = id; other < EVENT_TYPES_MAX; other++)
		if (schema->types[other] && !strcmp(schema->types[other]->name, type->name))
			count += machine->analysis->by_type[other];
	return count;
}

struct report_name report_syscall(uint64_t nr)
{
	const char *name = nr <= UINT16_MAX ? syscall_name((uint16_t)nr) : NULL;
	struct report_name result;

	if (nr == CAPPED_TABLE_OTHERS)
		strcpy(result.text, "others");
	else if (name)
		snprintf(result.text, sizeof(result.text), "%s%s", name,
			nr & SYSCALL_COMPAT ? " (32-bit)" : "");
	else
		snprintf(result.text, sizeof(result.text), "syscall %" PRIu64 "%s",
			nr & ~(uint64_t)SYSCALL_COMPAT, nr & SYSCALL_COMPAT ? " (32-bit)" : "");
	return result;
}

struct report_name report_function(const struct trace_machine *machine, uint64_t address)
{
	const char *symbol = names_symbol(&machine->names, address, &(uint64_t){0});
	struct report_name result;

	if (address == CAPPED_TABLE_OTHERS)
		strcpy(result.text, "others");
	else if (!address)
		strcpy(result.text, "not known");
	else if (symbol)
		snprintf(result.text, sizeof(result.text), "%s", symbol);
	else
		snprintf(result.text, sizeof(result.text), "0x%" PRIx64, address);
	return result;
}

struct report_name report_interrupt(
	const struct trace_machine *machine, enum interrupt_kind kind, uint64_t key)
{
	const char *name = NULL;
	struct report_name result;

	if (kind >= INTERRUPT_HRTIMER)
		return report_function(machine, key);
	if (kind == INTERRUPT_HARD && key <= UINT32_MAX)
		name = names_irq(&machine->names, (uint32_t)key);
	else if (kind == INTERRUPT_SOFT)
		name = interrupt_soft_name(key);
	if (key == CAPPED_TABLE_OTHERS)
		strcpy(result.text, "others");
	else
		snprintf(result.text, sizeof(result.text), "%" PRIu64 "%s%s", key, name ? " " : "",
			name ? name : "");
	return result;
}

struct report_name report_tracepoint(const struct trace_machine *machine, uint64_t format)
{
	const char *text = format <= UINT32_MAX ? names_format(&machine->names, (uint32_t)format) : NULL;
	struct report_name result;

	/* a tracefs format file begins with "name: sched_stat_runtime\n" */
	if (format == CAPPED_TABLE_OTHERS)
		strcpy(result.text, "others");
	else if (text && !strncmp(text, "name: ", 6))
		snprintf(result.text, sizeof(result.text), "%.*s", (int)strcspn(text + 6, "\n"), text + 6);
	else
		snprintf(result.text, sizeof(result.text), "tracepoint %" PRIu64, format);
	return result;
}

struct report_name report_errno(uint32_t number)
{
	const char *name = syscall_errno_name(number);
	struct report_name result;

	if (name)
		snprintf(result.text, sizeof(result.text), "%s", name);
	else
		snprintf(result.text, sizeof(result.text), "errno %u", number);
	return result;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct report_function_count *)a)->name.text,
		((const struct report_function_count *)b)->name.text);
}

static int compare_function_counts(const void *a, const void *b)
{
	int order = larger(((const struct report_function_count *)a)->count,
		((const struct report_function_count *)b)->count);

	return order ? order : compare_names(a, b);
}

struct report_function_count *report_fault_functions(const struct report_machine *machine, size_t *nr)
{
	const struct capped_table *ips = &machine->analysis->faults.kernel_ips;
	const struct fault_row *others = ips->others;
	size_t nr_rows = ips->count + (others->count != 0);
	struct report_function_count *functions = nr_rows ? calloc(nr_rows, sizeof(*functions)) : NULL;

	*nr = 0;
	if (!functions)
		return NULL;
	for (size_t i = 0; i < nr_rows; i++) {
		const struct fault_row *row = i < ips->count ? capped_table_row(ips, i) : others;

		functions[i].name = report_function(machine->machine, row->key);
		functions[i].count = row->count;
	}
	/* instructions of one function stand side by side now: add them up */
	qsort(functions, nr_rows, sizeof(*functions), compare_names);
	for (size_t i = 0; i < nr_rows; i++) {
		if (*nr && !compare_names(&functions[*nr - 1], &functions[i]))
			functions[*nr - 1].count += functions[i].count;
		else
			functions[(*nr)++] = functions[i];
	}
	qsort(functions, *nr, sizeof(*functions), compare_function_counts);
	return functions;
}
