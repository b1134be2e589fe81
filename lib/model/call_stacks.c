/* SPDX-License-Identifier: MIT */
#include "lib/model/call_stacks.h"

#include <errno.h>
#include <stdlib.h>

#define FRAMES_AT_FIRST 16u
#define NO_CPU          UINT32_MAX          /* of a task that has not run: it is off */
#define IDLE_KEY        (UINT64_C(1) << 32) /* above all pids */

int call_stacks_init(struct call_stacks *stacks, uint32_t nr_cpus, const struct call_listener *listener)
{
	*stacks = (struct call_stacks){.nr_cpus = nr_cpus, .listener = *listener};
	stacks->cpus = calloc(nr_cpus + (size_t)1, sizeof(*stacks->cpus));
	return stacks->cpus ? 0 : -ENOMEM;
}

void call_stacks_deinit(struct call_stacks *stacks)
{
	uint64_t pid, value;

	for (size_t at = 0; hash_map_next(&stacks->tasks, &at, &pid, &value);) {
		struct call_task *task = (struct call_task *)(uintptr_t)value;

		free(task->frames);
		free(task);
	}
	hash_map_deinit(&stacks->tasks);
	free(stacks->cpus);
	*stacks = (struct call_stacks){0};
}

/* --- clocks --- */

static inline struct call_times times_at(
	const struct call_stacks *stacks, const struct call_task *task, uint64_t now_ns)
{
	bool on = !task->left_ns;
	uint64_t on_ns = (on ? now_ns : task->left_ns) - task->off_ns;
	uint64_t stolen_ns = task->stolen_ns + (on ? stacks->cpus[task->cpu].stolen_ns : 0);

	return (struct call_times){now_ns, on_ns, on_ns - stolen_ns};
}

static void go_off(struct call_stacks *stacks, struct call_task *task, uint64_t now_ns)
{
	if (task->left_ns)
		return;
	task->stolen_ns += stacks->cpus[task->cpu].stolen_ns;
	task->left_ns = now_ns;
}

static void go_on(struct call_stacks *stacks, struct call_task *task, uint32_t cpu, uint64_t now_ns)
{
	if (task->left_ns)
		task->off_ns += now_ns - task->left_ns;
	else
		task->stolen_ns += stacks->cpus[task->cpu].stolen_ns;
	task->stolen_ns -= stacks->cpus[cpu].stolen_ns;
	task->left_ns = 0;
	task->cpu = cpu;
}

/* --- frames --- */

static bool has_room(struct call_stacks *stacks, struct call_task *task)
{
	uint32_t room = task->room ? 2 * task->room : FRAMES_AT_FIRST;
	struct call_frame *frames;

	if (task->depth < task->room)
		return true;
	if (room > CALL_STACKS_DEPTH || stacks->nr_frames + room - task->room > CALL_STACKS_FRAMES)
		return false;
	frames = reallocarray(task->frames, room, sizeof(*frames));
	if (!frames)
		return false;
	stacks->nr_frames += room - task->room;
	task->frames = frames;
	task->room = room;
	return true;
}

static bool push(struct call_stacks *stacks, struct call_task *task, uint64_t function, struct call_times now)
{
	struct call_frame *frame;

	if (__builtin_expect(!has_room(stacks, task), 0))
		return false;
	frame = &task->frames[task->depth++];
	frame->function = function;
	frame->start = now;
	frame->children = (struct call_times){0};
	frame->node = frame->flags = 0;
	stacks->listener.enter(stacks->listener.context, task, frame);
	return true;
}

static void pop(struct call_stacks *stacks, struct call_task *task, struct call_times now, enum call_end end)
{
	struct call_frame *frame = &task->frames[task->depth - 1];
	struct call_frame *caller = call_frame_caller(task, frame);
	struct call_times took = call_times_between(frame->start, now);

	/* what the host says is within the error of a clock */
	if (__builtin_expect(took.real_ns > took.on_ns, 0))
		took.real_ns = (int64_t)took.real_ns < 0 ? 0 : took.on_ns;
	stacks->listener.leave(stacks->listener.context, task, frame, &took, end);
	if (caller) {
		caller->children.wall_ns += took.wall_ns;
		caller->children.on_ns += took.on_ns;
		caller->children.real_ns += took.real_ns;
	}
	task->depth--;
}

static void pop_all(
	struct call_stacks *stacks, struct call_task *task, struct call_times now, enum call_end end)
{
	while (task->depth)
		pop(stacks, task, now, end);
	task->excess = 0;
}

static void free_frames(struct call_stacks *stacks, struct call_task *task)
{
	stacks->nr_frames -= task->room;
	free(task->frames);
	task->frames = NULL;
	task->room = 0;
}

/* --- tasks --- */

static struct call_task *find(struct call_stacks *stacks, uint32_t cpu, uint32_t pid)
{
	uint64_t key = pid ? pid : IDLE_KEY | cpu, *place = hash_map_get(&stacks->tasks, key);
	struct call_task *task;

	if (place)
		return (struct call_task *)(uintptr_t)*place;
	if (stacks->tasks.count >= CALL_STACKS_TASKS)
		return NULL;
	task = calloc(1, sizeof(*task));
	place = task ? hash_map_put(&stacks->tasks, key) : NULL;
	if (!place) {
		free(task);
		return NULL;
	}
	*task = (struct call_task){.pid = pid,
		.cpu = cpu,
		.stolen_ns = 0 - stacks->cpus[cpu].stolen_ns,
		.generation = stacks->generation,
		.headless = stacks->gaps != 0};
	*place = (uintptr_t)task;
	return task;
}

/* It may have run where events were lost: what it was in then is over, as far as known. */
static void catch_up(struct call_stacks *stacks, struct call_task *task)
{
	pop_all(stacks, task, task->seen, CALL_LOST);
	task->generation = stacks->generation;
	task->headless = true;
	task->ended = false;
}

/* The task that an event of that CPU is of; NULL: it found no room. */
static struct call_task *task_at_slow(struct call_stacks *stacks, uint32_t cpu, uint32_t pid, uint64_t now_ns)
{
	struct call_cpu *place = &stacks->cpus[cpu];
	struct call_task *task = find(stacks, cpu, pid);

	if (!task)
		return NULL;
	if (task->generation != stacks->generation)
		catch_up(stacks, task);
	/* not every change is told: the task that switches goes on for some functions, and not all switches are recorded */
	if (place->task && place->task != task && place->task->cpu == cpu)
		go_off(stacks, place->task, now_ns);
	go_on(stacks, task, cpu, now_ns);
	if (place->task != task)
		place->since_ns = now_ns;
	place->task = task;
	return task;
}

static inline struct call_task *task_at(
	struct call_stacks *stacks, uint32_t cpu, uint32_t pid, uint64_t now_ns)
{
	struct call_task *task = stacks->cpus[cpu].task;

	if (__builtin_expect(
		    task && task->pid == pid && task->generation == stacks->generation && task->cpu == cpu,
		    1))
		return task;
	return task_at_slow(stacks, cpu, pid, now_ns);
}

/* Time never goes back: durations are differences. */
static inline uint64_t forward(struct call_stacks *stacks, uint32_t cpu, uint64_t now_ns)
{
	if (__builtin_expect(now_ns < stacks->last_ns, 0)) {
		stacks->backwards++;
		now_ns = stacks->last_ns;
	}
	stacks->last_ns = now_ns;
	stacks->cpus[cpu].seen_ns = now_ns;
	return now_ns;
}

/* --- events --- */

/* Makes the stack `depth` deep: what is above has ended unseen, what is missing below is not known. */
static bool resize(struct call_stacks *stacks, struct call_task *task, uint32_t depth, struct call_times now)
{
	while (task->depth > depth) {
		stacks->stray_frames += task->frames[task->depth - 1].function != 0;
		pop(stacks, task, now, CALL_LOST);
	}
	while (task->depth < depth)
		if (depth >= CALL_STACKS_DEPTH || !push(stacks, task, 0, now))
			return false;
	return true;
}

/* Without depths: what a function stands on that is entered now. False: it finds no room. */
static bool open_next(struct call_stacks *stacks, uint32_t cpu, struct call_task *task, struct call_times now)
{
	struct call_cpu *place = &stacks->cpus[cpu];

	place->within_switch += place->traces_switch;
	if (!task->excess && (task->depth || !task->headless || push(stacks, task, 0, now)))
		return true;
	task->excess++;
	return false;
}

/* Whose event that is, and its clocks then; NULL: no task's that there is room for, which is counted, or of no CPU. */
static inline struct call_task *task_now(
	struct call_stacks *stacks, uint32_t cpu, uint32_t pid, uint64_t now_ns, struct call_times *now)
{
	struct call_task *task;

	if (cpu >= stacks->nr_cpus)
		return NULL;
	now_ns = forward(stacks, cpu, now_ns);
	task = task_at(stacks, cpu, pid, now_ns);
	if (__builtin_expect(!task, 0)) {
		stacks->left_out++;
		return NULL;
	}
	*now = times_at(stacks, task, now_ns);
	task->seen = *now;
	return task;
}

void call_stacks_enter(struct call_stacks *stacks, uint32_t cpu, uint32_t pid, uint64_t function,
	uint32_t depth, uint64_t now_ns)
{
	struct call_times now;
	struct call_task *task = task_now(stacks, cpu, pid, now_ns, &now);

	if (__builtin_expect(!task, 0))
		return;
	if (depth == CALL_DEPTH_UNKNOWN ? !open_next(stacks, cpu, task, now)
					: task->depth != depth && !resize(stacks, task, depth, now)) {
		stacks->too_deep++;
		return;
	}
	if (push(stacks, task, function, now))
		return;
	stacks->too_deep++;
	task->excess += depth == CALL_DEPTH_UNKNOWN;
}

/* Of a trace with depths: the exit of the function at `depth`. */
static void leave_depth(struct call_stacks *stacks, struct call_task *task, uint64_t function, uint32_t depth,
	struct call_times now)
{
	bool is_there;

	if (depth >= CALL_STACKS_DEPTH)
		return;
	is_there = task->depth > depth && task->frames[depth].function == function;
	if (!is_there) {
		stacks->stray_exits++;
		resize(stacks, task, depth, now);
		return;
	}
	if (task->depth > depth + 1)
		resize(stacks, task, depth + 1, now);
	pop(stacks, task, now, CALL_RETURNED);
}

void call_stacks_leave(struct call_stacks *stacks, uint32_t cpu, uint32_t pid, uint64_t function,
	uint32_t depth, uint64_t now_ns)
{
	struct call_times now;
	struct call_task *task = task_now(stacks, cpu, pid, now_ns, &now);

	if (__builtin_expect(!task, 0))
		return;
	if (depth != CALL_DEPTH_UNKNOWN)
		leave_depth(stacks, task, function, depth, now);
	else if (__builtin_expect(stacks->cpus[cpu].traces_switch, 0) && !stacks->cpus[cpu].within_switch--)
		stacks->cpus[cpu].traces_switch = false;
	else if (task->excess)
		task->excess--;
	else if (!task->depth || !task->frames[task->depth - 1].function)
		stacks->stray_exits++;
	else
		pop(stacks, task, now, CALL_RETURNED);
}

/* The task that died there has said its last word: its kernel switched once more. */
static void bury(struct call_stacks *stacks, struct call_cpu *place, const struct call_task *leaves)
{
	struct call_task *task = place->ending;

	if (!task || task == leaves)
		return;
	place->ending = NULL;
	if (!task->ended || task->generation != stacks->generation)
		return;
	pop_all(stacks, task, task->seen, CALL_EXITED);
	free_frames(stacks, task);
}

/* sched_switch is recorded within a traced function: it is over, as far as its task is concerned. */
static void leave_switch_tracer(
	struct call_stacks *stacks, struct call_cpu *place, struct call_task *task, struct call_times now)
{
	const struct call_frame *top = task->depth ? &task->frames[task->depth - 1] : NULL;

	if (!top || !stacks->switch_tracer || top->function != stacks->switch_tracer)
		return;
	pop(stacks, task, now, CALL_RETURNED);
	place->traces_switch = true;
	place->within_switch = 0;
}

void call_stacks_switch(
	struct call_stacks *stacks, uint32_t cpu, uint32_t pid, uint32_t next_pid, bool ends, uint64_t now_ns)
{
	struct call_task *task, *next;
	struct call_cpu *place;

	if (cpu >= stacks->nr_cpus)
		return;
	now_ns = forward(stacks, cpu, now_ns);
	place = &stacks->cpus[cpu];
	stacks->switches = true;
	task = task_at(stacks, cpu, pid, now_ns);
	bury(stacks, place, task);
	if (task) {
		task->seen = times_at(stacks, task, now_ns);
		leave_switch_tracer(stacks, place, task, task->seen);
		go_off(stacks, task, now_ns);
		task->ended = ends && pid;
		if (task->ended)
			place->ending = task;
	}
	next = find(stacks, cpu, next_pid);
	if (next && next->generation != stacks->generation)
		catch_up(stacks, next);
	if (next) {
		go_on(stacks, next, cpu, now_ns);
		next->ended = false;
	}
	place->task = next;
	place->since_ns = now_ns;
}

void call_stacks_fork(struct call_stacks *stacks, uint32_t pid)
{
	struct call_task *task = pid && stacks->nr_cpus ? find(stacks, 0, pid) : NULL;

	if (!task)
		return;
	pop_all(stacks, task, task->seen, task->generation == stacks->generation ? CALL_EXITED : CALL_LOST);
	free_frames(stacks, task);
	*task = (struct call_task){.pid = pid,
		.cpu = NO_CPU,
		.generation = stacks->generation,
		.left_ns = stacks->last_ns ? stacks->last_ns : 1};
}

void call_stacks_cut(struct call_stacks *stacks)
{
	uint64_t pid, value;

	for (size_t at = 0; hash_map_next(&stacks->tasks, &at, &pid, &value);) {
		struct call_task *task = (struct call_task *)(uintptr_t)value;

		pop_all(stacks, task, task->seen, CALL_LOST);
		task->generation = stacks->generation;
		task->headless = false;
	}
	for (uint32_t i = 0; i < stacks->nr_cpus; i++)
		stacks->cpus[i].traces_switch = false;
}

void call_stacks_lost(struct call_stacks *stacks, uint32_t cpu, uint64_t now_ns)
{
	uint32_t generation = stacks->generation;
	uint64_t before_ns;

	if (cpu >= stacks->nr_cpus)
		return;
	before_ns = stacks->cpus[cpu].seen_ns;
	forward(stacks, cpu, now_ns);
	stacks->gaps++;
	stacks->generation++;
	for (uint32_t i = 0; i < stacks->nr_cpus; i++) {
		struct call_cpu *other = &stacks->cpus[i];

		/* since before the gap it is elsewhere: it cannot have had a part in it */
		if (i != cpu && other->task && other->since_ns <= before_ns && !other->task->left_ns &&
			other->task->cpu == i && other->task->generation == generation)
			other->task->generation = stacks->generation;
	}
}

void call_stacks_restart(struct call_stacks *stacks, uint64_t now_ns,
	void (*each)(void *context, struct call_task *task, struct call_frame *frame))
{
	uint64_t pid, value;

	for (size_t at = 0; hash_map_next(&stacks->tasks, &at, &pid, &value);) {
		struct call_task *task = (struct call_task *)(uintptr_t)value;

		if (task->generation != stacks->generation)
			catch_up(stacks, task);
		if (task->depth)
			task->seen = times_at(stacks, task, now_ns);
		for (uint32_t i = 0; i < task->depth; i++) {
			task->frames[i].start = task->seen;
			task->frames[i].children = (struct call_times){0};
			each(stacks->listener.context, task, &task->frames[i]);
		}
	}
}

void call_stacks_finish(struct call_stacks *stacks, uint64_t now_ns)
{
	uint64_t pid, value;

	if (now_ns < stacks->last_ns)
		now_ns = stacks->last_ns;
	for (size_t at = 0; hash_map_next(&stacks->tasks, &at, &pid, &value);) {
		struct call_task *task = (struct call_task *)(uintptr_t)value;

		if (task->generation != stacks->generation)
			pop_all(stacks, task, task->seen, CALL_LOST);
		else if (task->ended)
			pop_all(stacks, task, task->seen, CALL_EXITED);
		else
			pop_all(stacks, task, times_at(stacks, task, now_ns), CALL_OPEN);
	}
}
