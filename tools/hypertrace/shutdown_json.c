/* SPDX-License-Identifier: MIT */
/* A shutdown as JSON: all times in ns, `at_ns` and `start_ns` since the shutdown's begin. */
#include <stdlib.h>
#include <string.h>

#include "lib/analysis/machine_report.h"
#include "tools/hypertrace/json_put.h"
#include "tools/hypertrace/shutdown_view.h"

static void set_when(json_t *object, const char *key, const struct shutdown_view *view, uint64_t at_ns)
{
	json_set_count(object, key, shutdown_view_since_ns(view, at_ns));
}

static json_t *stages_json(const struct shutdown_view *view)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < view->shutdown->nr_stages; i++) {
		const struct shutdown_stage *stage = &view->shutdown->stages[i];
		json_t *row = json_object();

		json_set_text(row, "name", stage->name);
		set_when(row, "start_ns", view, stage->from_ns);
		json_set_count(row, "duration_ns", stage->to_ns - stage->from_ns);
		if (stage->func) {
			json_set_text(row, "function", shutdown_view_function(view, stage->func).text);
			json_set_count(row, "calls", stage->calls);
			json_object_set_new(row, "finished", json_boolean(!stage->open));
		}
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *call_json(const struct shutdown_view *view, const struct shutdown_call *call)
{
	json_t *row = json_object();

	json_set_text(row, "function", shutdown_view_function(view, call->func).text);
	json_set_text(row, "section", shutdown_view_section(call->section));
	if (call->device[0])
		json_set_text(row, "device", call->device);
	json_object_set_new(row, "helper", json_boolean(call->helper));
	json_set_count(row, "pid", call->pid);
	set_when(row, "start_ns", view, call->start_ns);
	json_set_count(row, "duration_ns", shutdown_view_end_ns(view, call->end_ns) - call->start_ns);
	json_object_set_new(row, "finished", json_boolean(call->end_ns != 0));
	json_set_count(row, "waited_ns", call->wait_ns);
	if (call->waiter)
		json_set_text(row, "waited_mostly_in", shutdown_view_function(view, call->waiter).text);
	return row;
}

static json_t *calls_json(const struct shutdown_view *view)
{
	json_t *array = json_array();

	for (int section = 0; section <= SHUTDOWN_SECTIONS; section++) {
		size_t nr;
		const struct shutdown_call **calls =
			shutdown_view_calls(view, (enum shutdown_section)section, &nr);

		for (size_t i = 0; i < shutdown_view_rows(view, nr); i++)
			json_array_append_new(array, call_json(view, calls[i]));
		free(calls);
	}
	return array;
}

static json_t *waits_json(const struct shutdown_view *view)
{
	const struct shutdown_graph *graph = &view->shutdown->graph;
	json_t *array = json_array();

	for (size_t i = 0; i < shutdown_view_rows(view, graph->nr_waits); i++) {
		const struct shutdown_wait *wait = &graph->waits[i];
		json_t *row = json_object();

		json_set_text(row, "function", shutdown_view_function(view, wait->func).text);
		if (wait->caller)
			json_set_text(row, "in", shutdown_view_function(view, wait->caller).text);
		set_when(row, "start_ns", view, wait->start_ns);
		json_set_count(row, "duration_ns", wait->ns);
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *sleeps_json(const struct shutdown_view *view)
{
	json_t *array = json_array();

	for (size_t i = 0; i < shutdown_view_rows(view, view->shutdown->nr_sleeps); i++) {
		const struct shutdown_sleep *sleep = &view->shutdown->sleeps[i];
		json_t *row = json_object();

		set_when(row, "start_ns", view, sleep->start_ns);
		json_set_count(row, "duration_ns", sleep->ns);
		json_object_set_new(row, "preempted", json_boolean(sleep->preempted));
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *programs_json(const struct shutdown_view *view)
{
	size_t nr;
	const struct boot_process **ended = shutdown_view_ended(view, &nr);
	json_t *array = json_array();

	for (size_t i = 0; i < shutdown_view_rows(view, nr); i++) {
		json_t *row = json_object();

		json_set_text(row, "comm", ended[i]->comm);
		json_set_count(row, "pid", ended[i]->pid);
		set_when(row, "ended_ns", view, ended[i]->end_ns);
		json_array_append_new(array, row);
	}
	free(ended);
	return array;
}

static json_t *messages_json(const struct shutdown_view *view)
{
	const struct shutdown_message *message;
	json_t *array = json_array();

	for (uint64_t i = 0; (message = shutdown_message_at(view->shutdown, i)); i++) {
		char text[SHUTDOWN_MESSAGE_BYTES + 1];
		json_t *row;

		if (message->at_ns < shutdown_begin_ns(view->shutdown))
			continue;
		memcpy(text, message->text, message->bytes);
		text[message->bytes] = 0;
		row = json_object();
		set_when(row, "at_ns", view, message->at_ns);
		json_set_text(row, "text", text);
		json_array_append_new(array, row);
	}
	return array;
}

static json_t *open_json(const struct shutdown_view *view)
{
	json_t *array = json_array();

	for (uint32_t i = 0; i < view->shutdown->graph.nr_open; i++) {
		json_t *holder = json_object();

		json_set_text(
			holder, "name", shutdown_view_function(view, view->shutdown->graph.open[i]).text);
		json_array_append(array, json_object_get(holder, "name"));
		json_decref(holder);
	}
	return array;
}

static json_t *machine_json(const struct shutdown_view *view)
{
	const struct shutdown *shutdown = view->shutdown;
	json_t *object = json_object();

	json_set_text(object, "name", view->machine->name);
	json_set_text(object, "release", view->machine->info->release);
	json_set_text(object, "channel", view->machine->info->channel);
	json_set_count(object, "begin_unix_ns", shutdown_begin_ns(shutdown));
	json_set_count(object, "total_ns", shutdown_view_total_ns(view));
	json_set_text(object, "known_from", shutdown_view_source(shutdown->source));
	json_set_text(object, "command", shutdown->command_ns ? shutdown->command : "");
	set_when(object, "kernel_at_ns", view, shutdown->kernel_ns);
	if (shutdown->knows_pid)
		json_set_text(object, "task", shutdown_view_task(view).text);
	if (shutdown->end_ns)
		json_set_text(object, "end", machine_report_end_name(shutdown->end_reason));
	json_set_count(object, "events", shutdown->events);
	json_set_count(object, "lost", shutdown->lost);
	json_object_set_new(object, "function_graph", json_boolean(shutdown->graph.root_ns != 0));
	json_set_count(object, "unmatched", shutdown->graph.unmatched);
	json_object_set_new(object, "stopped_inside", open_json(view));
	json_object_set_new(object, "stages", stages_json(view));
	json_object_set_new(object, "calls", calls_json(view));
	json_object_set_new(object, "waits", waits_json(view));
	if (shutdown->knows_tasks) {
		json_set_count(object, "off_cpu_ns", shutdown->slept_ns);
		json_object_set_new(object, "sleeps", sleeps_json(view));
	}
	json_object_set_new(object, "programs_ended", programs_json(view));
	json_object_set_new(object, "messages", messages_json(view));
	return object;
}

int shutdown_json(const struct shutdown_view *views, size_t nr, const struct trace_damage *damage, FILE *out)
{
	json_t *document = json_object(), *machines = json_array();

	for (size_t i = 0; i < nr; i++)
		json_array_append_new(machines, machine_json(&views[i]));
	json_object_set_new(document, "machines", machines);
	json_set_damage(document, damage);
	return json_write(document, 0, out);
}
