/* SPDX-License-Identifier: MIT */
#include "lib/analysis/kernel_event.h"

#include <stddef.h>

static const struct known_event {
	const char *name;
	enum kernel_event_kind kind;
	const char *values[KERNEL_EVENT_VALUES]; /* '?' in front: not in every layout */
	const char *text;
} known_events[] = {
	{"sched_switch", KERNEL_EVENT_SWITCH, {"next_pid", "prev_state"}},
	{"sched_waking", KERNEL_EVENT_WAKING, {"pid"}},
	{"sched_wakeup_new", KERNEL_EVENT_WAKING, {"pid"}},
	{"sched_migrate_task", KERNEL_EVENT_MIGRATE, {"pid"}},
	{"sched_process_fork", KERNEL_EVENT_FORK, {"child_pid", "child_tgid", "?parent_pid"}, "child_comm"},
	{"sched_process_exec", KERNEL_EVENT_EXEC, {"pid"}, "comm"},
	{"task_rename", KERNEL_EVENT_RENAME, {"pid"}, "comm"},
	{EVENT_TASK_COMM, KERNEL_EVENT_RENAME, {"pid"}, "comm"},
	{"sched_process_exit", KERNEL_EVENT_EXIT, {"pid"}},
	{"irq_handler_entry", KERNEL_EVENT_IRQ_ENTRY, {"irq"}},
	{"irq_handler_exit", KERNEL_EVENT_IRQ_EXIT, {"irq"}},
	{"softirq_raise", KERNEL_EVENT_SOFTIRQ_RAISE, {"vec"}},
	{"softirq_entry", KERNEL_EVENT_SOFTIRQ_ENTRY, {"vec"}},
	{"softirq_exit", KERNEL_EVENT_SOFTIRQ_EXIT, {"vec"}},
	{"sys_enter", KERNEL_EVENT_SYS_ENTER, {"nr"}},
	{"sys_enter_args", KERNEL_EVENT_SYS_ENTER, {"nr"}},
	{"sys_exit", KERNEL_EVENT_SYS_EXIT, {"ret", "?nr"}},
	{"hrtimer_expire_entry", KERNEL_EVENT_HRTIMER_ENTRY, {"function"}},
	{"hrtimer_expire_exit", KERNEL_EVENT_HRTIMER_EXIT, {NULL}},
	{"timer_expire_entry", KERNEL_EVENT_TIMER_ENTRY, {"function"}},
	{"timer_expire_exit", KERNEL_EVENT_TIMER_EXIT, {NULL}},
	{"page_fault_user", KERNEL_EVENT_FAULT_USER, {"ip", "error_code"}},
	{"page_fault_kernel", KERNEL_EVENT_FAULT_KERNEL, {"ip", "error_code"}},
	{"marker", KERNEL_EVENT_MARKER, {"pid"}, "text"},
	{"span", KERNEL_EVENT_SPAN, {"pair", "key", "value", "duration_tsc"}},
	{"tracepoint", KERNEL_EVENT_TRACEPOINT, {"format"}},
	{"guest_end", KERNEL_EVENT_GUEST_END, {"reason"}, "message"},
	{"initcall_level", KERNEL_EVENT_INITCALL_LEVEL, {NULL}, "level"},
	{"initcall_start", KERNEL_EVENT_INITCALL_START, {"func"}},
	{"initcall_finish", KERNEL_EVENT_INITCALL_FINISH, {"func", "?ret"}},
	{"module_load", KERNEL_EVENT_MODULE_LOAD, {NULL}, "name"},
	{"console", KERNEL_EVENT_CONSOLE, {NULL}, "msg"},
	{"funcgraph_entry", KERNEL_EVENT_FUNCGRAPH_ENTRY, {"func", "depth"}},
	{"funcgraph_exit", KERNEL_EVENT_FUNCGRAPH_EXIT, {"func", "depth", "?calltime", "?rettime"}},
	{"function", KERNEL_EVENT_FUNCTION, {"ip", "?parent_ip"}},
	{"func_entry", KERNEL_EVENT_FUNC_ENTRY, {"function"}},
	{"func_exit", KERNEL_EVENT_FUNC_EXIT, {NULL}},
	{"func_span", KERNEL_EVENT_FUNC_SPAN, {"function", "duration_tsc"}},
	{"func_missed", KERNEL_EVENT_FUNC_MISSED, {"cause", "count"}},
};

/* False: the type has no such integer and must have it. */
static bool find_value(const struct event_type *type, const char *name, const struct event_field **value)
{
	bool optional = name[0] == '?';
	const struct event_field *field = event_type_find_field(type, name + optional);

	if (!field || !event_field_is_integer(field->kind))
		return optional;
	*value = field;
	return true;
}

static bool find_text(const struct event_type *type, const struct known_event *known, uint16_t *offset)
{
	bool comm = known->kind == KERNEL_EVENT_FORK || known->kind == KERNEL_EVENT_EXEC ||
		known->kind == KERNEL_EVENT_RENAME;
	const struct event_field *field = event_type_find_field(type, known->text);

	if (!field || field->tail || field->kind != (comm ? EVENT_FIELD_COMM : EVENT_FIELD_TEXT))
		return false;
	*offset = field->byte_offset;
	return true;
}

static void add(struct kernel_events *events, const struct event_type *type, const struct known_event *known)
{
	struct kernel_event_layout layout = {.kind = (uint8_t)known->kind};

	for (int i = 0; i < KERNEL_EVENT_VALUES && known->values[i]; i++)
		if (!find_value(type, known->values[i], &layout.values[i]))
			return;
	if (known->text && !find_text(type, known, &layout.text_offset))
		return;
	events->layouts[type->id] = layout;
}

void kernel_events_init(
	struct kernel_events *events, const struct event_schema *schema, const struct event_type *lost_type)
{
	static const struct known_event lost = {"lost", KERNEL_EVENT_LOST, {"count"}};

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
