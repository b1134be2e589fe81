/* SPDX-License-Identifier: MIT */
/* One ring buffer of a guest's ftrace as one machine of a trace: events converted, packed, named, and put in time. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/collect/ftrace_buffer.h"
#include "host/collect/ftrace_events.h"
#include "host/collect/ftrace_selection.h"
#include "host/collect/machine_output.h"

/* What the machines of one guest share; all of it outlives them. */
struct ftrace_machine_wishes {
	struct recorder_common *common;
	const struct guest_kernel *kernel;
	struct ftrace_events *events;
	const struct ftrace_selection *selection;
	const struct event_schema *known; /* abi/events.def */
	bool whole;                       /* from the oldest event of the ring on */
	bool is_late;                     /* it was made while we recorded, or waited for it: what is gone already, is lost to us */
	int64_t start_host_ns;            /* struct recorder_stock */
	bool guest_time;                  /* likewise */
};

struct ftrace_machine;

/* `name`: of its directory. -EAGAIN: the guest has not made its rings so far; errors of ftrace_buffer_create(). */
int ftrace_machine_create(struct ftrace_machine **machine, const struct ftrace_machine_wishes *wishes,
	const struct ftrace_instance *instance, const char *name, struct error *error);

/*
 * Takes what is there. Returns how full the fullest ring became, in 1/1000; -ESRCH, -EIO: its memory is gone;
 * -ESTALE: its clock was changed, what follows belongs into another machine; -ENOENT: the instance was removed.
 */
int ftrace_machine_poll(struct ftrace_machine *machine, uint64_t now_ns);

/* Brings the counts in the trace's description up to date, and the symbols beside it. About every second. */
void ftrace_machine_count(struct ftrace_machine *machine);

uint64_t ftrace_machine_ring_bytes(const struct ftrace_machine *machine);
uint64_t ftrace_machine_address(const struct ftrace_machine *machine); /* of its struct trace_array */
const char *ftrace_machine_tracer(const struct ftrace_machine *machine); /* as last seen; raw */
struct machine_output *ftrace_machine_output(struct ftrace_machine *machine);

/* Ends it: last counts, clock, metadata. `message` is raw. */
void ftrace_machine_destroy(struct ftrace_machine *machine, const char *end_state, const char *message);
