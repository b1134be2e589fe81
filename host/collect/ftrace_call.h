/* SPDX-License-Identifier: MIT */
/*
 * One struct trace_event_call of a guest, and all it refers to, as a struct ftrace_event.
 * (include/linux/trace_events.h, kernel/trace/trace_events.c, kernel/trace/trace_syscalls.c of 6.1 and 6.12.)
 */
#pragma once
#include "host/collect/ftrace_events.h"
#include "host/collect/guest_copies.h"

/* Where things are, looked up once per look at the list. */
struct ftrace_call_layout {
	uint32_t list, class, name, type, data, flags; /* of struct trace_event_call */
	uint32_t system, get_fields, fields;           /* of struct trace_event_class */
	uint32_t tracepoint_name, enter_fields;        /* of struct tracepoint, struct syscall_metadata */
	struct kernel_field link, field_name, field_type, field_offset, field_size, field_signed,
		field_filter;
	uint32_t field_bytes;
	uint64_t tracepoint_flag; /* TRACE_EVENT_FL_TRACEPOINT */
	uint64_t function_filter; /* FILTER_TRACE_FN: the field is a function's address */
	uint64_t syscall_fields;  /* the function syscall_get_enter_fields; 0: there is none */
};

/* -ENOTSUP with the name of what is missing. */
int ftrace_call_layout_init(
	struct ftrace_call_layout *layout, const struct guest_kernel *kernel, struct error *error);

/* The caller's to free. -EINVAL: no event, or one that we cannot understand; errors of reading; -ENOMEM. */
int ftrace_call_read(const struct ftrace_call_layout *layout, struct guest_copies *copies, uint64_t address,
	struct ftrace_event **event);
