/* SPDX-License-Identifier: MIT */
#include "lib/analysis/vcpu_event.h"

#include <string.h>

/* The order of each kind's fields, for vcpu_event_decode(). */
static const struct known_event {
	const char *name;
	enum vcpu_event_kind kind;
	const char *fields[VCPU_EVENT_FIELDS];
} known_events[] = {
	{"kvm_exit", VCPU_EVENT_EXIT, {"tid", "vcpu", "flags", "reason", "duration", "rip"}},
	{"kvm_hypercall", VCPU_EVENT_HYPERCALL,
		{"tid", "vcpu", "flags", "reason", "duration", "rip", "nr", "a0", "a1", "a2", "a3"}},
	{"vcpu_out", VCPU_EVENT_OUT, {"tid", "vcpu", "prev_state", "next_pid", "next_tgid", "next_comm"}},
	{"vcpu_in", VCPU_EVENT_IN, {"tid", "vcpu", "prev_pid", "prev_tgid", "prev_comm"}},
	{"vcpu_waking", VCPU_EVENT_WAKING, {"tid", "vcpu", "waker_pid"}},
	{"vcpu_migrate", VCPU_EVENT_MIGRATE, {"tid", "vcpu", "orig_cpu", "dest_cpu"}},
	{"kvm_userspace_exit", VCPU_EVENT_USER, {"tid", "vcpu", "reason"}},
	{"kvm_write_tsc_offset", VCPU_EVENT_TSC, {"tid", "vcpu"}},
	{"kvm_page_fault", VCPU_EVENT_DETAIL, {"tid", "vcpu"}},
	{"kvm_inj_virq", VCPU_EVENT_DETAIL, {"tid", "vcpu"}},
	{"kvm_halt_poll", VCPU_EVENT_DETAIL, {"tid", "vcpu"}},
	{"kvm_exit_info", VCPU_EVENT_DETAIL, {"tid", "vcpu"}},
	{"exit_histogram", VCPU_EVENT_HISTOGRAM,
		{"tid", "vcpu", "flags", "reason", "count", "total", "min", "max", "buckets"}},
};

static bool is_of_kind(const struct event_field *field, const char *name)
{
	size_t length = strlen(name);

	if (length > 5 && !strcmp(name + length - 5, "_comm"))
		return field->kind == EVENT_FIELD_COMM;
	if (!strcmp(name, "buckets"))
		return field->kind == EVENT_FIELD_BYTES;
	return event_field_is_integer(field->kind);
}

static void add(struct vcpu_events *events, const struct event_type *type, const struct known_event *known)
{
	struct vcpu_event_layout layout = {.kind = (uint8_t)known->kind};

	for (int i = 0; i < VCPU_EVENT_FIELDS && known->fields[i]; i++) {
		layout.fields[i] = event_type_find_field(type, known->fields[i]);
		if (!layout.fields[i] || !is_of_kind(layout.fields[i], known->fields[i]))
			return;
	}
	events->layouts[type->id] = layout;
	events->any |= known->kind != VCPU_EVENT_LOST;
}

void vcpu_events_init(
	struct vcpu_events *events, const struct event_schema *schema, const struct event_type *lost_type)
{
	static const struct known_event lost = {"lost", VCPU_EVENT_LOST, {"count"}};

	memset(events, 0, sizeof(*events));
	for (uint32_t id = 0; id < EVENT_TYPES_MAX; id++) {
		const struct event_type *type = schema->types[id];

		for (size_t i = 0; type && i < sizeof(known_events) / sizeof(known_events[0]); i++)
			if (!strcmp(type->name, known_events[i].name))
				add(events, type, &known_events[i]);
	}
	if (lost_type)
		add(events, lost_type, &lost);
}

/* --- decoding --- */

struct source {
	const struct event_field *const *fields;
	const uint8_t *payload;
};

static uint64_t value(const struct source *from, int field)
{
	return event_field_unsigned(from->fields[field], from->payload);
}

static void decode_exit(struct vcpu_event *event, const struct source *from)
{
	event->flags = (uint8_t)value(from, 2);
	event->reason = (uint32_t)value(from, 3);
	event->duration_ns = value(from, 4);
	event->rip = value(from, 5);
}

/* Three fields: pid, tgid, comm. */
static void decode_task(struct vcpu_task *task, const struct source *from, int field)
{
	task->pid = (uint32_t)value(from, field);
	task->tgid = (uint32_t)value(from, field + 1);
	memcpy(task->comm, from->payload + from->fields[field + 2]->byte_offset, VCPU_COMM_BYTES - 1);
	task->comm[VCPU_COMM_BYTES - 1] = 0;
}

static void decode_histogram(struct vcpu_event *event, const struct source *from)
{
	uint32_t bytes;
	const uint8_t *buckets = event_field_tail(from->fields[8], from->payload, &bytes);

	event->flags = (uint8_t)value(from, 2);
	event->reason = (uint32_t)value(from, 3);
	event->count = value(from, 4);
	event->total_ns = value(from, 5);
	event->min_ns = value(from, 6);
	event->max_ns = value(from, 7);
	memset(event->buckets, 0, sizeof(event->buckets));
	memcpy(event->buckets, buckets, bytes < sizeof(event->buckets) ? bytes : sizeof(event->buckets));
}

void vcpu_event_decode(const struct vcpu_events *events, const struct event_type *type,
	const uint8_t *payload, struct vcpu_event *event)
{
	const struct vcpu_event_layout *layout = &events->layouts[type->id];
	const struct source from = {layout->fields, payload};

	event->kind = (enum vcpu_event_kind)layout->kind;
	if (event->kind == VCPU_EVENT_OTHER)
		return;
	if (event->kind == VCPU_EVENT_LOST) {
		event->count = value(&from, 0);
		return;
	}
	event->tid = (uint32_t)value(&from, 0);
	event->vcpu = (uint32_t)value(&from, 1);
	switch (event->kind) {
	case VCPU_EVENT_HYPERCALL:
		event->nr = value(&from, 6);
		for (int i = 0; i < 4; i++)
			event->args[i] = value(&from, 7 + i);
		decode_exit(event, &from);
		break;
	case VCPU_EVENT_EXIT:
		decode_exit(event, &from);
		break;
	case VCPU_EVENT_OUT:
		event->prev_state = (uint32_t)value(&from, 2);
		decode_task(&event->task, &from, 3);
		break;
	case VCPU_EVENT_IN:
		decode_task(&event->task, &from, 2);
		break;
	case VCPU_EVENT_WAKING:
		event->waker_pid = (uint32_t)value(&from, 2);
		break;
	case VCPU_EVENT_MIGRATE:
		event->from_pcpu = (uint32_t)value(&from, 2);
		event->to_pcpu = (uint32_t)value(&from, 3);
		break;
	case VCPU_EVENT_USER:
		event->reason = (uint32_t)value(&from, 2);
		break;
	case VCPU_EVENT_HISTOGRAM:
		decode_histogram(event, &from);
		break;
	default:
		break;
	}
}
