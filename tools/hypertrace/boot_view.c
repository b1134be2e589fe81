/* SPDX-License-Identifier: MIT */
#include "tools/hypertrace/boot_view.h"

#include <stdlib.h>

const char *boot_view_level(const struct boot_view *view, uint16_t level)
{
	return level < view->boot->initcalls.nr_levels ? view->boot->initcalls.levels[level].name : "-";
}

const struct initcall *boot_view_initcall_at(const struct boot_view *view, uint64_t at_ns)
{
	const struct initcalls *initcalls = &view->boot->initcalls;

	for (size_t i = 0; i < initcalls->nr_rows; i++)
		if (initcalls->rows[i].start_ns == at_ns)
			return &initcalls->rows[i];
	return NULL;
}

uint64_t boot_view_process_end_ns(const struct boot_view *view, const struct boot_process *process)
{
	return process->end_ns ? process->end_ns : view->boot->last_ns;
}

static int compare_life(const void *a, const void *b)
{
	const struct boot_process *one = *(const struct boot_process *const *)a;
	const struct boot_process *other = *(const struct boot_process *const *)b;
	uint64_t one_ns = boot_process_life_ns(one, UINT64_MAX),
		 other_ns = boot_process_life_ns(other, UINT64_MAX);

	/* of those that never ended the oldest lived longest, and all of them longer than the others */
	if (one_ns != other_ns)
		return one_ns < other_ns ? 1 : -1;
	return one < other ? -1 : one > other;
}

const struct boot_process **boot_view_processes(const struct boot_view *view, size_t *nr)
{
	const struct boot_processes *processes = &view->boot->processes;
	const struct boot_process **rows =
		processes->nr_rows ? malloc(processes->nr_rows * sizeof(*rows)) : NULL;

	*nr = 0;
	for (size_t i = 0; rows && i < processes->nr_rows; i++)
		rows[(*nr)++] = &processes->rows[i];
	if (rows)
		qsort(rows, *nr, sizeof(*rows), compare_life);
	return rows;
}
