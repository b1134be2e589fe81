/* SPDX-License-Identifier: MIT */
/*
 * A trace, opened: its machines, what they say about themselves, and their streams. Events:
 * lib/reader/trace_reader.h. Several traces may be opened as one; times are comparable through their hosts'
 * clocks.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/clock/clock_map.h"
#include "lib/model/event_schema.h"
#include "lib/model/names.h"
#include "lib/model/trace_info.h"

/* One stream file: one vCPU's packets. */
struct trace_stream {
	char *name; /* "TRACE/vm/cpu0", for messages */
	int fd;
	uint32_t cpu;     /* from the file's name; every packet must agree */
	uint32_t machine; /* index into trace.machines */
	uint64_t bytes;   /* of the file when it was opened */
};

struct trace_machine {
	char *name; /* unique in the trace: "vm", or "TRACE/vm" where several traces have a vm */
	char *path; /* of its directory */
	int dir_fd;
	uint8_t uuid[16];
	struct event_schema *schema;
	const struct trace_machine_info *info; /* never NULL; empty if the trace has no hypertrace.json */
	const struct trace_info *trace_info;   /* of the trace it came from; never NULL */
	struct clock_map clock;                /* TSC to the host's CLOCK_MONOTONIC */
	int64_t realtime_offset_ns;            /* Unix ns = that + this */
	struct names names;                    /* loaded by trace_machine_load_names() */
	uint32_t first_stream, nr_streams;     /* in trace.streams */
};

struct trace {
	struct trace_machine *machines;
	uint32_t nr_machines;
	struct trace_stream *streams; /* by machine, then CPU */
	uint32_t nr_streams;
	struct trace_info *infos; /* one for each path */
	size_t nr_infos;
};

/*
 * Opens traces: each path is a trace (a directory with machines in it) or one machine's directory. Errors
 * name the file, what is wrong and what to do: -ENOENT, -ENOTDIR, -EINVAL (no trace, damaged metadata),
 * -ENOTSUP (of another format), -ENOMEM. Damage in streams is no error here: the reader delivers what is
 * whole.
 */
int trace_open(const char *const *paths, size_t count, struct trace **trace, struct error *error);
void trace_close(struct trace *trace);

/* Index of the machine with that name, or -ENOENT (the error lists the names). */
int trace_find_machine(const struct trace *trace, const char *name, struct error *error);

int trace_machine_load_names(struct trace_machine *machine, unsigned parts, struct error *error);

/* Unix time of a TSC value of a machine. */
static inline int64_t trace_machine_unix_ns(const struct trace_machine *machine, uint64_t tsc)
{
	return (int64_t)((uint64_t)clock_map_to_ns(&machine->clock, tsc) +
		(uint64_t)machine->realtime_offset_ns);
}
