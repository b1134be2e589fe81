/* SPDX-License-Identifier: MIT */
/* The report as one JSON document: base units, all times in ns, `at_ns` since the machine's first event. */
#include "tools/hypertrace/report_json.h"

#include <stdlib.h>
#include <string.h>

static uint64_t at_ns(const struct report_builder *builder, uint64_t now_ns)
{
	return now_ns > builder->analysis->first_ns ? now_ns - builder->analysis->first_ns : 0;
}

size_t json_rows(const struct report_builder *builder, size_t count)
{
	return builder->report->top && builder->report->top < count ? builder->report->top : count;
}

void json_set_durations(
	const struct report_builder *builder, json_t *object, const struct durations *durations)
{
	const struct histogram *histogram = &durations->histogram;

	json_set_count(object, "count", histogram->count);
	if (!histogram->count)
		return;
	json_set_count(object, "total_ns", histogram->sum);
	json_set_count(object, "mean_ns", durations_mean_ns(durations));
	json_set_count(object, "min_ns", histogram->min);
	json_set_count(object, "p50_ns", histogram_percentile(histogram, 50));
	json_set_count(object, "p90_ns", histogram_percentile(histogram, 90));
	json_set_count(object, "p99_ns", histogram_percentile(histogram, 99));
	json_set_count(object, "p999_ns", histogram_percentile(histogram, 99.9));
	json_set_count(object, "max_ns", histogram->max);
	json_set_count(object, "max_at_ns", at_ns(builder, durations->max_at_ns));
	json_set_count(object, "max_cpu", durations->max_cpu);
	json_set_count(object, "max_pid", durations->max_pid);
}

static json_t *lost_json(const struct report_builder *builder)
{
	const struct trace_machine_info *info = builder->machine->machine->info;
	json_t *object = json_object(), *causes = json_object();

	json_set_count(object, "total", trace_machine_info_lost(info));
	json_set_count(object, "between_events", builder->analysis->lost);
	for (int cause = 0; cause < TRACE_LOST_CAUSES; cause++) {
		json_t *cpus = json_array();

		for (size_t i = 0; i < info->nr_cpu_infos; i++) {
			json_t *row;

			if (!info->cpus[i].lost[cause])
				continue;
			row = json_object();
			json_set_count(row, "cpu", info->cpus[i].cpu);
			json_set_count(row, "count", info->cpus[i].lost[cause]);
			json_array_append_new(cpus, row);
		}
		json_object_set_new(causes, trace_lost_name(cause), cpus);
	}
	json_object_set_new(object, "causes", causes);
	return object;
}

static json_t *notes_json(const struct report_builder *builder, const struct notes *notes, bool with_reason)
{
	json_t *array = json_array();

	for (size_t i = 0; i < json_rows(builder, notes->kept); i++) {
		const struct note *note = notes->items[i];
		json_t *row = json_object();

		json_set_count(row, "at_ns", at_ns(builder, note->at_ns));
		json_set_count(row, "cpu", note->cpu);
		json_set_count(row, "pid", note->pid);
		if (with_reason)
			json_set_text(row, "reason", machine_report_end_name(note->reason));
		json_object_set_new(row, "text", json_foreign(note->text, note->bytes));
		json_array_append_new(array, row);
	}
	return array;
}

void json_append_named_count(json_t *array, const char *name, uint64_t count)
{
	json_t *row = json_object();

	json_set_text(row, "name", name);
	json_set_count(row, "count", count);
	json_array_append_new(array, row);
}

static json_t *events_json(const struct report_builder *builder)
{
	const struct event_schema *schema = builder->machine->machine->schema;
	json_t *array = json_array();

	for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++) {
		uint64_t count = report_events_of(builder->machine, id);

		if (count)
			json_append_named_count(array, schema->types[id]->name, count);
	}
	return array;
}

static json_t *tracepoints_json(const struct report_builder *builder)
{
	const struct capped_table *formats = &builder->analysis->by_format;
	const void **rows = capped_table_sorted(formats, report_compare_counts);
	json_t *array = json_array();

	for (size_t i = 0; rows && i < json_rows(builder, formats->count); i++) {
		const struct format_row *row = rows[i];

		json_append_named_count(
			array, report_tracepoint(builder->machine->machine, row->key).text, row->count);
	}
	free(rows);
	return array;
}

static json_t *cpus_json(const struct report_builder *builder)
{
	json_t *array = json_array();

	for (uint32_t cpu = 0; cpu < builder->analysis->nr_cpus; cpu++) {
		const struct machine_report_cpu *state = &builder->analysis->cpus[cpu];
		const struct schedule_cpu *time = &builder->analysis->schedule.cpus[cpu];
		json_t *row;

		if (!state->seen || !state->wanted)
			continue;
		row = json_object();
		json_set_count(row, "cpu", cpu);
		json_set_count(row, "events", state->events);
		json_set_count(row, "lost", state->lost);
		if (machine_report_knows_tasks(builder->analysis)) {
			json_set_count(row, "busy_ns", time->busy_ns);
			json_set_count(row, "idle_ns", time->idle_ns);
			json_set_count(row, "unknown_ns", time->unknown_ns);
			json_set_count(row, "switches", time->switches);
		}
		json_array_append_new(array, row);
	}
	return array;
}

static void set_wait(
	const struct report_builder *builder, json_t *task, const char *key, const struct task_wait *wait)
{
	json_t *object;

	if (!wait->count)
		return;
	object = json_object();
	json_set_count(object, "count", wait->count);
	json_set_count(object, "total_ns", wait->total_ns);
	json_set_count(object, "max_ns", wait->max_ns);
	json_set_count(object, "max_at_ns", at_ns(builder, wait->max_at_ns));
	json_object_set_new(task, key, object);
}

static json_t *task_json(const struct report_builder *builder, const struct task *task)
{
	json_t *row = json_object(), *blocked = json_object();

	json_set_text(row, "comm", task->comm);
	json_set_count(row, "pid", task->pid);
	if (task->tgid)
		json_set_count(row, "tgid", task->tgid);
	json_set_count(row, "events", task->events);
	json_set_count(row, "run_ns", task->run_ns);
	json_set_count(row, "switches", task->switches);
	json_set_count(row, "wakeups", task->wakeups);
	json_set_count(row, "preemptions", task->preemptions);
	json_set_count(row, "migrations", task->migrations);
	json_set_count(row, "syscalls", task->calls);
	json_set_count(row, "faults_user", task->faults_user);
	json_set_count(row, "faults_kernel", task->faults_kernel);
	set_wait(builder, row, "waited_after_waking", &task->woken);
	set_wait(builder, row, "waited_after_preemption", &task->preempted);
	for (int reason = 0; reason < TASK_REASONS; reason++)
		set_wait(builder, blocked, schedule_reason_name((enum task_reason)reason),
			&task->blocked[reason]);
	json_object_set_new(row, "blocked", blocked);
	return row;
}

static json_t *tasks_json(const struct report_builder *builder)
{
	const struct task_table *table = &builder->analysis->tasks;
	const struct task **tasks = task_table_sorted(table, report_compare_tasks);
	json_t *array = json_array();

	for (size_t i = 0; tasks && i < table->nr_rows; i++) {
		if (json_array_size(array) == json_rows(builder, table->nr_rows))
			break;
		if (tasks[i]->wanted && (tasks[i]->events || tasks[i]->run_ns || tasks[i]->wakeups))
			json_array_append_new(array, task_json(builder, tasks[i]));
	}
	free(tasks);
	return array;
}

static json_t *run_queue_json(const struct report_builder *builder)
{
	json_t *object = json_object(), *woken = json_object(), *preempted = json_object();

	json_set_durations(builder, woken, &builder->analysis->schedule.woken);
	json_set_durations(builder, preempted, &builder->analysis->schedule.preempted);
	json_object_set_new(object, "woken", woken);
	json_object_set_new(object, "preempted", preempted);
	return object;
}

static void set_head(const struct report_builder *builder, json_t *object)
{
	const struct trace_machine *machine = builder->machine->machine;
	const struct machine_report *analysis = builder->analysis;
	json_t *end = json_object();

	json_set_text(object, "name", machine->name);
	json_set_text(object, "release", machine->info->release);
	json_set_text(object, "hostname", machine->info->hostname);
	json_set_text(object, "channel", machine->info->channel);
	json_set_text(object, "mode", machine->info->mode);
	json_set_text(object, "recording_filter", machine->info->filter);
	json_set_count(
		object, "vcpus", machine->info->nr_cpus ? machine->info->nr_cpus : machine->nr_streams);
	json_set_count(object, "events", analysis->events);
	json_set_count(object, "first_unix_ns", analysis->first_ns);
	json_set_count(object, "duration_ns", analysis->last_ns - analysis->first_ns);
	json_set_count(object, "bytes", builder->machine->bytes);
	json_set_count(object, "clock_error_ns", builder->machine->clock_error_ns);
	json_object_set_new(object, "knows_tasks", json_boolean(machine_report_knows_tasks(analysis)));
	json_object_set_new(object, "lost", lost_json(builder));
	json_set_text(end, "state", machine->info->end_state);
	json_set_text(end, "message", machine->info->message);
	json_object_set_new(object, "end", end);
}

static json_t *machine_json(const struct report_builder *builder)
{
	const struct machine_report *analysis = builder->analysis;
	json_t *object = json_object();

	set_head(builder, object);
	json_object_set_new(object, "last_words", notes_json(builder, &analysis->ends, true));
	json_object_set_new(object, "events_by_type", events_json(builder));
	json_object_set_new(object, "tracepoints", tracepoints_json(builder));
	json_object_set_new(object, "cpus", cpus_json(builder));
	json_object_set_new(object, "tasks", tasks_json(builder));
	json_object_set_new(object, "run_queue", run_queue_json(builder));
	json_object_set_new(object, "syscalls", report_syscalls_json(builder));
	if (builder->report->by_task)
		json_object_set_new(object, "syscalls_by_task", report_task_calls_json(builder));
	json_set_count(object, "syscalls_without_entry", analysis->syscalls.unmatched);
	json_object_set_new(object, "irqs", report_interrupts_json(builder, INTERRUPT_HARD));
	json_object_set_new(object, "softirqs", report_interrupts_json(builder, INTERRUPT_SOFT));
	json_object_set_new(object, "softirq_delays", report_delays_json(builder));
	json_object_set_new(object, "hrtimers", report_interrupts_json(builder, INTERRUPT_HRTIMER));
	json_object_set_new(object, "timers", report_interrupts_json(builder, INTERRUPT_TIMER));
	json_object_set_new(object, "faults", report_faults_json(builder));
	json_object_set_new(object, "markers", notes_json(builder, &analysis->markers, false));
	json_set_count(object, "markers_count", analysis->markers.count);
	return object;
}

int report_json(const struct report *report, FILE *out)
{
	json_t *document = json_object(), *machines = json_array();

	for (uint32_t i = 0; i < report->nr_machines; i++) {
		const struct report_machine *machine = &report->machines[i];
		const struct report_builder builder = {report, machine, machine->analysis};

		if (machine->analysis)
			json_array_append_new(machines, machine_json(&builder));
	}
	json_object_set_new(document, "machines", machines);
	json_set_damage(document, &report->damage);
	return json_write(document, JSON_REAL_PRECISION(6), out);
}
