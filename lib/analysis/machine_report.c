/* SPDX-License-Identifier: MIT */
#include "lib/analysis/machine_report.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/model/syscall_names.h"

#define FORMATS_MAX 4096

static const enum interrupt_kind pair_kinds[REPORT_PAIRS] = {
	[REPORT_PAIR_IRQ] = INTERRUPT_HARD,
	[REPORT_PAIR_SOFTIRQ] = INTERRUPT_SOFT,
	[REPORT_PAIR_HRTIMER] = INTERRUPT_HRTIMER,
	[REPORT_PAIR_TIMER] = INTERRUPT_TIMER,
};

static int init_parts(struct machine_report *report, const struct machine_report_options *options)
{
	bool good = true;

	report->cpus = calloc(options->nr_cpus ? options->nr_cpus : 1, sizeof(*report->cpus));
	good &= report->cpus != NULL;
	good &= !capped_table_init(&report->by_format, sizeof(struct format_row), FORMATS_MAX);
	good &= !task_table_init(&report->tasks, options->names, options->wanted, options->wanted_context);
	good &= !schedule_init(&report->schedule, &report->tasks, options->nr_cpus);
	good &= !interrupts_init(&report->interrupts, options->nr_cpus);
	good &= !syscalls_init(&report->syscalls, &report->tasks, options->syscalls_by_task);
	good &= !faults_init(&report->faults);
	good &= !notes_init(&report->markers, MACHINE_REPORT_MARKERS);
	good &= !notes_init(&report->ends, MACHINE_REPORT_ENDS);
	return good ? 0 : -ENOMEM;
}

int machine_report_create(const struct machine_report_options *options, struct machine_report **result)
{
	struct machine_report *report;

	*result = NULL;
	if (options->nr_cpus > MACHINE_REPORT_CPUS_MAX)
		return -EINVAL;
	report = calloc(1, sizeof(*report));
	if (!report)
		return -ENOMEM;
	report->nr_cpus = options->nr_cpus;
	report->ns_per_tsc = options->ns_per_tsc;
	if (init_parts(report, options) < 0) {
		machine_report_destroy(report);
		return -ENOMEM;
	}
	kernel_events_init(&report->kernel_events, options->schema, options->lost_type);
	for (uint32_t cpu = 0; cpu < options->nr_cpus; cpu++) {
		report->cpus[cpu].wanted = !options->cpus || options->cpus[cpu / 64] >> cpu % 64 & 1;
		report->schedule.cpus[cpu].unwanted = !report->cpus[cpu].wanted;
	}
	for (int pair = 0; pair < REPORT_PAIRS; pair++) {
		if (pair == REPORT_PAIR_SYSCALL)
			report->syscalls.min_ns = options->min_duration_ns[pair];
		else
			report->interrupts.min_ns[pair_kinds[pair]] = options->min_duration_ns[pair];
	}
	*result = report;
	return 0;
}

void machine_report_destroy(struct machine_report *report)
{
	if (!report)
		return;
	notes_deinit(&report->ends);
	notes_deinit(&report->markers);
	faults_deinit(&report->faults);
	syscalls_deinit(&report->syscalls);
	interrupts_deinit(&report->interrupts);
	schedule_deinit(&report->schedule);
	task_table_deinit(&report->tasks);
	capped_table_deinit(&report->by_format);
	free(report->cpus);
	free(report);
}

/* Where an event happened. */
struct place {
	uint64_t now_ns;
	struct task *task;
	uint32_t cpu, pid;
	bool wanted;
};

static void add_lost(struct machine_report *report, const struct place *at, uint64_t count)
{
	report->cpus[at->cpu].lost += count;
	report->lost += count;
	schedule_lost(&report->schedule, at->cpu, at->pid, at->now_ns);
	interrupts_lost(&report->interrupts, at->cpu);
	syscalls_lost(&report->syscalls);
}

static uint64_t span_ns(const struct machine_report *report, uint64_t duration_tsc)
{
	double ns = (double)duration_tsc * report->ns_per_tsc;

	return ns < 0x1p63 ? (uint64_t)ns : 1ull << 63;
}

static void add_span(struct machine_report *report, const struct place *at,
	const struct kernel_event_layout *layout, const uint8_t *payload)
{
	uint64_t pair = kernel_event_value(layout, 0, payload), key = kernel_event_value(layout, 1, payload);
	uint64_t ns = span_ns(report, kernel_event_value(layout, 3, payload));

	if (pair == REPORT_PAIR_SYSCALL) {
		syscalls_span(&report->syscalls, at->task, at->cpu, (uint16_t)key,
			(int64_t)kernel_event_value(layout, 2, payload), at->wanted, ns, at->now_ns);
		return;
	}
	if (pair >= REPORT_PAIRS || !at->wanted)
		return;
	/* the function's low half: kernel text lies in the top 2 GiB; 0: the guest did not know it any more */
	if (pair == REPORT_PAIR_HRTIMER || pair == REPORT_PAIR_TIMER)
		key = (uint64_t)(int64_t)(int32_t)key;
	interrupts_span(&report->interrupts, at->cpu, pair_kinds[pair], key, at->pid, ns, at->now_ns);
}

static void add_note(struct notes *notes, const struct place *at, const struct kernel_event_layout *layout,
	const uint8_t *payload, uint32_t pid, uint32_t reason)
{
	uint32_t bytes;
	const uint8_t *text = kernel_event_text(layout, payload, &bytes);

	notes_add(notes, at->now_ns, at->cpu, pid, reason, text, bytes);
}

static void add_tracepoint(struct machine_report *report, uint64_t format)
{
	struct format_row *row = capped_table_at(&report->by_format, format);

	row->count++;
}

/* fork, exec, exit: `pid` is the task they are about. */
static void add_life(struct machine_report *report, const struct kernel_event_layout *layout,
	const uint8_t *payload, uint32_t pid)
{
	switch (layout->kind) {
	case KERNEL_EVENT_FORK:
		task_table_fork(&report->tasks, pid, (uint32_t)kernel_event_value(layout, 1, payload),
			kernel_event_comm(layout, payload));
		break;
	case KERNEL_EVENT_EXEC:
		task_table_exec(&report->tasks, pid, kernel_event_comm(layout, payload));
		break;
	case KERNEL_EVENT_RENAME:
		task_table_rename(&report->tasks, pid, kernel_event_comm(layout, payload));
		break;
	case KERNEL_EVENT_EXIT:
		task_table_exit(&report->tasks, pid);
	}
}

/* Tasks and the scheduler: these are followed whoever is wanted, because the others' events end a wait. */
static void add_task_event(struct machine_report *report, struct place *at, enum kernel_event_kind kind,
	const struct kernel_event_layout *layout, const uint8_t *payload)
{
	uint32_t pid = (uint32_t)kernel_event_value(layout, 0, payload);

	switch (kind) {
	case KERNEL_EVENT_SWITCH:
		schedule_switch(&report->schedule, at->cpu, at->pid, pid,
			(uint32_t)kernel_event_value(layout, 1, payload), report->cpus[at->cpu].wanted,
			at->now_ns);
		break;
	case KERNEL_EVENT_WAKING:
		schedule_waking(&report->schedule, pid, at->now_ns);
		break;
	case KERNEL_EVENT_MIGRATE:
		schedule_migrate(&report->schedule, pid);
		break;
	default:
		add_life(report, layout, payload, pid);
	}
	at->wanted |= task_table_at(&report->tasks, pid)->wanted && report->cpus[at->cpu].wanted;
}

static void enter(
	struct machine_report *report, const struct place *at, enum interrupt_kind kind, uint64_t key)
{
	interrupts_enter(&report->interrupts, at->cpu, kind, key, at->now_ns);
}

static void leave(
	struct machine_report *report, const struct place *at, enum interrupt_kind kind, uint64_t key)
{
	interrupts_exit(&report->interrupts, at->cpu, kind, key, at->pid, at->wanted, at->now_ns);
}

static void add_event(struct machine_report *report, struct place *at,
	const struct kernel_event_layout *layout, const uint8_t *payload)
{
#define VALUE(number) kernel_event_value(layout, number, payload)
	enum kernel_event_kind kind = layout->kind;

	switch (kind) {
	case KERNEL_EVENT_SWITCH:
	case KERNEL_EVENT_WAKING:
	case KERNEL_EVENT_MIGRATE:
	case KERNEL_EVENT_FORK:
	case KERNEL_EVENT_EXEC:
	case KERNEL_EVENT_RENAME:
	case KERNEL_EVENT_EXIT:
		add_task_event(report, at, kind, layout, payload);
		break;
	case KERNEL_EVENT_IRQ_ENTRY:
		enter(report, at, INTERRUPT_HARD, VALUE(0));
		break;
	case KERNEL_EVENT_IRQ_EXIT:
		leave(report, at, INTERRUPT_HARD, VALUE(0));
		break;
	case KERNEL_EVENT_SOFTIRQ_RAISE:
		interrupts_raise(&report->interrupts, at->cpu, (uint32_t)VALUE(0), at->now_ns);
		break;
	case KERNEL_EVENT_SOFTIRQ_ENTRY:
		enter(report, at, INTERRUPT_SOFT, VALUE(0));
		break;
	case KERNEL_EVENT_SOFTIRQ_EXIT:
		leave(report, at, INTERRUPT_SOFT, VALUE(0));
		break;
	case KERNEL_EVENT_HRTIMER_ENTRY:
		enter(report, at, INTERRUPT_HRTIMER, VALUE(0));
		break;
	case KERNEL_EVENT_HRTIMER_EXIT:
		leave(report, at, INTERRUPT_HRTIMER, INTERRUPT_KEY_ANY);
		break;
	case KERNEL_EVENT_TIMER_ENTRY:
		enter(report, at, INTERRUPT_TIMER, VALUE(0));
		break;
	case KERNEL_EVENT_TIMER_EXIT:
		leave(report, at, INTERRUPT_TIMER, INTERRUPT_KEY_ANY);
		break;
	case KERNEL_EVENT_SYS_ENTER:
		syscalls_enter(&report->syscalls, at->task, (uint16_t)VALUE(0), at->now_ns);
		break;
	case KERNEL_EVENT_SYS_EXIT:
		syscalls_exit(&report->syscalls, at->task, at->cpu,
			kernel_event_has(layout, 1) ? (uint16_t)VALUE(1) : SYSCALL_NONE, (int64_t)VALUE(0),
			at->wanted, at->now_ns);
		break;
	case KERNEL_EVENT_FAULT_USER:
	case KERNEL_EVENT_FAULT_KERNEL:
		if (at->wanted)
			faults_add(&report->faults, at->task, kind == KERNEL_EVENT_FAULT_USER, VALUE(0),
				(uint32_t)VALUE(1));
		break;
	case KERNEL_EVENT_MARKER:
		if (at->wanted)
			add_note(&report->markers, at, layout, payload, (uint32_t)VALUE(0), 0);
		break;
	case KERNEL_EVENT_GUEST_END:
		add_note(&report->ends, at, layout, payload, at->pid, (uint32_t)VALUE(0));
		break;
	case KERNEL_EVENT_SPAN:
		add_span(report, at, layout, payload);
		break;
	case KERNEL_EVENT_TRACEPOINT:
		if (at->wanted)
			add_tracepoint(report, VALUE(0));
		break;
	case KERNEL_EVENT_LOST:
	case KERNEL_EVENT_OTHER:
	default: /* boot.c, shutdown.c */
		break;
	}
#undef VALUE
}

void machine_report_add(struct machine_report *report, const struct event_type *type, const uint8_t *payload,
	uint32_t cpu, uint32_t pid, uint64_t now_ns)
{
	const struct kernel_event_layout *layout = &report->kernel_events.layouts[type->id];
	struct place at = {.now_ns = now_ns, .cpu = cpu, .pid = pid};
	struct machine_report_cpu *state;

	if (cpu >= report->nr_cpus)
		return;
	state = &report->cpus[cpu];
	if (layout->kind == KERNEL_EVENT_LOST) {
		add_lost(report, &at, kernel_event_value(layout, 0, payload));
		return;
	}
	at.task = task_table_at(&report->tasks, pid);
	at.wanted = state->wanted && at.task->wanted;
	if (!state->seen) {
		state->seen = true;
		schedule_begin(&report->schedule, cpu, pid, now_ns);
	}
	if (!report->first_ns)
		report->first_ns = now_ns;
	if (now_ns > report->last_ns)
		report->last_ns = now_ns;
	add_event(report, &at, layout, payload);
	report->schedule.cpus[cpu].seen_ns = now_ns;
	if (!at.wanted)
		return;
	report->events++;
	report->by_type[type->id]++;
	state->events++;
	at.task->events++;
}

void machine_report_follow(
	struct machine_report *report, const struct event_type *type, const uint8_t *payload)
{
	const struct kernel_event_layout *layout = &report->kernel_events.layouts[type->id];

	if (machine_report_follows(report, type->id))
		add_life(report, layout, payload, (uint32_t)kernel_event_value(layout, 0, payload));
}

void machine_report_finish(struct machine_report *report)
{
	schedule_finish(&report->schedule, report->last_ns);
	syscalls_finish(&report->syscalls);
}

const char *machine_report_end_name(uint32_t reason)
{
	static const char *const names[] = {"end", "panic", "oops", "reboot", "halt", "power-off"};

	return reason < sizeof(names) / sizeof(names[0]) ? names[reason] : names[0];
}
