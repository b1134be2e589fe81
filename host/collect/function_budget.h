/* SPDX-License-Identifier: MIT */
/*
 * Keeps what function tracing costs a guest under a share of its vCPUs' time: counts the events that are recorded, looks
 * into some of the packets to see whose they are, and says which functions to leave out, as many at once as it takes: what
 * is called most, and has nothing called inside, first (call_sample.h). What cannot be kept so, is by an end of all functions.
 *
 * The cost of an event is measured where it arises: the time between two function events that follow each other
 * is that of one event, and of the little that was done between them.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi/region.h"
#include "host/collect/call_sample.h"
#include "host/collect/ring_reader.h"
#include "lib/base/hash_map.h"
#include "lib/base/histogram.h"

struct function_budget_options {
	double share; /* of the vCPUs' time, 0..1 */
	uint32_t tsc_khz;
	uint32_t text_address;               /* low half of the kernel's */
	const struct ring_walk_table *table; /* of the packets' events; must outlive it */
};

/* A vCPU that has recorded anything. */
struct function_budget_cpu {
	uint64_t events, packets;  /* of this interval */
	uint64_t from_tsc, to_tsc; /* the packets' time: from the end of the one before */
	double rate;               /* events per TSC unit, as last seen */
	double packet_events;      /* and events to a packet */
	uint64_t seen_ns;          /* then; 0: not since the last step */
	uint32_t sampled;
	bool exists;
	bool is_new; /* all that comes is of the wishes in force: not before the first packet is through */
};

struct function_budget {
	struct function_budget_options options;
	struct call_sample sample;
	struct hash_map dropped; /* address -> 1 */
	struct function_budget_cpu cpus[HT_MAX_CPUS];
	/* TSC units between neighbouring events, until the first step: from an entry to its exit, from an exit to an entry,
	   between entries */
	struct histogram leaf_gaps, next_gaps, entry_gaps;
	uint64_t sampled, sampled_functions; /* in this interval: looked at, and found to be of functions */
	double functions_part;               /* of the events, as last seen */
	uint64_t since_ns;                   /* when the interval began; 0: with the next packet or look */
	uint64_t settle_ns;                  /* until then events may be those of before the last step */
	double share;                        /* as last estimated */
	uint64_t nr_dropped;
	unsigned
		nr_helpless; /* looks at a share above the budget, since the last that was not or that could leave out */
	bool is_off;
};

/* One step. */
struct function_budget_step {
	double share;                           /* of the vCPUs' time that function events took */
	uint32_t addresses[HT_CONTROL_DROPPED]; /* low halves, to be left out from now on */
	uint32_t count;
	double least_part; /* of the function events: the least that one of these had */
	bool is_off;       /* no functions from now on: it is the only way to keep the budget */
};

/* -ENOMEM. */
int function_budget_init(struct function_budget *budget, const struct function_budget_options *options);
void function_budget_deinit(struct function_budget *budget);

/* A packet that was recorded. */
void function_budget_packet(struct function_budget *budget, uint32_t cpu, const struct ring_packet *packet);

/* What was recorded until now says nothing any more: the guest's wishes are being changed. */
void function_budget_settle(struct function_budget *budget, uint64_t now_ns);

/*
 * The time has passed until now (any monotonic clock). False: it is too early to say anything new. True: *step is filled;
 * what it names counts as left out from here on.
 */
bool function_budget_look(struct function_budget *budget, uint64_t now_ns, struct function_budget_step *step);
