/* SPDX-License-Identifier: MIT */
/* The joint timeline of one wake-up: as dump shows events, of those that have to do with it. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "tools/hypertrace/dump.h"
#include "tools/hypertrace/human.h"
#include "tools/hypertrace/latency_view.h"

/* What is shown around it: the last events before it may be its cause. */
#define BEFORE_NS 20000
#define AFTER_NS  5000
/* Of exits those that explain something: longer than this part of the wake-up, or without a pCPU. */
#define EXIT_PART 256
/* Of a long one the beginning and the end. */
#define HEAD_EVENTS 30
#define TAIL_EVENTS 30

struct choice {
	const struct latency_view *view;
	const struct joint_wakeup *wakeup;
	uint64_t *count;        /* of events that have to do with it */
	uint64_t *short_exits;  /* left out */
	uint64_t least_ns;      /* of an exit that is shown */
	uint64_t first, behind; /* of them these are shown, by number */
};

/* An event's number in the field of that name; UINT64_MAX: it has none. */
static uint64_t number(const struct trace_event *event, const char *name)
{
	const struct event_field *field = event_type_find_field(event->type, name);

	return field && event_field_is_integer(field->kind) ? event_field_unsigned(field, event->payload)
							    : UINT64_MAX;
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

static bool is_short_exit(const struct choice *choice, const struct trace_event *event)
{
	uint64_t duration_ns, flags;

	if (event->machine == choice->wakeup->machine)
		return false;
	duration_ns = number(event, "duration");
	flags = number(event, "flags");
	return duration_ns != UINT64_MAX && flags != UINT64_MAX && duration_ns < choice->least_ns &&
		!(flags & VCPU_EXIT_LOST_PCPU);
}

static bool is_chosen(const void *context, const struct trace_event *event)
{
	const struct choice *choice = context;
	uint64_t at;

	if (!is_related(choice, event))
		return false;
	if (is_short_exit(choice, event)) {
		++*choice->short_exits;
		return false;
	}
	at = (*choice->count)++;
	return at >= choice->first && at < choice->behind;
}

/* Shows those from the first on; `count` becomes the number of all. */
static int show(const struct latency_view *view, const struct joint_wakeup *wakeup, uint64_t first,
	uint64_t behind, uint64_t *count, uint64_t *short_exits, struct error *error)
{
	const struct choice choice = {.view = view,
		.wakeup = wakeup,
		.count = count,
		.short_exits = short_exits,
		.least_ns = (wakeup->run_ns - wakeup->woken_ns) / EXIT_PART,
		.first = first,
		.behind = behind};
	uint64_t from_ns = wakeup->woken_ns - view->feed.start_ns,
		 to_ns = wakeup->run_ns - view->feed.start_ns;
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

	*count = *short_exits = 0;
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
	const uint64_t most = HEAD_EVENTS + TAIL_EVENTS;
	uint64_t count, again, short_exits;
	int result = show(view, wakeup, 0, HEAD_EVENTS, &count, &short_exits, error);

	if (!result && count > most)
		printf("… %" PRIu64 " events\n", count - most);
	if (!result && count > HEAD_EVENTS)
		result = show(view, wakeup, count > most ? count - TAIL_EVENTS : HEAD_EVENTS, UINT64_MAX,
			&again, &short_exits, error);
	if (!result && short_exits)
		printf("not shown: %" PRIu64 " exit%s shorter than %s\n", short_exits,
			short_exits == 1 ? "" : "s",
			human_ns((wakeup->run_ns - wakeup->woken_ns) / EXIT_PART).text);
	return result;
}
