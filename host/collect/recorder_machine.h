/* SPDX-License-Identifier: MIT */
/* One machine directory of a trace while it is recorded: a guest, from a start of its rings to their end. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/collect/clock_exchange.h"
#include "host/collect/names_writer.h"
#include "host/collect/region.h"
#include "host/collect/ring_reader.h"
#include "lib/writer/ctf_stream.h"
#include "lib/writer/trace_dir.h"

/* What all machines of a recorder share. */
struct recorder_common {
	struct trace_dir dir;
	struct trace_info info;
	struct event_schema *schema, *names_schema;
	struct ring_walk_table table, names_table;
	char *events, *filter; /* as given, for the trace's description */
	void (*notice)(void *context, const char *text);
	void *context;
	bool disk_full; /* said so; nothing more is written */
	int error;      /* the first error that left the trace incomplete */
	char error_text[ERROR_TEXT_BYTES];
};

/* Formats and escapes nothing: the caller has escaped what is foreign. */
void recorder_notice(struct recorder_common *common, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Remembers the first error, and says it. */
void recorder_fault(struct recorder_common *common, const struct error *error);

struct recorder_machine;

struct recorder_cpu {
	struct recorder_machine *machine;
	uint32_t cpu;
	struct ring_reader reader;
	struct ctf_stream stream;
	bool has_stream; /* its file exists: made for its first packet */
};

struct recorder_machine {
	struct recorder_common *common;
	struct region *region;
	struct region_layout layout;
	struct region_guest guest;
	size_t info_index; /* in common->info.machines */
	int dir_fd;
	uint8_t uuid[16];
	struct ring_scratch *scratch;
	struct recorder_cpu *cpus;
	uint32_t nr_cpus;
	struct ring_reader names_reader;
	struct names_writer names;
	struct clock_exchange clock;
	struct clock_point fallback; /* from the first packet; bound_ns 0: none yet */
};

/*
 * Begins the machine `name` with the rings of `layout`. `skip`: what they hold by now is not recorded.
 * `region` must outlive the machine. NULL: error.
 */
struct recorder_machine *recorder_machine_create(struct recorder_common *common, struct region *region,
	const struct region_layout *layout, const char *name, bool skip, struct error *error);

/*
 * Takes what is there (enum ring_poll_flags). Returns how full the fullest ring had become since the last
 * call, in 1/1000; 1000 more if names came, because then more of them wait.
 */
unsigned recorder_machine_poll(struct recorder_machine *machine, uint64_t now_ns, unsigned flags);

/* Asks for the guest's clock if that is due. */
void recorder_machine_clock(struct recorder_machine *machine);

/* Brings the counts in the trace's description up to date. */
void recorder_machine_count(struct recorder_machine *machine);

/* Ends it: last counts, clock, metadata. `end_state` and `message` (raw) go into the description. */
void recorder_machine_destroy(struct recorder_machine *machine, const char *end_state, const char *message);
