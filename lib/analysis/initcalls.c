/* SPDX-License-Identifier: MIT */
#include "lib/analysis/initcalls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NO_ROW        UINT32_MAX
#define ROWS_AT_FIRST 256u

/* An initcall that runs. */
struct frame {
	uint64_t func, start_ns, nested_ns, away_ns;
	uint32_t row; /* NO_ROW: there are too many */
	uint32_t generation;
	uint16_t level;
	bool own;
};

/* A task that runs initcalls. */
struct initcall_task {
	uint64_t pid;
	uint32_t depth;
	struct frame frames[INITCALL_DEPTH_MAX];
	bool loads; /* `module` was loaded, and its initcall has not come so far */
	uint32_t loads_generation;
	char module[INITCALL_NAME_BYTES];
};

int initcalls_init(struct initcalls *initcalls)
{
	*initcalls = (struct initcalls){0};
	return capped_table_init(&initcalls->tasks, sizeof(struct initcall_task), INITCALL_TASKS_MAX);
}

void initcalls_deinit(struct initcalls *initcalls)
{
	capped_table_deinit(&initcalls->tasks);
	free(initcalls->rows);
	*initcalls = (struct initcalls){0};
}

/* NULL: one of too many tasks, which cannot be told apart. */
static struct initcall_task *task_at(struct initcalls *initcalls, uint32_t pid)
{
	struct initcall_task *task = capped_table_at(&initcalls->tasks, pid);

	return task == initcalls->tasks.others ? NULL : task;
}

static void copy_name(char *to, const void *name, uint32_t bytes)
{
	if (bytes >= INITCALL_NAME_BYTES)
		bytes = INITCALL_NAME_BYTES - 1;
	memcpy(to, name, bytes);
	to[bytes] = 0;
}

/* Drops the innermost frames down to `depth`: what ends them was lost. */
static void drop(struct initcalls *initcalls, struct initcall_task *task, uint32_t depth)
{
	while (task->depth > depth) {
		task->depth--;
		initcalls->nr_open--;
		initcalls->unfinished++;
		initcalls->idle_since_ns = 0; /* when it ended is not known */
	}
}

static void add_gap(struct initcalls *initcalls, uint64_t to_ns)
{
	struct initcall_gap gap = {initcalls->idle_since_ns, to_ns, (uint16_t)(initcalls->nr_levels - 1)};
	uint32_t at = initcalls->nr_gaps;

	if (!initcalls->idle_since_ns || !initcalls->nr_levels || to_ns <= gap.from_ns ||
		initcalls->init_at_ns)
		return;
	while (at && initcalls->gaps[at - 1].to_ns - initcalls->gaps[at - 1].from_ns < to_ns - gap.from_ns)
		at--;
	if (at == INITCALL_GAPS_MAX)
		return;
	if (initcalls->nr_gaps < INITCALL_GAPS_MAX)
		initcalls->nr_gaps++;
	memmove(&initcalls->gaps[at + 1], &initcalls->gaps[at],
		(initcalls->nr_gaps - 1 - at) * sizeof(initcalls->gaps[0]));
	initcalls->gaps[at] = gap;
}

void initcalls_level(
	struct initcalls *initcalls, uint32_t pid, const void *name, uint32_t bytes, uint64_t now_ns)
{
	struct initcall_task *task = task_at(initcalls, pid);
	struct initcall_level *level;

	if (task)
		drop(initcalls, task, 0);
	if (!initcalls->nr_open)
		initcalls->idle_since_ns = now_ns; /* what was between the levels is no gap in one */
	if (initcalls->nr_levels == INITCALL_LEVELS_MAX)
		return;
	level = &initcalls->levels[initcalls->nr_levels++];
	*level = (struct initcall_level){.at_ns = now_ns, .pid = pid, .generation = initcalls->generation};
	copy_name(level->name, name, bytes);
}

void initcalls_module(struct initcalls *initcalls, uint32_t pid, const void *name, uint32_t bytes)
{
	struct initcall_task *task = task_at(initcalls, pid);

	if (!task)
		return;
	copy_name(task->module, name, bytes);
	task->loads = true;
	task->loads_generation = initcalls->generation;
}

static uint32_t add_row(struct initcalls *initcalls, const struct initcall *row)
{
	if (initcalls->nr_rows == initcalls->capacity) {
		size_t capacity = initcalls->capacity ? 2 * initcalls->capacity : ROWS_AT_FIRST;
		struct initcall *rows = capacity > INITCALL_ROWS_MAX
			? NULL
			: reallocarray(initcalls->rows, capacity, sizeof(*rows));

		if (!rows)
			return NO_ROW;
		initcalls->rows = rows;
		initcalls->capacity = capacity;
	}
	initcalls->rows[initcalls->nr_rows] = *row;
	return (uint32_t)initcalls->nr_rows++;
}

/* Where events were lost, another level may have begun. */
static uint16_t level_of(const struct initcalls *initcalls, uint32_t pid)
{
	uint32_t number = initcalls->nr_levels - 1;

	if (!initcalls->nr_levels || initcalls->levels[number].pid != pid ||
		initcalls->levels[number].generation != initcalls->generation)
		return INITCALL_NO_LEVEL;
	return (uint16_t)number;
}

void initcalls_start(struct initcalls *initcalls, uint32_t pid, uint32_t cpu, uint64_t func, uint64_t away_ns,
	uint64_t now_ns)
{
	struct initcall_task *task = task_at(initcalls, pid);
	struct initcall row = {
		.func = func,
		.start_ns = now_ns,
		.away_ns = INITCALL_AWAY_UNKNOWN,
		.pid = pid,
		.cpu = cpu,
		.level = INITCALL_NO_LEVEL,
	};
	struct frame *frame;

	add_gap(initcalls, now_ns);
	initcalls->idle_since_ns = 0;
	if (task && task->depth && task->frames[task->depth - 1].generation != initcalls->generation)
		drop(initcalls, task, 0); /* rather its finish was lost than that this one is inside it */
	if (!task || task->depth == INITCALL_DEPTH_MAX) {
		initcalls->unfinished++;
		return;
	}
	if (task->loads && task->loads_generation == initcalls->generation)
		memcpy(row.module, task->module, sizeof(row.module));
	row.own = pid <= 1 && !initcalls->init_at_ns && !task->loads;
	row.level = row.own ? level_of(initcalls, pid) : INITCALL_NO_LEVEL;
	row.depth = (uint16_t)task->depth;
	task->loads = false;
	frame = &task->frames[task->depth++];
	*frame = (struct frame){
		.func = func,
		.start_ns = now_ns,
		.away_ns = away_ns,
		.row = add_row(initcalls, &row),
		.generation = initcalls->generation,
		.level = row.level,
		.own = row.own,
	};
	initcalls->nr_open++;
}

static void add_pair(
	struct initcalls *initcalls, const struct frame *frame, uint32_t depth, uint64_t ns, uint64_t now_ns)
{
	uint64_t outer_ns = depth ? 0 : ns;

	initcalls->finished++;
	initcalls->total_ns += outer_ns;
	if (!frame->own)
		return;
	initcalls->own++;
	initcalls->own_ns += outer_ns;
	initcalls->last_own_ns = now_ns;
	if (frame->level == INITCALL_NO_LEVEL)
		return;
	initcalls->levels[frame->level].end_ns = now_ns;
	initcalls->levels[frame->level].count++;
	initcalls->levels[frame->level].total_ns += outer_ns;
}

/* The pair is complete: the frame at task->depth has been taken off. */
static void close_frame(struct initcalls *initcalls, struct initcall_task *task, int64_t ret,
	uint64_t away_ns, uint64_t now_ns)
{
	const struct frame *frame = &task->frames[task->depth];
	bool torn = frame->generation != initcalls->generation;
	uint64_t ns = now_ns > frame->start_ns ? now_ns - frame->start_ns : 0;
	struct initcall *row;

	if (task->depth)
		task->frames[task->depth - 1].nested_ns += ns;
	add_pair(initcalls, frame, task->depth, ns, now_ns);
	if (frame->row == NO_ROW) {
		initcalls->left_out++;
		return;
	}
	row = &initcalls->rows[frame->row];
	row->end_ns = row->start_ns + ns;
	row->nested_ns = frame->nested_ns;
	row->ret = (int32_t)ret;
	row->torn = torn;
	if (!torn && frame->away_ns != INITCALL_AWAY_UNKNOWN && away_ns != INITCALL_AWAY_UNKNOWN &&
		away_ns >= frame->away_ns)
		row->away_ns = away_ns - frame->away_ns < ns ? away_ns - frame->away_ns : ns;
}

void initcalls_finish(struct initcalls *initcalls, uint32_t pid, uint64_t func, int64_t ret, uint64_t away_ns,
	uint64_t now_ns)
{
	struct initcall_task *task = task_at(initcalls, pid);
	uint32_t at = task ? task->depth : 0;
	const struct frame *frame;

	while (at && task->frames[at - 1].func != func)
		at--;
	frame = at ? &task->frames[at - 1] : NULL;
	if (!frame || (!frame->own && frame->generation != initcalls->generation)) {
		initcalls->unstarted++;
		if (frame)
			drop(initcalls, task, at - 1);
		return;
	}
	drop(initcalls, task, at); /* those inside it cannot go on without it */
	task->depth--;
	initcalls->nr_open--;
	close_frame(initcalls, task, ret, away_ns, now_ns);
	if (!initcalls->nr_open)
		initcalls->idle_since_ns = now_ns;
}

void initcalls_task_ends(struct initcalls *initcalls, uint32_t pid)
{
	const uint64_t *found = hash_map_get(&initcalls->tasks.index, pid);
	struct initcall_task *task = found ? (struct initcall_task *)(uintptr_t)*found : NULL;

	if (!task)
		return;
	drop(initcalls, task, 0);
	task->loads = false;
}

void initcalls_init_begins(struct initcalls *initcalls, uint64_t now_ns)
{
	if (!initcalls->init_at_ns)
		initcalls->init_at_ns = now_ns;
}

void initcalls_lost(struct initcalls *initcalls)
{
	initcalls->generation++;
	initcalls->idle_since_ns = 0;
}

void initcalls_end(struct initcalls *initcalls)
{
	for (size_t i = 0; i < initcalls->tasks.count; i++)
		drop(initcalls, capped_table_row(&initcalls->tasks, i), 0);
}

static int compare_self(const void *a, const void *b)
{
	const struct initcall *one = *(const struct initcall *const *)a,
			      *other = *(const struct initcall *const *)b;
	uint64_t one_ns = initcall_self_ns(one), other_ns = initcall_self_ns(other);

	if (one_ns != other_ns)
		return one_ns < other_ns ? 1 : -1;
	return one < other ? -1 : one > other;
}

const struct initcall **initcalls_longest(const struct initcalls *initcalls, size_t *nr)
{
	const struct initcall **rows = initcalls->nr_rows ? malloc(initcalls->nr_rows * sizeof(*rows)) : NULL;

	*nr = rows ? initcalls->nr_rows : 0;
	for (size_t i = 0; i < *nr; i++)
		rows[i] = &initcalls->rows[i];
	if (rows)
		qsort(rows, *nr, sizeof(*rows), compare_self);
	return rows;
}
