/* SPDX-License-Identifier: MIT */
/*
 * Every call in its place, as function_graph of ftrace shows it. A call in which nothing else happens is one line, so its
 * line waits for its task's next event; the lines of one task are in order of time.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "tools/hypertrace/graph_view.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/machine_feed.h"

#define INDENT_MAX      64u
#define ENTRY_BYTES_MAX 16 /* between a symbol and its call of ftrace */

/* frame->flags */
#define FRAME_WANTED  1u /* by the filters */
#define FRAME_PENDING 2u /* the line of its entry is not out yet */

struct graph_tracing;

/* Of one machine. */
struct tracer {
	struct call_events events;
	struct graph_machine *machine;
	struct graph_tracing *tracing;
	uint64_t now_ns;
};

struct graph_tracing {
	const struct graph_feed *feed;
	const struct graph_trace_options *options;
	struct tracer *tracers; /* by machine */
	FILE *out;
	bool begun; /* the part asked for */
};

struct short_text {
	char text[160];
};

static struct short_text escaped(const char *text, size_t bytes_max)
{
	struct short_text out;
	size_t length = strnlen(text, bytes_max);

	out.text[text_escape(out.text, text, length > 39 ? 39 : length)] = 0;
	return out;
}

static const char *symbol(const struct tracer *tracer, uint64_t address, bool is_entry)
{
	uint64_t offset = 0;
	const char *name = names_symbol(&tracer->machine->machine->names, address, &offset);

	return name && (!is_entry || offset <= ENTRY_BYTES_MAX) ? name : NULL;
}

static void put_function(const struct tracer *tracer, uint64_t address, bool is_entry)
{
	const char *name = symbol(tracer, address, is_entry);
	char text[4 * 128];

	if (!name) {
		fprintf(tracer->tracing->out, "0x%" PRIx64, address);
		return;
	}
	fwrite(text, 1, text_escape(text, name, strnlen(name, 128)), tracer->tracing->out);
}

static const char *comm_of(const struct tracer *tracer, uint32_t pid)
{
	const struct names_task *task = names_task(&tracer->machine->machine->names, pid);

	return task ? task->comm : pid ? "<...>" : "<idle>";
}

/* --- text --- */

/* As function_graph marks what takes long. */
static char mark_of(uint64_t ns)
{
	static const struct {
		uint64_t ns;
		char mark;
	} marks[] = {{1000000000, '$'}, {100000000, '@'}, {10000000, '*'}, {1000000, '#'}, {100000, '!'},
		{10000, '+'}};

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (ns > marks[i].ns)
			return marks[i].mark;
	return ' ';
}

/* Machine, task, CPU, time, and what was taken: "", or with a mark. */
static void put_line(
	const struct tracer *tracer, uint32_t cpu, uint32_t pid, uint64_t at_ns, const char *took, char mark)
{
	const struct graph_feed *feed = tracer->tracing->feed;
	uint64_t since_ns = at_ns > (uint64_t)feed->start_ns ? at_ns - (uint64_t)feed->start_ns : 0;
	FILE *out = tracer->tracing->out;

	if (feed->nr_machines > 1)
		fprintf(out, "%s: ", escaped(tracer->machine->machine->name, 39).text);
	fprintf(out, "%16s-%-6" PRIu32 " [%03" PRIu32 "] %5" PRIu64 ".%09" PRIu64 ": %c%9s | ",
		escaped(comm_of(tracer, pid), 16).text, pid, cpu, since_ns / 1000000000,
		since_ns % 1000000000, mark, took);
}

static void put_indent(const struct tracer *tracer, uint32_t depth)
{
	fprintf(tracer->tracing->out, "%*s", 2 * (int)(depth < INDENT_MAX ? depth : INDENT_MAX), "");
}

static uint32_t depth_of(const struct call_task *task, const struct call_frame *frame)
{
	return (uint32_t)(frame - task->frames);
}

static bool is_shown(
	const struct tracer *tracer, const struct call_task *task, const struct call_frame *frame)
{
	const struct graph_tracing *tracing = tracer->tracing;

	return tracing->begun && frame->flags & FRAME_WANTED && frame->function &&
		(!tracing->options->depth || depth_of(task, frame) < tracing->options->depth);
}

/* The line of an entry, once it is known that more follows before its exit. */
static void put_entry(const struct tracer *tracer, const struct call_task *task, struct call_frame *frame)
{
	if (!(frame->flags & FRAME_PENDING))
		return;
	frame->flags &= ~FRAME_PENDING;
	put_line(tracer, task->cpu, task->pid, frame->start.wall_ns, "", ' ');
	put_indent(tracer, depth_of(task, frame));
	put_function(tracer, frame->function, true);
	fputs("() {\n", tracer->tracing->out);
}

static void put_exit(const struct tracer *tracer, const struct call_task *task, struct call_frame *frame,
	const struct call_times *took, enum call_end end)
{
	static const char *const whys[] = {
		"", ", end not known: events were lost", ", its task ended", ", still open"};
	bool alone = frame->flags & FRAME_PENDING, returned = end == CALL_RETURNED;
	uint64_t at_ns = alone ? frame->start.wall_ns : frame->start.wall_ns + took->wall_ns;
	FILE *out = tracer->tracing->out;

	put_line(tracer, task->cpu, task->pid, at_ns, returned ? human_ns(took->wall_ns).text : "?",
		returned ? mark_of(took->wall_ns) : ' ');
	put_indent(tracer, depth_of(task, frame));
	if (!alone)
		fputs("} /* ", out);
	put_function(tracer, frame->function, true);
	if (alone)
		fputs(returned ? "();" : "(); /*", out);
	if (took->on_ns < took->wall_ns && returned)
		fprintf(out, "%s%s on CPU", alone ? " /* " : ", ", human_ns(took->on_ns).text);
	if (took->real_ns < took->on_ns && returned)
		fprintf(out, "%s%s on a pCPU", alone && took->on_ns == took->wall_ns ? " /* " : ", ",
			human_ns(took->real_ns).text);
	fputs(whys[end], out);
	fputs(!alone || !returned || took->real_ns < took->wall_ns ? " */\n" : "\n", out);
}

/* --- lines of JSON --- */

static void put_json(
	const struct tracer *tracer, uint32_t cpu, uint32_t pid, uint64_t function, uint64_t begin_ns)
{
	const struct graph_feed *feed = tracer->tracing->feed;
	const char *name = symbol(tracer, function, true);
	struct strbuf text = STRBUF_EMPTY;

	strbuf_puts(&text, "{\"machine\":");
	text_append_json(&text, tracer->machine->machine->name);
	strbuf_puts(&text, ",\"comm\":");
	text_append_json(&text, comm_of(tracer, pid));
	strbuf_printf(&text,
		",\"pid\":%" PRIu32 ",\"cpu\":%" PRIu32 ",\"begin_ns\":%" PRId64 ",\"function\":", pid, cpu,
		(int64_t)(begin_ns - (uint64_t)feed->start_ns));
	if (name)
		text_append_json(&text, name);
	else
		strbuf_printf(&text, "\"0x%" PRIx64 "\"", function);
	if (text.data)
		fputs(text.data, tracer->tracing->out);
	strbuf_deinit(&text);
}

static void put_json_call(const struct tracer *tracer, const struct call_task *task,
	const struct call_frame *frame, const struct call_times *took, enum call_end end)
{
	static const char *const ends[] = {"returned", "lost", "task ended", "open"};
	FILE *out = tracer->tracing->out;

	put_json(tracer, task->cpu, task->pid, frame->function, frame->start.wall_ns);
	fprintf(out, ",\"depth\":%" PRIu32 ",\"duration_ns\":%" PRIu64 ",\"self_ns\":%" PRIu64,
		depth_of(task, frame), took->wall_ns,
		took->wall_ns > frame->children.wall_ns ? took->wall_ns - frame->children.wall_ns : 0);
	if (tracer->events.stacks.switches)
		fprintf(out, ",\"on_cpu_ns\":%" PRIu64, took->on_ns);
	if (tracer->machine->stolen)
		fprintf(out, ",\"on_pcpu_ns\":%" PRIu64, took->real_ns);
	fprintf(out, ",\"end\":\"%s\"}\n", ends[end]);
}

/* --- what happens --- */

static bool is_cpu_wanted(const struct graph_feed *feed, uint32_t cpu)
{
	return !feed->has_cpus || feed->cpus[cpu / 64] >> cpu % 64 & 1;
}

static bool is_wanted(const struct tracer *tracer, uint32_t cpu, uint32_t pid, uint64_t function)
{
	const struct graph_feed *feed = tracer->tracing->feed;
	const char *name;

	if (!is_cpu_wanted(feed, cpu))
		return false;
	if (feed->functions.count) {
		name = symbol(tracer, function, true);
		if (!name || !graph_feed_wants_function(feed, name))
			return false;
	}
	return filter_is_empty(&feed->filter) || graph_feed_wants_task(tracer->machine, pid);
}

static void enter(void *context, struct call_task *task, struct call_frame *frame)
{
	struct tracer *tracer = context;
	struct call_frame *caller = call_frame_caller(task, frame);

	if ((caller && caller->flags & FRAME_WANTED) ||
		is_wanted(tracer, task->cpu, task->pid, frame->function))
		frame->flags |= FRAME_WANTED;
	if (!is_shown(tracer, task, frame) || tracer->tracing->options->json)
		return;
	if (caller)
		put_entry(tracer, task, caller);
	frame->flags |= FRAME_PENDING;
}

static void leave(void *context, struct call_task *task, struct call_frame *frame,
	const struct call_times *took, enum call_end end)
{
	struct tracer *tracer = context;

	if (!is_shown(tracer, task, frame))
		return;
	if (tracer->tracing->options->json)
		put_json_call(tracer, task, frame, took, end);
	else
		put_exit(tracer, task, frame, took, end);
}

static void call(
	void *context, uint32_t cpu, uint32_t pid, uint64_t function, uint64_t caller, uint64_t now_ns)
{
	const struct tracer *tracer = context;
	FILE *out = tracer->tracing->out;

	if (!tracer->tracing->begun || !is_wanted(tracer, cpu, pid, function))
		return;
	if (tracer->tracing->options->json) {
		put_json(tracer, cpu, pid, function, now_ns);
		fputs("}\n", out);
		return;
	}
	put_line(tracer, cpu, pid, now_ns, "", ' ');
	put_function(tracer, function, true);
	if (caller) {
		fputs(" <- ", out);
		put_function(tracer, caller, false);
	}
	fputc('\n', out);
}

static void span(
	void *context, uint32_t cpu, uint32_t pid, uint64_t function, uint64_t took_ns, uint64_t now_ns)
{
	const struct tracer *tracer = context;
	FILE *out = tracer->tracing->out;

	if (!tracer->tracing->begun || !is_wanted(tracer, cpu, pid, function))
		return;
	if (tracer->tracing->options->json) {
		put_json(tracer, cpu, pid, function, now_ns - took_ns);
		fprintf(out, ",\"duration_ns\":%" PRIu64 "}\n", took_ns);
		return;
	}
	put_line(tracer, cpu, pid, now_ns - took_ns, human_ns(took_ns).text, mark_of(took_ns));
	put_function(tracer, function, true);
	fputs("();\n", out);
}

/* Before another task runs there, what the one that leaves is in gets its line. */
static void put_switch(struct tracer *tracer, const struct trace_event *event, uint32_t next_pid)
{
	struct call_stacks *stacks = &tracer->events.stacks;
	struct call_task *task = event->cpu < stacks->nr_cpus ? stacks->cpus[event->cpu].task : NULL;
	const struct graph_feed *feed = tracer->tracing->feed;

	if (task && task->depth)
		put_entry(tracer, task, &task->frames[task->depth - 1]);
	if (!tracer->tracing->begun || feed->functions.count || !is_cpu_wanted(feed, event->cpu))
		return;
	if (!filter_is_empty(&feed->filter) && !graph_feed_wants_task(tracer->machine, event->pid) &&
		!graph_feed_wants_task(tracer->machine, next_pid))
		return;
	put_line(tracer, event->cpu, event->pid, tracer->now_ns, "", ' ');
	fprintf(tracer->tracing->out, "==> %s-%" PRIu32 "\n", escaped(comm_of(tracer, next_pid), 16).text,
		next_pid);
}

static void put_lost(const struct tracer *tracer, uint32_t cpu, uint64_t lost)
{
	fprintf(tracer->tracing->out, "[CPU %" PRIu32 ": %" PRIu64 " events lost]\n", cpu, lost);
}

static void take(
	void *context, struct graph_machine *machine, const struct trace_event *event, uint64_t now_ns)
{
	struct graph_tracing *tracing = context;
	struct tracer *tracer = &tracing->tracers[machine - machine->feed->machines];
	const struct kernel_event_layout *layout = &machine->kernel_events->layouts[event->type->id];

	tracing->begun |= (int64_t)now_ns >= tracing->feed->from_ns;
	if ((int64_t)now_ns >= tracing->feed->to_ns)
		return;
	tracer->now_ns = now_ns;
	if (!tracing->options->json && layout->kind == KERNEL_EVENT_SWITCH)
		put_switch(tracer, event, (uint32_t)kernel_event_value(layout, 0, event->payload));
	if (!tracing->options->json && layout->kind == KERNEL_EVENT_LOST && tracing->begun)
		put_lost(tracer, event->cpu, kernel_event_value(layout, 0, event->payload));
	call_events_add(&tracer->events, event->type, event->payload, event->cpu, event->pid, now_ns);
}

/* --- from begin to end --- */

static int make_tracers(struct graph_tracing *tracing, struct graph_feed *feed, struct error *error)
{
	tracing->tracers = calloc(feed->nr_machines, sizeof(*tracing->tracers));
	for (uint32_t i = 0; tracing->tracers && i < feed->nr_machines; i++) {
		struct tracer *tracer = &tracing->tracers[i];
		const struct graph_machine *machine = &feed->machines[i];
		const struct call_events_options options = {
			.schema = machine->machine->schema,
			.lost_type = stream_reader_lost_type(),
			.nr_cpus = machine_feed_cpus(feed->trace, i),
			.ns_per_tsc = 1e9 / clock_map_hz(&machine->machine->clock),
			.entries_only = machine->entries_only,
			.names = &machine->machine->names,
			.listener = {tracer, enter, leave, call, span},
		};

		if (!machine->wanted)
			continue;
		tracer->machine = &feed->machines[i];
		tracer->tracing = tracing;
		if (call_events_init(&tracer->events, &options) < 0)
			return error_set(error, -ENOMEM, "out of memory");
		tracer->machine->stacks = &tracer->events.stacks;
	}
	return tracing->tracers ? 0 : error_set(error, -ENOMEM, "out of memory");
}

int graph_trace(
	struct graph_feed *feed, const struct graph_trace_options *options, FILE *out, struct error *error)
{
	struct graph_tracing tracing = {.feed = feed, .options = options, .out = out};
	int result = make_tracers(&tracing, feed, error);

	if (!result)
		result = graph_feed_walk(feed, take, &tracing, error);
	for (uint32_t i = 0; tracing.tracers && i < feed->nr_machines; i++) {
		struct tracer *tracer = &tracing.tracers[i];

		if (!result && tracer->machine)
			call_events_finish(&tracer->events, tracer->events.last_ns);
		call_events_deinit(&tracer->events);
	}
	free(tracing.tracers);
	return result;
}
