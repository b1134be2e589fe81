/* SPDX-License-Identifier: MIT */
#include "lib/analysis/shutdown.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/analysis/shutdown_stages.h"

/* guest_end's reasons that are a shutdown, see machine_report_end_name() */
#define REASON_FIRST 3 /* reboot */
#define REASON_LAST  5 /* power-off */

#define COMMANDS_APART_NS 120000000000ull

static int init_parts(struct shutdown *shutdown, const struct shutdown_options *options)
{
	bool good = true;

	shutdown->cpu_seen = calloc(options->nr_cpus ? options->nr_cpus : 1, sizeof(*shutdown->cpu_seen));
	shutdown->messages = calloc(SHUTDOWN_MESSAGES_MAX, sizeof(*shutdown->messages));
	good &= shutdown->cpu_seen && shutdown->messages;
	good &= !task_table_init(&shutdown->tasks, options->names, NULL, NULL);
	good &= !schedule_init(&shutdown->schedule, &shutdown->tasks, options->nr_cpus);
	good &= !shutdown_graph_init(&shutdown->graph, options->names);
	boot_processes_init(&shutdown->processes);
	event_decoder_init(&shutdown->decoder, options->schema, options->lost_type, options->names);
	return good ? 0 : -ENOMEM;
}

int shutdown_create(const struct shutdown_options *options, struct shutdown **result)
{
	struct shutdown *shutdown;

	*result = NULL;
	if (options->nr_cpus > SHUTDOWN_CPUS_MAX)
		return -EINVAL;
	shutdown = calloc(1, sizeof(*shutdown));
	if (!shutdown)
		return -ENOMEM;
	if (init_parts(shutdown, options) < 0) {
		shutdown_destroy(shutdown);
		return -ENOMEM;
	}
	*result = shutdown;
	return 0;
}

void shutdown_destroy(struct shutdown *shutdown)
{
	if (!shutdown)
		return;
	event_decoder_deinit(&shutdown->decoder);
	boot_processes_deinit(&shutdown->processes);
	shutdown_graph_deinit(&shutdown->graph);
	schedule_deinit(&shutdown->schedule);
	task_table_deinit(&shutdown->tasks);
	free(shutdown->messages);
	free(shutdown->cpu_seen);
	free(shutdown);
}

/* Where an event happened. */
struct place {
	uint64_t now_ns;
	uint32_t cpu, pid;
};

/* --- the task that shuts down --- */

/* The kernel's part begins, if no other event has said so: from here on the task's sleeps count. */
static void follow(struct shutdown *shutdown, uint32_t pid)
{
	if (shutdown->knows_pid)
		return;
	shutdown->knows_pid = true;
	shutdown->pid = pid;
	shutdown->nr_sleeps = 0;
	shutdown->slept_ns = shutdown->left_ns = 0;
}

static void add_sleep(struct shutdown *shutdown, uint64_t now_ns)
{
	struct shutdown_sleep sleep = {
		shutdown->left_ns, now_ns - shutdown->left_ns, shutdown->left_preempted};
	uint32_t at = shutdown->nr_sleeps;

	if (now_ns <= shutdown->left_ns)
		return;
	shutdown->slept_ns += sleep.ns;
	while (at && shutdown->sleeps[at - 1].ns < sleep.ns)
		at--;
	if (at == SHUTDOWN_SLEEPS_MAX)
		return;
	if (shutdown->nr_sleeps < SHUTDOWN_SLEEPS_MAX)
		shutdown->nr_sleeps++;
	memmove(&shutdown->sleeps[at + 1], &shutdown->sleeps[at],
		(shutdown->nr_sleeps - 1 - at) * sizeof(sleep));
	shutdown->sleeps[at] = sleep;
}

static void add_switch(struct shutdown *shutdown, const struct place *at, const struct decoded_event *event)
{
	const struct schedule_cpu *state = &shutdown->schedule.cpus[at->cpu];
	uint32_t next_pid = (uint32_t)event->values[0], prev_state = (uint32_t)event->values[1];

	if (state->since_ns && state->pid && shutdown->schedule.switches)
		boot_processes_ran(&shutdown->processes, state->pid, state->since_ns, at->now_ns);
	schedule_switch(&shutdown->schedule, at->cpu, at->pid, next_pid, prev_state, true, at->now_ns);
	if (!shutdown->knows_pid)
		return;
	if (next_pid == shutdown->pid && shutdown->left_ns) {
		add_sleep(shutdown, at->now_ns);
		shutdown->left_ns = 0;
	}
	if (at->pid == shutdown->pid) {
		shutdown->left_ns = at->now_ns;
		shutdown->left_preempted = !prev_state || prev_state & SCHEDULE_STATE_PREEMPTED;
	}
}

static void add_syscall(struct shutdown *shutdown, const struct place *at, uint64_t nr)
{
	if (nr != SHUTDOWN_SYSCALL_NR && nr != SHUTDOWN_SYSCALL_COMPAT_NR)
		return;
	shutdown->syscall_ns = at->now_ns;
	shutdown->syscall_pid = at->pid;
	shutdown->knows_pid = false;
	follow(shutdown, at->pid);
}

/* reboot(2) only returns where it did not reboot. */
static void add_syscall_exit(struct shutdown *shutdown, const struct place *at)
{
	if (!shutdown->syscall_ns || at->pid != shutdown->syscall_pid)
		return;
	shutdown->syscall_ns = 0;
	shutdown->knows_pid = false;
}

static void enter(struct shutdown *shutdown, const struct place *at, const struct decoded_event *event)
{
	uint64_t root_ns = shutdown->graph.root_ns;

	shutdown_graph_enter(
		&shutdown->graph, at->pid, at->cpu, event->values[0], event->values[1], at->now_ns);
	if (!root_ns && shutdown->graph.root_ns)
		follow(shutdown, at->pid);
}

static void leave(struct shutdown *shutdown, const struct place *at, const struct decoded_event *event)
{
	uint64_t root_ns = shutdown->graph.root_ns;
	uint64_t took_ns = event->values[3] > event->values[2] ? event->values[3] - event->values[2] : 0;

	shutdown_graph_leave(
		&shutdown->graph, at->pid, at->cpu, event->values[0], event->values[1], took_ns, at->now_ns);
	if (root_ns && !shutdown->graph.root_ns && !shutdown->syscall_ns)
		shutdown->knows_pid = false;
}

/* --- user space --- */

/* The programs that people and init systems shut a machine down with. */
static bool is_command(const char *comm)
{
	static const char *const names[] = {"reboot", "poweroff", "halt", "shutdown", "telinit", "systemctl"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(comm, names[i]))
			return true;
	return false;
}

/* systemctl does other things, too */
static bool is_doubtful(const char *comm)
{
	return !strcmp(comm, "systemctl");
}

/* `shutdown` ends in a `halt`: of some that follow each other the first counts. */
static void note_command(struct shutdown *shutdown, const char *comm, uint64_t now_ns)
{
	bool known = shutdown->command_ns && !is_doubtful(shutdown->command);

	if (!is_command(comm))
		return;
	if (known && (is_doubtful(comm) || now_ns - shutdown->command_ns < COMMANDS_APART_NS))
		return;
	shutdown->command_ns = now_ns;
	memcpy(shutdown->command, comm, strlen(comm) + 1);
}

static void add_fork(struct shutdown *shutdown, const struct place *at, const struct decoded_event *event)
{
	uint32_t parent_pid = event->values[2] ? (uint32_t)event->values[2] : at->pid;
	struct boot_fork fork = {
		.pid = (uint32_t)event->values[0],
		.tgid = (uint32_t)event->values[1],
		.parent_pid = parent_pid,
		.parent_comm = task_table_at(&shutdown->tasks, parent_pid)->comm,
	};

	fork.comm = task_table_fork(&shutdown->tasks, fork.pid, fork.tgid, event->text)->comm;
	boot_processes_fork(&shutdown->processes, &fork, at->now_ns);
}

/* A new name, by an exec or by the task itself. */
static void add_name(struct shutdown *shutdown, const struct place *at, const struct decoded_event *event)
{
	uint32_t pid = (uint32_t)event->values[0];
	struct task *task = task_table_at(&shutdown->tasks, pid);

	if (event->kind == KERNEL_EVENT_EXEC) {
		if (event->text[0]) /* else its task_rename has said how it is called */
			task_table_exec(&shutdown->tasks, pid, event->text);
		boot_processes_exec(&shutdown->processes, pid, task->comm, at->now_ns);
	} else {
		task_table_rename(&shutdown->tasks, pid, event->text);
		boot_processes_rename(&shutdown->processes, pid, task->comm);
	}
	note_command(shutdown, task->comm, at->now_ns);
}

static void add_message(struct shutdown *shutdown, const struct place *at, const struct decoded_event *event)
{
	static const char *const words[] = {"reboot: ", "Restarting system", "Power down", "System halted"};
	struct shutdown_message *message =
		&shutdown->messages[shutdown->nr_messages++ % SHUTDOWN_MESSAGES_MAX];
	uint32_t bytes = event->text_bytes;

	while (bytes && (event->text[bytes - 1] == '\n' || !event->text[bytes - 1]))
		bytes--;
	*message = (struct shutdown_message){.at_ns = at->now_ns,
		.bytes = bytes < SHUTDOWN_MESSAGE_BYTES ? bytes : SHUTDOWN_MESSAGE_BYTES};
	memcpy(message->text, event->text, message->bytes);
	shutdown_graph_message(&shutdown->graph, message->text, message->bytes);
	if (message->bytes < strlen(words[0]) || memcmp(message->text, words[0], strlen(words[0])))
		return;
	for (size_t i = 1; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(message->text, message->bytes, words[i], strlen(words[i])))
			shutdown->message_ns = at->now_ns;
}

const struct shutdown_message *shutdown_message_at(const struct shutdown *shutdown, uint64_t number)
{
	uint64_t oldest = shutdown->nr_messages > SHUTDOWN_MESSAGES_MAX
		? shutdown->nr_messages - SHUTDOWN_MESSAGES_MAX
		: 0;

	if (number >= shutdown->nr_messages - oldest)
		return NULL;
	return &shutdown->messages[(oldest + number) % SHUTDOWN_MESSAGES_MAX];
}

/* --- all events --- */

static void add_lost(struct shutdown *shutdown, const struct place *at, uint64_t count)
{
	shutdown->lost += count;
	shutdown->left_ns = 0;
	schedule_lost(&shutdown->schedule, at->cpu, at->pid, at->now_ns);
	shutdown_graph_lost(&shutdown->graph);
}

static void add_event(struct shutdown *shutdown, const struct place *at, const struct decoded_event *event)
{
	switch (event->kind) {
	case KERNEL_EVENT_SWITCH:
		add_switch(shutdown, at, event);
		break;
	case KERNEL_EVENT_FORK:
		add_fork(shutdown, at, event);
		break;
	case KERNEL_EVENT_EXEC:
	case KERNEL_EVENT_RENAME:
		add_name(shutdown, at, event);
		break;
	case KERNEL_EVENT_EXIT:
		boot_processes_exit(&shutdown->processes, (uint32_t)event->values[0], at->now_ns);
		task_table_exit(&shutdown->tasks, (uint32_t)event->values[0]);
		break;
	case KERNEL_EVENT_SYS_ENTER:
		add_syscall(shutdown, at, event->values[0]);
		break;
	case KERNEL_EVENT_SYS_EXIT:
		add_syscall_exit(shutdown, at);
		break;
	case KERNEL_EVENT_FUNCGRAPH_ENTRY:
		enter(shutdown, at, event);
		break;
	case KERNEL_EVENT_FUNCGRAPH_EXIT:
		leave(shutdown, at, event);
		break;
	case KERNEL_EVENT_CONSOLE:
		add_message(shutdown, at, event);
		break;
	case KERNEL_EVENT_GUEST_END:
		if (event->values[0] < REASON_FIRST || event->values[0] > REASON_LAST)
			break;
		shutdown->end_ns = at->now_ns;
		shutdown->end_reason = (uint32_t)event->values[0];
		follow(shutdown, at->pid);
		break;
	default:
		break;
	}
}

void shutdown_add(struct shutdown *shutdown, const struct event_type *type, const uint8_t *payload,
	uint32_t cpu, uint32_t pid, uint64_t now_ns)
{
	const struct place at = {now_ns, cpu, pid};
	struct decoded_event event;

	if (cpu >= shutdown->schedule.nr_cpus)
		return;
	event_decoder_read(&shutdown->decoder, type, payload, &event);
	if (event.kind == KERNEL_EVENT_LOST) {
		add_lost(shutdown, &at, event.values[0]);
		return;
	}
	if (!shutdown->first_ns) {
		shutdown->first_ns = shutdown->last_ns = now_ns;
		shutdown->processes.begin_ns = now_ns;
	}
	if (!shutdown->cpu_seen[cpu]) {
		shutdown->cpu_seen[cpu] = true;
		schedule_begin(&shutdown->schedule, cpu, pid, now_ns);
	}
	if (now_ns > shutdown->last_ns)
		shutdown->last_ns = now_ns;
	shutdown->events++;
	add_event(shutdown, &at, &event);
	shutdown->schedule.cpus[cpu].seen_ns = now_ns;
}

static void find_begin(struct shutdown *shutdown)
{
	const struct {
		enum shutdown_source source;
		uint64_t at_ns;
	} sources[] = {
		{SHUTDOWN_BY_SYSCALL, shutdown->syscall_ns},
		{SHUTDOWN_BY_GRAPH, shutdown->graph.root_ns},
		{SHUTDOWN_BY_NOTIFIER, shutdown->end_ns},
		{SHUTDOWN_BY_MESSAGE, shutdown->message_ns},
	};

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]) && !shutdown->kernel_ns; i++)
		if (sources[i].at_ns) {
			shutdown->kernel_ns = sources[i].at_ns;
			shutdown->source = sources[i].source;
		}
}

void shutdown_finish(struct shutdown *shutdown)
{
	if (shutdown->left_ns)
		add_sleep(shutdown, shutdown->last_ns);
	shutdown_graph_end(&shutdown->graph);
	shutdown->knows_tasks = shutdown->schedule.switches != 0;
	find_begin(shutdown);
	if (shutdown->command_ns > shutdown->kernel_ns)
		shutdown->command_ns = 0;
	if (shutdown->kernel_ns)
		shutdown_stages_make(shutdown);
}
