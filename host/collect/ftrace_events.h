/* SPDX-License-Identifier: MIT */
/*
 * The event types of a guest's ftrace, as its tracefs would describe them, read out of its memory: the list
 * `ftrace_events` of struct trace_event_call, each with its number, system and fields; also those of modules, and
 * ftrace's own (function, funcgraph_entry, print, kernel_stack, …).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/kernel/guest_kernel.h"
#include "lib/base/hash_map.h"

#define FTRACE_EVENTS_MAX 16384
#define FTRACE_FIELDS_MAX 64
#define FTRACE_NAME_BYTES 64

enum ftrace_field_kind {
	FTRACE_FIELD_INTEGER,
	FTRACE_FIELD_POINTER,      /* an address */
	FTRACE_FIELD_CHARS,        /* char[N]: text in place, up to a NUL */
	FTRACE_FIELD_ARRAY,        /* other arrays in place, and structs: bytes */
	FTRACE_FIELD_DYNAMIC_TEXT, /* __data_loc char[]: 32 bits, offset in the record | length << 16 */
	FTRACE_FIELD_DYNAMIC_BYTES,
	FTRACE_FIELD_RELATIVE_TEXT, /* __rel_loc: the same, the offset counts from behind the field */
	FTRACE_FIELD_RELATIVE_BYTES,
	FTRACE_FIELD_TAIL_TEXT,  /* char[0] at the end: up to the record's end */
	FTRACE_FIELD_TAIL_BYTES, /* e.g. the addresses of kernel_stack */
};

struct ftrace_field {
	char name[FTRACE_NAME_BYTES];
	enum ftrace_field_kind kind;
	uint32_t offset, bytes; /* in the record, from its struct trace_entry on */
	bool is_signed;
};

struct ftrace_event {
	uint16_t type;                   /* the number in its records */
	char system[FTRACE_NAME_BYTES]; /* "sched"; ftrace's own: "ftrace" */
	char name[FTRACE_NAME_BYTES];   /* "sched_switch": letters, digits, '_', '-'; checked */
	uint32_t nr_fields;              /* without the common ones */
	struct ftrace_field fields[];
};

struct ftrace_events {
	const struct guest_kernel *kernel;
	struct hash_map by_type; /* type -> struct ftrace_event *; a module's are added when first seen */
	uint32_t pid_offset;     /* of common_pid in struct trace_entry */
	uint64_t loaded_ns;      /* when the list was read last: not too often */
};

/* Reads the list. -ENOENT: this kernel has no ftrace; -EAGAIN: not set up so far; errors of reading; -ENOMEM. */
int ftrace_events_init(
	struct ftrace_events *events, const struct guest_kernel *kernel, struct error *error);
void ftrace_events_deinit(struct ftrace_events *events);

/* NULL: no such type, even after a new look at the list (at most about every 100 ms). */
const struct ftrace_event *ftrace_events_find(struct ftrace_events *events, uint16_t type);
