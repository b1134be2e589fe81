/* SPDX-License-Identifier: MIT */
#include "lib/analysis/boot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/analysis/boot_stages.h"

static int init_parts(struct boot *boot, const struct boot_options *options)
{
	bool good = true;

	boot->cpu_seen = calloc(options->nr_cpus ? options->nr_cpus : 1, sizeof(*boot->cpu_seen));
	good &= boot->cpu_seen != NULL;
	good &= !task_table_init(&boot->tasks, options->names, NULL, NULL);
	good &= !schedule_init(&boot->schedule, &boot->tasks, options->nr_cpus);
	good &= !initcalls_init(&boot->initcalls);
	boot_processes_init(&boot->processes);
	event_decoder_init(&boot->decoder, options->schema, options->lost_type, options->names);
	return good ? 0 : -ENOMEM;
}

int boot_create(const struct boot_options *options, struct boot **result)
{
	struct boot *boot;

	*result = NULL;
	if (options->nr_cpus > BOOT_CPUS_MAX)
		return -EINVAL;
	boot = calloc(1, sizeof(*boot));
	if (!boot)
		return -ENOMEM;
	boot->power_on_ns = options->power_on_ns;
	if (options->until)
		strncpy(boot->until, options->until, 15); /* the kernel's comm has no more */
	if (init_parts(boot, options) < 0) {
		boot_destroy(boot);
		return -ENOMEM;
	}
	*result = boot;
	return 0;
}

void boot_destroy(struct boot *boot)
{
	if (!boot)
		return;
	event_decoder_deinit(&boot->decoder);
	boot_processes_deinit(&boot->processes);
	initcalls_deinit(&boot->initcalls);
	schedule_deinit(&boot->schedule);
	task_table_deinit(&boot->tasks);
	free(boot->cpu_seen);
	free(boot);
}

/* Where an event happened. */
struct place {
	uint64_t now_ns;
	uint32_t cpu, pid;
};

static struct boot_mark mark(const struct boot *boot, uint64_t now_ns)
{
	struct boot_mark mark = {.at_ns = now_ns, .knows_busy = boot->schedule.switches != 0};

	for (uint32_t cpu = 0; mark.knows_busy && cpu < boot->schedule.nr_cpus; cpu++) {
		const struct schedule_cpu *state = &boot->schedule.cpus[cpu];

		mark.busy_ns += state->busy_ns;
		if (state->pid && state->since_ns && now_ns > state->since_ns)
			mark.busy_ns += now_ns - state->since_ns;
	}
	return mark;
}

/* How long a task that runs now was off the CPU so far. */
static uint64_t away_ns(struct boot *boot, uint32_t pid)
{
	const struct task *task = task_table_at(&boot->tasks, pid);

	return task_is_known(&boot->tasks, task) ? task->away_ns : INITCALL_AWAY_UNKNOWN;
}

/* What the CPU's task has run since its last switch, and has not been counted. */
static void count_run(struct boot *boot, uint32_t cpu, uint64_t now_ns)
{
	const struct schedule_cpu *state = &boot->schedule.cpus[cpu];

	if (!state->since_ns || !state->pid || !boot->schedule.switches)
		return;
	boot_processes_ran(&boot->processes, state->pid, state->since_ns, now_ns);
	activity_add(&boot->busy, state->since_ns, now_ns);
}

/* As count_run(), of a task that goes on under another name, or is about to end: only its own row gets it now. */
static void count_program(struct boot *boot, uint32_t pid, const struct place *at)
{
	const struct schedule_cpu *state = &boot->schedule.cpus[at->cpu];

	if (state->since_ns && state->pid == pid && boot->schedule.switches)
		boot_processes_ran(&boot->processes, pid, state->since_ns, at->now_ns);
}

static void add_switch(struct boot *boot, const struct place *at, const struct decoded_event *event)
{
	count_run(boot, at->cpu, at->now_ns);
	schedule_switch(&boot->schedule, at->cpu, at->pid, (uint32_t)event->values[0],
		(uint32_t)event->values[1], true, at->now_ns);
}

static void add_fork(struct boot *boot, const struct place *at, const struct decoded_event *event)
{
	uint32_t parent_pid = event->values[2] ? (uint32_t)event->values[2] : at->pid;
	struct task *child, *parent = task_table_at(&boot->tasks, parent_pid);
	struct boot_fork fork = {
		.pid = (uint32_t)event->values[0],
		.tgid = (uint32_t)event->values[1],
		.parent_pid = parent_pid,
		.parent_comm = parent->comm,
	};

	initcalls_task_ends(&boot->initcalls, fork.pid);
	child = task_table_fork(&boot->tasks, fork.pid, fork.tgid, event->text);
	fork.comm = child->comm;
	boot_processes_fork(&boot->processes, &fork, at->now_ns);
}

static void add_exec(struct boot *boot, const struct place *at, const struct decoded_event *event)
{
	uint32_t pid = (uint32_t)event->values[0];
	struct task *task = task_table_at(&boot->tasks, pid);

	if (event->text[0]) /* else its task_rename has said how it is called */
		task_table_exec(&boot->tasks, pid, event->text);
	count_program(boot, pid, at);
	boot_processes_exec(&boot->processes, pid, task->comm, at->now_ns);
	if (pid == 1) {
		initcalls_init_begins(&boot->initcalls, at->now_ns);
		if (boot->nr_inits < BOOT_INITS_MAX) {
			memcpy(boot->init_comms[boot->nr_inits], task->comm, NAMES_COMM_BYTES);
			boot->inits[boot->nr_inits++] = mark(boot, at->now_ns);
		}
	}
	boot->until_found = boot->until[0] && !strcmp(boot->until, task->comm);
}

static void add_exit(struct boot *boot, const struct place *at, uint32_t pid)
{
	count_program(boot, pid, at);
	initcalls_task_ends(&boot->initcalls, pid);
	boot_processes_exit(&boot->processes, pid, at->now_ns);
	task_table_exit(&boot->tasks, pid);
}

static void add_level(struct boot *boot, const struct place *at, const struct decoded_event *event)
{
	if (boot->nr_inits) {
		boot->again_ns = at->now_ns;
		return;
	}
	initcalls_level(&boot->initcalls, at->pid, event->text, event->text_bytes, at->now_ns);
	if (boot->initcalls.nr_levels &&
		boot->initcalls.levels[boot->initcalls.nr_levels - 1].at_ns == at->now_ns)
		boot->levels[boot->initcalls.nr_levels - 1] = mark(boot, at->now_ns);
}

static void add_finish(struct boot *boot, const struct place *at, const struct decoded_event *event)
{
	uint64_t own = boot->initcalls.own;
	uint32_t level = boot->initcalls.nr_levels - 1;

	initcalls_finish(&boot->initcalls, at->pid, event->values[0], (int64_t)event->values[1],
		away_ns(boot, at->pid), at->now_ns);
	if (boot->initcalls.own == own)
		return;
	boot->last_own = mark(boot, at->now_ns);
	if (boot->initcalls.nr_levels && boot->initcalls.levels[level].end_ns == at->now_ns)
		boot->level_ends[level] = boot->last_own;
}

static void add_lost(struct boot *boot, const struct place *at, uint64_t count)
{
	boot->lost += count;
	schedule_lost(&boot->schedule, at->cpu, at->pid, at->now_ns);
	initcalls_lost(&boot->initcalls);
	message_gaps_lost(&boot->messages);
}

static void add_event(struct boot *boot, const struct place *at, const struct decoded_event *event)
{
	switch (event->kind) {
	case KERNEL_EVENT_SWITCH:
		add_switch(boot, at, event);
		break;
	case KERNEL_EVENT_WAKING:
		schedule_waking(&boot->schedule, (uint32_t)event->values[0], at->now_ns);
		break;
	case KERNEL_EVENT_FORK:
		add_fork(boot, at, event);
		break;
	case KERNEL_EVENT_EXEC:
		add_exec(boot, at, event);
		break;
	case KERNEL_EVENT_RENAME:
		task_table_rename(&boot->tasks, (uint32_t)event->values[0], event->text);
		boot_processes_rename(&boot->processes, (uint32_t)event->values[0],
			task_table_at(&boot->tasks, (uint32_t)event->values[0])->comm);
		break;
	case KERNEL_EVENT_EXIT:
		add_exit(boot, at, (uint32_t)event->values[0]);
		break;
	case KERNEL_EVENT_INITCALL_LEVEL:
		add_level(boot, at, event);
		break;
	case KERNEL_EVENT_INITCALL_START:
		initcalls_start(&boot->initcalls, at->pid, at->cpu, event->values[0], away_ns(boot, at->pid),
			at->now_ns);
		break;
	case KERNEL_EVENT_INITCALL_FINISH:
		add_finish(boot, at, event);
		break;
	case KERNEL_EVENT_MODULE_LOAD:
		initcalls_module(&boot->initcalls, at->pid, event->text, event->text_bytes);
		break;
	case KERNEL_EVENT_CONSOLE:
		message_gaps_add(&boot->messages, at->now_ns, event->text, event->text_bytes);
		break;
	case KERNEL_EVENT_GUEST_END:
		boot->end_reason_ns = at->now_ns;
		boot->end_reason = (uint32_t)event->values[0];
		break;
	default:
		break;
	}
}

void boot_add(struct boot *boot, const struct event_type *type, const uint8_t *payload, uint32_t cpu,
	uint32_t pid, uint64_t now_ns)
{
	const struct place at = {now_ns, cpu, pid};
	struct decoded_event event;

	if (cpu >= boot->schedule.nr_cpus || boot->until_found || boot->again_ns)
		return;
	event_decoder_read(&boot->decoder, type, payload, &event);
	if (event.kind == KERNEL_EVENT_LOST) {
		add_lost(boot, &at, event.values[0]);
		return;
	}
	if (!boot->first_ns) {
		boot->first_ns = boot->last_ns = now_ns;
		boot->first = mark(boot, now_ns);
		activity_init(&boot->busy, now_ns);
		boot->processes.begin_ns = now_ns;
	}
	if (!boot->cpu_seen[cpu]) {
		boot->cpu_seen[cpu] = true;
		schedule_begin(&boot->schedule, cpu, pid, now_ns);
	}
	add_event(boot, &at, &event);
	if (boot->again_ns)
		return; /* of the next boot */
	if (now_ns > boot->last_ns)
		boot->last_ns = now_ns;
	boot->events++;
	boot->schedule.cpus[cpu].seen_ns = now_ns;
}

void boot_finish(struct boot *boot)
{
	struct boot_mark end = mark(boot, boot->last_ns);

	for (uint32_t cpu = 0; cpu < boot->schedule.nr_cpus; cpu++)
		count_run(boot, cpu, boot->last_ns);
	schedule_finish(&boot->schedule, boot->last_ns);
	initcalls_end(&boot->initcalls);
	boot->knows_tasks = boot->schedule.switches != 0;
	if (boot->first_ns)
		boot_stages_make(boot, &end);
}

bool boot_has_kernel(const struct boot *boot)
{
	return boot->initcalls.nr_levels || boot->initcalls.own;
}

bool boot_has_init(const struct boot *boot)
{
	return boot->nr_inits != 0;
}
