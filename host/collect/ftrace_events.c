/* SPDX-License-Identifier: MIT */
#include "host/collect/ftrace_events.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/ftrace_call.h"
#include "lib/base/clock_now.h"

#define LOOK_AGAIN_NS UINT64_C(100000000)

struct loading {
	struct ftrace_events *events;
	struct ftrace_call_layout layout;
	struct guest_copies copies;
};

void ftrace_events_deinit(struct ftrace_events *events)
{
	uint64_t type, event;

	for (size_t at = 0; hash_map_next(&events->by_type, &at, &type, &event);)
		free((void *)(uintptr_t)event);
	hash_map_deinit(&events->by_type);
	*events = (struct ftrace_events){0};
}

/* An event that is not known so far. One that cannot be understood is passed over: its records are raw then. */
static int add_event(struct loading *loading, uint64_t address)
{
	struct ftrace_event *event;
	uint64_t *place;
	int code = ftrace_call_read(&loading->layout, &loading->copies, address, &event);

	if (code == -EINVAL || code == -EFAULT)
		return 0;
	if (code)
		return code;
	if (hash_map_get(&loading->events->by_type, event->type)) {
		free(event);
		return 0;
	}
	place = hash_map_put(&loading->events->by_type, event->type);
	if (!place) {
		free(event);
		return -ENOMEM;
	}
	*place = (uintptr_t)event;
	return 0;
}

static int walk(struct loading *loading, uint64_t head)
{
	uint64_t at;
	int code = guest_copies_u64(&loading->copies, head, &at);

	for (size_t i = 0; !code && at != head; i++) {
		if (!at || i == FTRACE_EVENTS_MAX)
			return -ELOOP;
		code = add_event(loading, at - loading->layout.list);
		if (!code)
			code = guest_copies_u64(&loading->copies, at, &at);
	}
	return code;
}

static int load(struct ftrace_events *events, struct error *error)
{
	const struct guest_kernel *kernel = events->kernel;
	struct loading loading = {.events = events, .copies = {.kernel = kernel}};
	uint64_t head;
	int code = guest_kernel_need_symbol(kernel, "ftrace_events", &head, error);

	if (!code)
		code = ftrace_call_layout_init(&loading.layout, kernel, error);
	if (code)
		return code;
	code = walk(&loading, head);
	guest_copies_deinit(&loading.copies);
	events->loaded_ns = clock_now_ns(CLOCK_MONOTONIC);
	/* a list that changes under our eyes: what was read is there */
	if (events->by_type.count && (code == -EFAULT || code == -ELOOP))
		code = 0;
	return code
		? error_set(error, code, "kernel %s: list of events: %s", kernel->release, strerror(-code))
		: 0;
}

int ftrace_events_init(struct ftrace_events *events, const struct guest_kernel *kernel, struct error *error)
{
	struct kernel_field pid;
	int code;

	*events = (struct ftrace_events){.kernel = kernel};
	code = kernel_types_need(&kernel->types, "trace_entry", "pid", &pid, error);
	if (code)
		return code;
	events->pid_offset = pid.byte_offset;
	code = load(events, error);
	if (!code && !events->by_type.count)
		code = error_set(error, -EAGAIN, "kernel %s: no events so far", kernel->release);
	if (code)
		ftrace_events_deinit(events);
	return code;
}

const struct ftrace_event *ftrace_events_find(struct ftrace_events *events, uint16_t type)
{
	const uint64_t *place = hash_map_get(&events->by_type, type);

	if (!place && clock_now_ns(CLOCK_MONOTONIC) - events->loaded_ns >= LOOK_AGAIN_NS &&
		!load(events, NULL))
		place = hash_map_get(&events->by_type, type);
	return place ? (const struct ftrace_event *)(uintptr_t)*place : NULL;
}
