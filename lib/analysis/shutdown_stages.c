/* SPDX-License-Identifier: MIT */
#include "lib/analysis/shutdown_stages.h"

#include <stdlib.h>

#define BETWEEN_MIN_NS 100000 /* less between two stages is none */

static const char *const names[] = {
	[SHUTDOWN_STAGE_USER] = "user space",
	[SHUTDOWN_STAGE_NOTIFIERS] = "reboot notifiers",
	[SHUTDOWN_STAGE_DEVICES] = "devices",
	[SHUTDOWN_STAGE_SYSCORE] = "system core",
	[SHUTDOWN_STAGE_MACHINE] = "machine",
	[SHUTDOWN_STAGE_OTHER] = "kernel, other",
};

static struct shutdown_stage *add(
	struct shutdown *shutdown, enum shutdown_stage_kind kind, uint64_t from_ns, uint64_t to_ns)
{
	struct shutdown_stage *stage = &shutdown->stages[shutdown->nr_stages];

	if (to_ns < from_ns)
		to_ns = from_ns;
	*stage = (struct shutdown_stage){
		.kind = kind, .name = names[kind], .from_ns = from_ns, .to_ns = to_ns};
	if (shutdown->nr_stages + 1 < SHUTDOWN_STAGES_MAX)
		shutdown->nr_stages++;
	return stage;
}

static bool is_stage(const struct shutdown *shutdown, const struct shutdown_span *span)
{
	return span->pid == shutdown->graph.pid && span->class >= SHUTDOWN_CHAIN &&
		span->class <= SHUTDOWN_MACHINE;
}

static int compare_start(const void *a, const void *b)
{
	const struct shutdown_span *one = a, *other = b;

	return (one->start_ns > other->start_ns) - (one->start_ns < other->start_ns);
}

static uint64_t calls_of(const struct shutdown *shutdown, const struct shutdown_stage *stage)
{
	uint64_t count = 0;

	for (size_t i = 0; i < shutdown->graph.nr_calls; i++) {
		const struct shutdown_call *call = &shutdown->graph.calls[i];

		count += call->pid == shutdown->graph.pid && !call->helper && shutdown_stage_has(stage, call);
	}
	return count;
}

/* The graph's spans in the order of time, and what is between them. Returns where the last ends. */
static uint64_t add_spans(struct shutdown *shutdown, uint64_t from_ns)
{
	struct shutdown_span *spans = shutdown->graph.spans;
	unsigned chains = 0;

	qsort(spans, shutdown->graph.nr_spans, sizeof(*spans), compare_start);
	for (uint32_t i = 0; i < shutdown->graph.nr_spans; i++) {
		struct shutdown_stage *stage;

		if (!is_stage(shutdown, &spans[i]) || spans[i].start_ns < from_ns)
			continue;
		if (spans[i].start_ns - from_ns >= BETWEEN_MIN_NS)
			add(shutdown, SHUTDOWN_STAGE_OTHER, from_ns, spans[i].start_ns);
		/* chains, devices, core, machine: in the order of the classes */
		stage = add(shutdown, (enum shutdown_stage_kind)(spans[i].class - SHUTDOWN_CHAIN + 1),
			spans[i].start_ns, spans[i].end_ns ? spans[i].end_ns : shutdown->last_ns);
		stage->func = spans[i].func;
		stage->open = !spans[i].end_ns;
		if (stage->kind == SHUTDOWN_STAGE_NOTIFIERS && chains++)
			stage->name =
				"more notifiers"; /* of what is to be done before the power goes, for example */
		from_ns = stage->to_ns;
	}
	return from_ns;
}
_Static_assert(SHUTDOWN_DEVICES - SHUTDOWN_CHAIN + 1 == (int)SHUTDOWN_STAGE_DEVICES &&
		SHUTDOWN_MACHINE - SHUTDOWN_CHAIN + 1 == (int)SHUTDOWN_STAGE_MACHINE &&
		SHUTDOWN_SECTION_MACHINE + 1 == (int)SHUTDOWN_STAGE_MACHINE,
	"one order of classes, sections and stages");

void shutdown_stages_make(struct shutdown *shutdown)
{
	uint64_t from_ns = shutdown->kernel_ns;

	if (shutdown->command_ns)
		add(shutdown, SHUTDOWN_STAGE_USER, shutdown->command_ns, shutdown->kernel_ns);
	if (shutdown->graph.root_ns) {
		from_ns = add_spans(shutdown, from_ns);
	} else if (shutdown->message_ns > from_ns) {
		add(shutdown, SHUTDOWN_STAGE_OTHER, from_ns, shutdown->message_ns)->name =
			"kernel, to its last message";
		from_ns = shutdown->message_ns;
	}
	if (shutdown->last_ns - from_ns >= BETWEEN_MIN_NS || !shutdown->nr_stages)
		add(shutdown, SHUTDOWN_STAGE_OTHER, from_ns, shutdown->last_ns)->name =
			shutdown->message_ns == from_ns ? "after the last message"
							: names[SHUTDOWN_STAGE_OTHER];
	for (uint32_t i = 0; i < shutdown->nr_stages; i++)
		shutdown->stages[i].calls = calls_of(shutdown, &shutdown->stages[i]);
}
