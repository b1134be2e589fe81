/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/shutdown_view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct shutdown_name shutdown_view_function(const struct shutdown_view *view, uint64_t func)
{
	const char *symbol = shutdown_function(&view->machine->names, func);
	struct shutdown_name name;

	if (symbol)
		snprintf(name.text, sizeof(name.text), "%s", symbol);
	else
		snprintf(name.text, sizeof(name.text), func ? "0x%" PRIx64 : "?", func);
	return name;
}

struct shutdown_name shutdown_view_open(const struct shutdown_view *view)
{
	const struct shutdown_graph *graph = &view->shutdown->graph;
	struct shutdown_name chain = {""};
	size_t length = 0;

	/* the innermost say most: of a long way only its end */
	for (uint32_t i = graph->nr_open > 6 ? graph->nr_open - 6 : 0; i < graph->nr_open; i++) {
		struct shutdown_name name = shutdown_view_function(view, graph->open[i]);

		length += (size_t)snprintf(chain.text + length, sizeof(chain.text) - length, "%s%s",
			length ? " > " : "", name.text);
		if (length >= sizeof(chain.text))
			break;
	}
	return chain;
}

const char *shutdown_view_section(enum shutdown_section section)
{
	static const char *const names[SHUTDOWN_SECTIONS] = {
		[SHUTDOWN_SECTION_NOTIFIERS] = "reboot notifiers",
		[SHUTDOWN_SECTION_DEVICES] = "devices",
		[SHUTDOWN_SECTION_SYSCORE] = "system core",
		[SHUTDOWN_SECTION_MACHINE] = "machine",
		[SHUTDOWN_SECTION_OTHER] = "other",
	};

	return names[section];
}

const char *shutdown_view_source(enum shutdown_source source)
{
	static const char *const names[] = {
		[SHUTDOWN_UNKNOWN] = "unknown",
		[SHUTDOWN_BY_GRAPH] = "function graph",
		[SHUTDOWN_BY_SYSCALL] = "reboot system call",
		[SHUTDOWN_BY_NOTIFIER] = "reboot notifier",
		[SHUTDOWN_BY_MESSAGE] = "kernel message",
	};

	return names[source];
}

struct shutdown_name shutdown_view_task(const struct shutdown_view *view)
{
	const struct task_table *tasks = &view->shutdown->tasks;
	uint32_t pid = view->shutdown->pid, row = pid < TASK_TABLE_PIDS ? tasks->by_pid[pid] : 0;
	const char *comm = row ? tasks->rows[row - 1]->comm : "";
	struct shutdown_name name;

	snprintf(name.text, sizeof(name.text), "%s/%" PRIu32, *comm ? comm : "?", pid);
	return name;
}

struct shutdown_name shutdown_view_call(const struct shutdown_view *view, const struct shutdown_call *call)
{
	struct shutdown_name function = shutdown_view_function(view, call->func), name;

	if (!call->device[0])
		return function;
	snprintf(name.text, sizeof(name.text), "%.100s (%s)", function.text, call->device);
	return name;
}

static uint64_t call_ns(const struct shutdown_call *call)
{
	return (call->end_ns ? call->end_ns : UINT64_MAX) - call->start_ns;
}

static int compare_calls(const void *a, const void *b)
{
	const struct shutdown_call *one = *(const struct shutdown_call *const *)a;
	const struct shutdown_call *other = *(const struct shutdown_call *const *)b;

	if (call_ns(one) != call_ns(other))
		return call_ns(one) < call_ns(other) ? 1 : -1;
	return one < other ? -1 : one > other;
}

const struct shutdown_call **shutdown_view_calls(
	const struct shutdown_view *view, enum shutdown_section section, size_t *nr)
{
	const struct shutdown_graph *graph = &view->shutdown->graph;
	const struct shutdown_call **rows = graph->nr_calls ? malloc(graph->nr_calls * sizeof(*rows)) : NULL;

	*nr = 0;
	for (size_t i = 0; rows && i < graph->nr_calls; i++)
		if (graph->calls[i].helper ? section == SHUTDOWN_SECTIONS
					   : graph->calls[i].section == section)
			rows[(*nr)++] = &graph->calls[i];
	if (rows)
		qsort(rows, *nr, sizeof(*rows), compare_calls);
	return rows;
}

static int compare_ends(const void *a, const void *b)
{
	const struct boot_process *one = *(const struct boot_process *const *)a;
	const struct boot_process *other = *(const struct boot_process *const *)b;

	if (one->end_ns != other->end_ns)
		return one->end_ns < other->end_ns ? 1 : -1;
	return one < other ? -1 : one > other;
}

const struct boot_process **shutdown_view_ended(const struct shutdown_view *view, size_t *nr)
{
	const struct boot_processes *processes = &view->shutdown->processes;
	const struct boot_process **rows =
		processes->nr_rows ? malloc(processes->nr_rows * sizeof(*rows)) : NULL;

	*nr = 0;
	for (size_t i = 0; rows && view->shutdown->command_ns && i < processes->nr_rows; i++)
		if (processes->rows[i].end_ns >= view->shutdown->command_ns)
			rows[(*nr)++] = &processes->rows[i];
	if (rows)
		qsort(rows, *nr, sizeof(*rows), compare_ends);
	return rows;
}
