/* SPDX-License-Identifier: MIT */
/* The joint timeline of one wake-up: as dump shows events, of those that have to do with it. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/dump.h"
#include "tools/hypertrace/latency_view.h"

/* What is shown around it: the last events before it may be its cause. */
#define BEFORE_NS 20000
#define AFTER_NS  5000
/* Of a long one the beginning and the end. */
#define HEAD_EVENTS 30
#define TAIL_EVENTS 30

struct choice {
	const struct latency_view *view;
	const struct joint_wakeup *wakeup;
	uint64_t *count;        /* of events that have to do with it */
	uint64_t first, behind; /* of them these are shown, by number */
};

/* An event's number in the field of that name; UINT64_MAX: it has none. */
static uint64_t number(const struct trace_event *event, const char *name)
{
	const struct event_field *field = event_type_find_field(event->type, name);

	return field && field->kind <= EVENT_FIELD_HEX ? event_field_unsigned(field, event->payload) : UINT64_MAX;
}

static bool is_about(const struct trace_event *event, uint32_t pid)
{
	return event->pid == pid || number(event, "pid") == pid || number(event, "next_pid") == pid;
}

static bool is_related(const struct choice *choice, const struct trace_event *event)
{
	const struct joint_wakeup *wakeup = choice->wakeup;
	const struct joint_vcpu *vcpu =
		wakeup->vcpu == JOINT_NONE ? NULL : &choice->view->feed.joint->vcpus[wakeup->vcpu];

	if (event->machine == wakeup->machine)
		return event->cpu == wakeup->cpu || is_about(event, wakeup->task->pid);
	return vcpu && event->machine == vcpu->host && number(event, "tid") == vcpu->tid;
}

static bool is_chosen(const void *context, const struct trace_event *event)
{
	const struct choice *choice = context;
	uint64_t at;

	if (!is_related(choice, event))
		return false;
	at = (*choice->count)++;
	return at >= choice->first && at < choice->behind;
}

/* Shows those from the first on; `count` becomes the number of all. */
static int show(const struct latency_view *view, const struct joint_wakeup *wakeup, uint64_t first, uint64_t behind,
	uint64_t *count, struct error *error)
{
	const struct choice choice = {view, wakeup, count, first, behind};
	uint64_t from_ns = wakeup->woken_ns - view->feed.start_ns, to_ns = wakeup->run_ns - view->feed.start_ns;
	struct dump dump = {
		.part = {.all_events = true},
		.machine = -1,
		.trace = view->feed.trace,
		.borrowed = true,
		.fd = STDOUT_FILENO,
		.chosen = is_chosen,
		.chosen_context = &choice,
	};
	int result;

	*count = 0;
	dump.part.range.from_ns = from_ns > BEFORE_NS ? from_ns - BEFORE_NS : 0;
	dump.part.range.to_ns = to_ns + AFTER_NS;
	memset(dump.part.cpus, 0xff, sizeof(dump.part.cpus));
	fflush(stdout);
	result = dump_run(&dump, true, error);
	dump_deinit(&dump);
	return result;
}

int latency_timeline(const struct latency_view *view, const struct joint_wakeup *wakeup, struct error *error)
{
	uint64_t count, again;
	int result = show(view, wakeup, 0, HEAD_EVENTS, &count, error);

	if (result || count <= HEAD_EVENTS)
		return result;
	if (count > HEAD_EVENTS + TAIL_EVENTS)
		printf("… %" PRIu64 " events\n", count - HEAD_EVENTS - TAIL_EVENTS);
	return show(view, wakeup, count > HEAD_EVENTS + TAIL_EVENTS ? count - TAIL_EVENTS : HEAD_EVENTS, UINT64_MAX, &again,
		error);
}
