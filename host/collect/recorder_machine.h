/* SPDX-License-Identifier: MIT */
/* One machine directory of a trace while it is recorded: a guest, from a start of its rings to their end. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/collect/clock_exchange.h"
#include "host/collect/machine_output.h"
#include "host/collect/recorder_budget.h"
#include "host/collect/region.h"
#include "host/collect/ring_reader.h"

/* The events of the module, for all machines of a recorder. */
struct recorder_events {
	struct recorder_common *common;
	struct event_schema *schema;
	struct ring_walk_table table, names_table;
};

struct recorder_machine;

struct recorder_cpu {
	struct recorder_machine *machine;
	uint32_t cpu;
	struct ring_reader reader;
};

struct recorder_machine {
	const struct recorder_events *events;
	struct region *region;
	struct region_layout layout;
	struct machine_output output;
	struct ring_scratch *scratch;
	struct recorder_cpu *cpus;
	uint32_t nr_cpus;
	struct ring_reader names_reader;
	struct clock_exchange clock;
	struct recorder_budget *budget; /* NULL: none */
};

/* Where in its rings a machine begins. */
enum recorder_start {
	RECORDER_START_OLDEST, /* with all they hold */
	RECORDER_START_WISHES, /* with what came since our wishes are in force */
	RECORDER_START_NOW,
};

/* Begins the machine `name` with the rings of `layout`. `region` must outlive the machine. NULL: error. */
struct recorder_machine *recorder_machine_create(const struct recorder_events *events, struct region *region,
	const struct region_layout *layout, const char *name, enum recorder_start start, struct error *error);

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
