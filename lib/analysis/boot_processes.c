/* SPDX-License-Identifier: MIT */
#include "lib/analysis/boot_processes.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_AT_FIRST 64u
#define PIDS_MAX      (1u << 18) /* that are remembered */

void boot_processes_init(struct boot_processes *processes)
{
	*processes = (struct boot_processes){0};
}

void boot_processes_deinit(struct boot_processes *processes)
{
	for (size_t i = 0; i < processes->nr_rows; i++)
		free(processes->rows[i].activity);
	free(processes->rows);
	hash_map_deinit(&processes->by_pid);
	*processes = (struct boot_processes){0};
}

static struct boot_process *row_of(const struct boot_processes *processes, uint32_t pid)
{
	const uint64_t *row = hash_map_get(&processes->by_pid, pid);

	return row && *row != BOOT_PROCESS_NONE ? &processes->rows[*row] : NULL;
}

static void set_row(struct boot_processes *processes, uint32_t pid, uint64_t row)
{
	uint64_t *place = hash_map_get(&processes->by_pid, pid);

	if (!place && processes->by_pid.count < PIDS_MAX)
		place = hash_map_put(&processes->by_pid, pid);
	if (place)
		*place = row;
}

static void add_activity(struct boot_processes *processes, struct boot_process *row)
{
	if (processes->nr_activities == BOOT_ACTIVITIES_MAX)
		return;
	row->activity = malloc(sizeof(*row->activity));
	if (!row->activity)
		return;
	activity_init(row->activity, processes->begin_ns);
	processes->nr_activities++;
}

/* NULL: too many. Other rows may move. */
static struct boot_process *add_row(struct boot_processes *processes, const struct boot_process *row)
{
	if (processes->nr_rows == processes->capacity) {
		size_t capacity = processes->capacity ? 2 * processes->capacity : ROWS_AT_FIRST;
		struct boot_process *rows = capacity > BOOT_PROCESSES_MAX
			? NULL
			: reallocarray(processes->rows, capacity, sizeof(*rows));

		if (!rows) {
			processes->left_out++;
			set_row(processes, row->pid, BOOT_PROCESS_NONE);
			return NULL;
		}
		processes->rows = rows;
		processes->capacity = capacity;
	}
	set_row(processes, row->pid, processes->nr_rows);
	processes->rows[processes->nr_rows] = *row;
	return &processes->rows[processes->nr_rows++];
}

static void copy_comm(char to[NAMES_COMM_BYTES], const char *comm)
{
	memset(to, 0, NAMES_COMM_BYTES);
	memcpy(to, comm, strnlen(comm, NAMES_COMM_BYTES - 1));
}

static void end_row(struct boot_process *row, uint64_t now_ns, bool replaced)
{
	row->end_ns = now_ns;
	row->replaced = replaced;
}

void boot_processes_fork(struct boot_processes *processes, const struct boot_fork *child, uint64_t now_ns)
{
	struct boot_process row = {.pid = child->pid, .parent_pid = child->parent_pid, .fork_ns = now_ns};

	if (child->tgid && child->tgid != child->pid) {
		processes->threads++;
		set_row(processes, child->pid, BOOT_PROCESS_NONE);
		return;
	}
	if (child->parent_pid == BOOT_PROCESS_KTHREAD ||
		(child->pid == BOOT_PROCESS_KTHREAD && !child->parent_pid)) {
		processes->kernel_threads++;
		set_row(processes, child->pid, BOOT_PROCESS_NONE);
		return;
	}
	processes->forks++;
	copy_comm(row.comm, child->comm);
	copy_comm(row.parent_comm, child->parent_comm);
	add_row(processes, &row);
}

void boot_processes_exec(struct boot_processes *processes, uint32_t pid, const char *comm, uint64_t now_ns)
{
	struct boot_process *row = row_of(processes, pid);
	struct boot_process next = {.pid = pid};

	processes->execs++;
	if (row && row->exec_ns) {
		end_row(row, now_ns, true);
		next = *row;
		next.end_ns = next.run_ns = 0;
		next.replaced = false;
		next.activity = NULL;
		row = add_row(processes, &next);
	} else if (!row) {
		row = add_row(processes, &next);
	}
	if (!row)
		return;
	row->exec_ns = now_ns;
	row->run_ns = 0;
	copy_comm(row->comm, comm);
}

void boot_processes_rename(struct boot_processes *processes, uint32_t pid, const char *comm)
{
	struct boot_process *row = row_of(processes, pid);

	if (row && !row->exec_ns)
		copy_comm(row->comm, comm);
}

void boot_processes_exit(struct boot_processes *processes, uint32_t pid, uint64_t now_ns)
{
	struct boot_process *row = row_of(processes, pid);

	if (!row)
		return;
	processes->exits++;
	end_row(row, now_ns, false);
	set_row(processes, pid, BOOT_PROCESS_NONE);
}

void boot_processes_ran(struct boot_processes *processes, uint32_t pid, uint64_t from_ns, uint64_t to_ns)
{
	struct boot_process *row = row_of(processes, pid);
	uint64_t begin_ns = row ? boot_process_begin_ns(row) : 0;

	if (from_ns < begin_ns)
		from_ns = begin_ns;
	if (!row || to_ns <= from_ns)
		return;
	row->run_ns += to_ns - from_ns;
	if (!row->activity)
		add_activity(processes, row);
	if (row->activity)
		activity_add(row->activity, from_ns, to_ns);
}
