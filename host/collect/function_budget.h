/* SPDX-License-Identifier: MIT */
/*
 * Keeps what function tracing costs a guest under a share of its vCPUs' time: counts the events that are recorded, looks
 * into some of the packets to see whose they are, and says which functions to leave out. Leaves first, the hottest of
 * them: an entry that is followed at once by its exit says least. Without a leaf its caller becomes one.
 *
 * The cost of an event is measured where it arises: the time between two function events that follow each other
 * is that of one event, and of the little that the function itself did between them. A low percentile of it is taken.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi/region.h"
#include "host/collect/ring_reader.h"
#include "lib/base/hash_map.h"
#include "lib/base/histogram.h"

#define FUNCTION_BUDGET_STEP_MAX 64u /* functions left out at once */

struct function_budget_options {
	double share; /* of the vCPUs' time, 0..1 */
	uint32_t tsc_khz;
	uint32_t text_address;               /* low half of the kernel's */
	const struct ring_walk_table *table; /* of the packets' events; must outlive it */
};

struct function_budget {
	struct function_budget_options options;
	struct hash_map
		functions; /* address -> calls << 32 | of these without calls inside; of this interval's samples */
	struct hash_map dropped;              /* address -> 1 */
	uint64_t cpus[HT_MAX_RINGS / 64 + 1]; /* bit set: those that have recorded anything */
	struct histogram gaps;                /* TSC units between neighbouring function events, ever */
	uint64_t events;                      /* recorded in this interval, of all kinds */
	uint64_t sampled, sampled_functions;  /* of them: looked at, and found to be of functions */
	uint64_t exits;                       /* of these */
	uint64_t since_ns;                    /* when the interval began; 0: with the next packet or look */
	uint64_t settle_ns;                   /* until then events may be those of before the last step */
	double share;                         /* as last estimated */
	uint64_t nr_dropped;
};

/* One step. */
struct function_budget_step {
	double share;                                 /* of the vCPUs' time that function events took */
	uint32_t addresses[FUNCTION_BUDGET_STEP_MAX]; /* low halves, to be left out from now on */
	uint32_t count;
	bool is_exhausted; /* over the budget, and nothing more can be left out */
};

void function_budget_init(struct function_budget *budget, const struct function_budget_options *options);
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
