/* SPDX-License-Identifier: MIT */
/* Which system call each task is in: most records of a sys_exit leave that to the sys_enter before it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/model/syscall_names.h"
#include "tools/hypertrace/dump.h"

#define PIDS (1u << 22) /* PID_MAX_LIMIT of the kernel */

struct dump_call {
	uint32_t gap; /* dump_machine.gap when the task entered it; 0: it is in none */
	uint16_t nr;
};

/* Mostly untouched, so mostly not there. */
int dump_calls_init(struct dump_machine *machine, struct error *error)
{
	machine->gap = 1;
	machine->calls = calloc(PIDS, sizeof(*machine->calls));
	return machine->calls ? 0 : error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
}

void dump_calls_choose(struct dump_type *type)
{
	const char *name = type->type->name;

	type->nr = event_type_find_field(type->type, "nr");
	if (type->nr && !event_field_is_integer(type->nr->kind))
		type->nr = NULL;
	if (type->nr && (!strcmp(name, "sys_enter") || !strcmp(name, "sys_enter_args")))
		type->call = DUMP_CALL_ENTER;
	else if (!strcmp(name, "sys_exit"))
		type->call = DUMP_CALL_EXIT;
	else if (!strcmp(name, "sched_process_fork") && type->names_task)
		type->call = DUMP_CALL_FORK;
}

void dump_calls_follow(struct dump *dump, struct dump_machine *machine, const struct dump_type *type,
	const struct trace_event *event)
{
	struct dump_call *call = event->pid < PIDS ? &machine->calls[event->pid] : NULL;
	uint16_t nr = type->nr ? (uint16_t)event_field_value(type->nr, event->payload) : SYSCALL_NONE;
	uint64_t child;

	switch (type->call) {
	case DUMP_CALL_ENTER:
		if (call)
			*call = (struct dump_call){machine->gap, nr};
		break;
	case DUMP_CALL_EXIT:
		if (nr == SYSCALL_NONE && call && call->gap == machine->gap)
			nr = call->nr;
		if (call)
			call->gap = 0;
		break;
	case DUMP_CALL_FORK: /* the child's first event is the return of its parent's call */
		child = event_field_value(type->fields[1], event->payload);
		if (call && child < PIDS)
			machine->calls[child] = *call;
		break;
	}
	dump->call = nr;
}
