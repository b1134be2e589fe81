/* SPDX-License-Identifier: MIT */
/* A boot as JSON: all times in ns, `at_ns` and `start_ns` since the boot's begin. */
#include <stdlib.h>
#include <string.h>

#include "lib/analysis/machine_report.h"
#include "tools/hypertrace/boot_view.h"
#include "tools/hypertrace/json_put.h"

static void set_when(json_t *object, const char *key, const struct boot_view *view, uint64_t at_ns)
{
	json_set_count(object, key, boot_view_since_ns(view, at_ns));
}

static const char *stage_kind(enum boot_stage_kind kind)
{
	static const char *const names[] = {
		[BOOT_STAGE_FIRMWARE] = "firmware",
		[BOOT_STAGE_KERNEL] = "kernel",
		[BOOT_STAGE_LEVEL] = "initcalls",
		[BOOT_STAGE_USER] = "user",
	};

	return names[kind];
}

static json_t *stages_json(const struct boot_view *view)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < view->boot->nr_stages; i++) {
		const struct boot_stage *stage = &view->boot->stages[i];
		json_t *row = json_object();

		json_set_text(row, "name", stage->name);
		json_set_text(row, "kind", stage_kind(stage->kind));
		set_when(row, "start_ns", view, stage->from_ns);
		json_set_count(row, "duration_ns", stage->to_ns - stage->from_ns);
		if (stage->knows_busy)
			json_set_count(row, "cpu_ns", stage->busy_ns);
		if (stage->kind == BOOT_STAGE_LEVEL) {
			const struct initcall_level *level = &view->boot->initcalls.levels[stage->level];

			json_set_count(row, "initcalls", level->count);
			json_set_count(row, "initcalls_ns", level->total_ns);
		}
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *initcall_json(const struct boot_view *view, const struct initcall *initcall)
{
	json_t *row = json_object();

	json_set_text(row, "function", boot_view_function(view, initcall).text);
	if (initcall->module[0])
		json_set_text(row, "module", initcall->module);
	if (initcall->level != INITCALL_NO_LEVEL)
		json_set_text(row, "level", boot_view_level(view, initcall->level));
	json_set_count(row, "pid", initcall->pid);
	json_set_count(row, "cpu", initcall->cpu);
	set_when(row, "start_ns", view, initcall->start_ns);
	if (!initcall->end_ns) {
		json_object_set_new(row, "finished", json_false());
		return row;
	}
	json_set_count(row, "duration_ns", initcall->end_ns - initcall->start_ns);
	json_set_count(row, "self_ns", initcall_self_ns(initcall));
	json_set_count(row, "depth", initcall->depth);
	if (view->boot->knows_tasks && initcall->away_ns != INITCALL_AWAY_UNKNOWN)
		json_set_count(row, "off_cpu_ns", initcall->away_ns);
	json_object_set_new(row, "returned", json_integer(initcall->ret));
	if (initcall->torn)
		json_object_set_new(row, "events_lost", json_true());
	return row;
}

static json_t *gaps_json(const struct boot_view *view)
{
	const struct initcalls *initcalls = &view->boot->initcalls;
	json_t *array = json_array();

	for (size_t i = 0; i < boot_view_rows(view, initcalls->nr_gaps); i++) {
		const struct initcall_gap *gap = &initcalls->gaps[i];
		const struct initcall *next = boot_view_initcall_at(view, gap->to_ns);
		json_t *row = json_object();

		set_when(row, "start_ns", view, gap->from_ns);
		json_set_count(row, "duration_ns", gap->to_ns - gap->from_ns);
		json_set_text(row, "level", boot_view_level(view, gap->level));
		if (next)
			json_set_text(row, "until", boot_view_initcall(view, next).text);
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *initcalls_json(const struct boot_view *view)
{
	const struct initcalls *initcalls = &view->boot->initcalls;
	json_t *object = json_object(), *rows = json_array();
	size_t nr;
	const struct initcall **longest = initcalls_longest(initcalls, &nr);

	json_set_count(object, "count", initcalls->finished);
	json_set_count(object, "total_ns", initcalls->total_ns);
	json_set_count(object, "built_in", initcalls->own);
	json_set_count(object, "unfinished", initcalls->unfinished);
	json_set_count(object, "unstarted", initcalls->unstarted);
	json_set_count(object, "left_out", initcalls->left_out);
	for (size_t i = 0; i < boot_view_rows(view, nr); i++)
		json_array_append_new(rows, initcall_json(view, longest[i]));
	free(longest);
	json_object_set_new(object, "rows", rows);
	json_object_set_new(object, "gaps", gaps_json(view));
	return object;
}

static json_t *process_json(const struct boot_view *view, const struct boot_process *process)
{
	json_t *row = json_object();

	json_set_text(row, "comm", process->comm);
	json_set_count(row, "pid", process->pid);
	json_set_count(row, "parent_pid", process->parent_pid);
	json_set_text(row, "parent_comm", process->parent_comm);
	json_object_set_new(row, "executed", json_boolean(process->exec_ns != 0));
	set_when(row, "start_ns", view, boot_process_begin_ns(process));
	json_set_count(row, "life_ns", boot_process_life_ns(process, view->boot->last_ns));
	if (view->boot->knows_tasks)
		json_set_count(row, "cpu_ns", process->run_ns);
	json_set_text(row, "until", !process->end_ns ? "end" : process->replaced ? "exec" : "exit");
	return row;
}

static json_t *processes_json(const struct boot_view *view)
{
	const struct boot_processes *processes = &view->boot->processes;
	json_t *object = json_object(), *rows = json_array();
	size_t nr;
	const struct boot_process **longest = boot_view_processes(view, &nr);

	json_set_count(object, "executed", processes->execs);
	json_set_count(object, "forked", processes->forks);
	json_set_count(object, "exited", processes->exits);
	json_set_count(object, "threads", processes->threads);
	json_set_count(object, "kernel_threads", processes->kernel_threads);
	for (size_t i = 0; i < boot_view_rows(view, nr); i++)
		json_array_append_new(rows, process_json(view, longest[i]));
	free(longest);
	json_object_set_new(object, "rows", rows);
	return object;
}

static json_t *messages_json(const struct boot_view *view)
{
	const struct message_gaps *messages = &view->boot->messages;
	json_t *object = json_object(), *rows = json_array();

	json_set_count(object, "count", messages->count);
	for (size_t i = 0; i < boot_view_rows(view, messages->nr_items); i++) {
		const struct message_gap *gap = &messages->items[i];
		char text[MESSAGE_TEXT_BYTES + 1];
		json_t *row = json_object();

		memcpy(text, gap->text, gap->bytes);
		text[gap->bytes] = 0;
		set_when(row, "at_ns", view, gap->at_ns);
		json_set_count(row, "silence_ns", gap->gap_ns);
		json_set_text(row, "text", text);
		json_array_append_new(rows, row);
	}
	json_object_set_new(object, "after_silence", rows);
	return object;
}

static json_t *machine_json(const struct boot_view *view)
{
	const struct boot *boot = view->boot;
	json_t *object = json_object();

	json_set_text(object, "name", view->machine->name);
	json_set_text(object, "release", view->machine->info->release);
	json_set_text(object, "channel", view->machine->info->channel);
	json_set_count(object, "begin_unix_ns", boot_begin_ns(boot));
	json_set_count(object, "total_ns", boot_total_ns(boot));
	json_object_set_new(object, "power_on_known",
		json_boolean(boot->nr_stages && boot->stages[0].kind == BOOT_STAGE_FIRMWARE));
	json_set_text(object, "until", boot->until_found ? boot->until : "");
	json_set_count(object, "events", boot->events);
	json_set_count(object, "lost", boot->lost);
	json_object_set_new(object, "knows_tasks", json_boolean(boot->knows_tasks));
	if (boot->again_ns)
		set_when(object, "started_again_ns", view, boot->again_ns);
	if (boot->end_reason_ns)
		json_set_text(object, "end", machine_report_end_name(boot->end_reason));
	json_object_set_new(object, "stages", stages_json(view));
	json_object_set_new(object, "initcalls", initcalls_json(view));
	json_object_set_new(object, "programs", processes_json(view));
	json_object_set_new(object, "messages", messages_json(view));
	return object;
}

int boot_json(const struct boot_view *views, size_t nr, const struct trace_damage *damage, FILE *out)
{
	json_t *document = json_object(), *machines = json_array();

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(machines, machine_json(&views[i]));
	json_object_set_new(document, "machines", machines);
	json_set_damage(document, damage);
	return json_write(document, 0, out);
}
