/* SPDX-License-Identifier: MIT */
#include "lib/analysis/schedule.h"

#include <errno.h>
#include <stdlib.h>

enum {
	STATE_SLEEP = 1,
	STATE_DISK = 2,
	STATE_STOPPED = 4 | 8,
	STATE_DEAD = 16 | 32,
	STATE_IDLE = 128,
};

int schedule_init(struct schedule *schedule, struct task_table *tasks, uint32_t nr_cpus)
{
	*schedule = (struct schedule){.tasks = tasks, .nr_cpus = nr_cpus};
	schedule->cpus = calloc(nr_cpus ? nr_cpus : 1, sizeof(*schedule->cpus));
	return schedule->cpus ? 0 : -ENOMEM;
}

void schedule_deinit(struct schedule *schedule)
{
	free(schedule->cpus);
	*schedule = (struct schedule){0};
}

static void set_state(
	const struct schedule *schedule, struct task *task, enum task_state state, uint64_t now_ns)
{
	task->state = state;
	task->since_ns = now_ns;
	task->generation = schedule->generation;
}

/* Is what is known of the task's state still true: was nothing lost since? */
static bool is_current(const struct schedule *schedule, const struct task *task)
{
	return task->state != TASK_UNKNOWN && task->generation == schedule->generation;
}

static void add_wait(struct task_wait *wait, uint64_t ns, uint64_t now_ns)
{
	if (ns >= wait->max_ns) {
		wait->max_ns = ns;
		wait->max_at_ns = now_ns;
	}
	wait->count++;
	wait->total_ns += ns;
}

static bool elapsed(struct schedule *schedule, uint64_t since_ns, uint64_t now_ns, uint64_t *ns)
{
	if (duration_between(since_ns, now_ns, ns))
		return true;
	schedule->backwards += since_ns != 0;
	return false;
}

void schedule_begin(struct schedule *schedule, uint32_t cpu, uint32_t pid, uint64_t now_ns)
{
	schedule->cpus[cpu].since_ns = now_ns;
	schedule->cpus[cpu].pid = pid;
}

/* Adds the time since the last switch to the task that had the CPU. */
static void account(struct schedule *schedule, uint32_t cpu, struct task *task, uint64_t now_ns)
{
	struct schedule_cpu *state = &schedule->cpus[cpu];
	uint64_t ns;

	if (!elapsed(schedule, state->since_ns, now_ns, &ns))
		return;
	if (!state->unwanted)
		task->run_ns += ns;
	*(state->pid ? &state->busy_ns : &state->idle_ns) += ns;
}

static enum task_reason reason_of(uint32_t prev_state)
{
	if (prev_state & STATE_IDLE)
		return TASK_IDLE;
	if (prev_state & STATE_DISK)
		return TASK_DISK;
	if (prev_state & STATE_SLEEP)
		return TASK_SLEEP;
	return prev_state & STATE_STOPPED ? TASK_STOPPED : TASK_PARKED;
}

static void leave(
	struct schedule *schedule, struct task *task, uint32_t prev_state, bool wanted, uint64_t now_ns)
{
	/* A waking that came while it ran counts only from this run, not from one before. */
	if (!is_current(schedule, task) || task->state != TASK_RUNNING)
		task->woken_while_running_ns = 0;
	task->left_ns = now_ns;
	if (!prev_state || prev_state & SCHEDULE_STATE_PREEMPTED) {
		task->preemptions += wanted;
		set_state(schedule, task, TASK_PREEMPTED, now_ns);
	} else if (prev_state & STATE_DEAD) {
		set_state(schedule, task, TASK_DEAD, now_ns);
	} else {
		set_state(schedule, task, TASK_BLOCKED, now_ns);
		task->reason = (uint8_t)reason_of(prev_state);
	}
}

static void waited(struct schedule *schedule, struct task *task, uint32_t cpu, bool preempted, bool wanted,
	uint64_t now_ns)
{
	uint64_t ns;

	if (!elapsed(schedule, task->since_ns, now_ns, &ns))
		return;
	add_wait(preempted ? &task->preempted : &task->woken, ns, now_ns);
	if (wanted && task->wanted)
		durations_add(
			preempted ? &schedule->preempted : &schedule->woken, ns, now_ns, cpu, task->pid);
}

static void enter(struct schedule *schedule, struct task *task, uint32_t cpu, bool wanted, uint64_t now_ns)
{
	uint64_t ns;

	if (is_current(schedule, task)) {
		if (task->state == TASK_WOKEN || task->state == TASK_PREEMPTED)
			waited(schedule, task, cpu, task->state == TASK_PREEMPTED, wanted, now_ns);
		/*
		 * Woken between its decision to sleep and the switch: the waker waited until the task was off
		 * its CPU, so it is runnable since then.
		 */
		else if (task->state == TASK_BLOCKED && task->woken_while_running_ns)
			waited(schedule, task, cpu, false, wanted, now_ns);
		if (elapsed(schedule, task->left_ns, now_ns, &ns))
			task->away_ns += ns;
	}
	task->switches += wanted;
	task->left_ns = 0;
	task->woken_while_running_ns = 0;
	set_state(schedule, task, TASK_RUNNING, now_ns);
}

void schedule_switch(struct schedule *schedule, uint32_t cpu, uint32_t prev_pid, uint32_t next_pid,
	uint32_t prev_state, bool wanted, uint64_t now_ns)
{
	struct schedule_cpu *state = &schedule->cpus[cpu];
	struct task *prev = task_table_at(schedule->tasks, prev_pid);
	struct task *next = task_table_at(schedule->tasks, next_pid);

	account(schedule, cpu, prev, now_ns);
	state->since_ns = now_ns;
	state->pid = next_pid;
	state->switches++;
	schedule->switches++;
	/* There is an idle task for every CPU, all of pid 0, and `others` is many tasks: they have no state. */
	if (prev_pid && task_is_known(schedule->tasks, prev))
		leave(schedule, prev, prev_state, wanted, now_ns);
	if (next_pid && task_is_known(schedule->tasks, next))
		enter(schedule, next, cpu, wanted, now_ns);
	else
		next->switches += wanted;
}

void schedule_waking(struct schedule *schedule, uint32_t pid, uint64_t now_ns)
{
	struct task *task = task_table_at(schedule->tasks, pid);
	uint64_t ns;

	task->wakeups++;
	if (!task_is_known(schedule->tasks, task) || !pid)
		return;
	if (!is_current(schedule, task)) {
		task->left_ns = 0;
		set_state(schedule, task, TASK_WOKEN, now_ns);
		return;
	}
	if (task->state == TASK_RUNNING) {
		task->woken_while_running_ns = now_ns;
		return;
	}
	if (task->state == TASK_WOKEN || task->state == TASK_PREEMPTED)
		return; /* it waits already */
	if (task->state == TASK_BLOCKED && elapsed(schedule, task->since_ns, now_ns, &ns))
		add_wait(&task->blocked[task->reason], ns, now_ns);
	set_state(schedule, task, TASK_WOKEN, now_ns);
}

void schedule_migrate(struct schedule *schedule, uint32_t pid)
{
	task_table_at(schedule->tasks, pid)->migrations++;
}

void schedule_lost(struct schedule *schedule, uint32_t cpu, uint32_t pid, uint64_t now_ns)
{
	struct schedule_cpu *state = &schedule->cpus[cpu];
	uint64_t ns;

	/* Until its last event the CPU did what it was known to do. */
	if (state->seen_ns) {
		account(schedule, cpu, task_table_at(schedule->tasks, state->pid), state->seen_ns);
		if (elapsed(schedule, state->seen_ns, now_ns, &ns))
			state->unknown_ns += ns;
	}
	schedule->generation++;
	schedule_begin(schedule, cpu, pid, now_ns);
}

void schedule_finish(struct schedule *schedule, uint64_t now_ns)
{
	for (uint32_t cpu = 0; cpu < schedule->nr_cpus; cpu++) {
		account(schedule, cpu, task_table_at(schedule->tasks, schedule->cpus[cpu].pid), now_ns);
		schedule->cpus[cpu].since_ns = 0;
	}
}

const char *schedule_reason_name(enum task_reason reason)
{
	static const char *const names[TASK_REASONS] = {
		[TASK_SLEEP] = "sleeping",
		[TASK_DISK] = "uninterruptible",
		[TASK_IDLE] = "idle kthread",
		[TASK_STOPPED] = "stopped",
		[TASK_PARKED] = "other",
	};

	return reason < TASK_REASONS ? names[reason] : "other";
}
