/* SPDX-License-Identifier: MIT */
/*
 * The budget of one guest (function_budget.h), put into practice: what is to be left out is asked of its module, said, and
 * kept in the trace's description.
 */
#pragma once
#include "host/collect/function_budget.h"
#include "host/collect/function_wishes.h"
#include "host/collect/machine_output.h"
#include "host/collect/region.h"
#include "lib/model/names.h"

struct recorder_budget {
	struct function_budget budget;
	const struct function_wishes *asked; /* by the user */
	struct function_wishes wishes;       /* the guest's own: what is left out grows */
	double share;
	uint32_t seq;       /* of the last step */
	struct names names; /* symbols, as far as needed so far */
	uint64_t since_ns;  /* when its first look was due; 0: not so far */
	bool is_ready;      /* `budget` is, for the machine that is recorded */
};

/* NULL: out of memory. `share`: of the vCPUs' time, 0..1. `wishes` must outlive it. */
struct recorder_budget *recorder_budget_create(double share, const struct function_wishes *wishes);
void recorder_budget_destroy(struct recorder_budget *budget);

/* Of the machine that begins, or whose guest is asked for the user's wishes anew; `table` must outlive it. */
void recorder_budget_begin(
	struct recorder_budget *budget, struct machine_output *output, const struct ring_walk_table *table);

/*
 * A machine has ended, and another may follow, whose functions lie elsewhere: what the last one left out is asked for again.
 * `seq`: of the guest's wishes, new if there were such.
 */
void recorder_budget_anew(struct recorder_budget *budget, struct region *region, uint32_t *seq);

/* A packet was recorded. */
void recorder_budget_packet(struct recorder_budget *budget, uint32_t cpu, const struct ring_packet *packet);

/*
 * In a loop. `seq`: of the guest's wishes; where it answers with another set of them that is the new one. `name`: the
 * guest's, for what is said.
 */
void recorder_budget_poll(struct recorder_budget *budget, struct region *region, uint32_t *seq,
	struct machine_output *output, const char *name, uint64_t now_ns);

/* The machine ends: what came of it, into its description. */
void recorder_budget_end(struct recorder_budget *budget, struct machine_output *output, const char *name);
