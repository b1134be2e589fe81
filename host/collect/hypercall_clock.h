/* SPDX-License-Identifier: MIT */
/*
 * Where a guest's TSC is on the host's clock, from its own hypercalls: it reads its TSC before a FLUSH and after it, the
 * host's stamp lies between. The second reading comes with the next FLUSH of that vCPU. Of every tenth of a second, the
 * closest pair is a clock point.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/base/clock_point.h"

/* Of one vCPU: the FLUSH whose end is not known yet; tsc 0: none. */
struct hypercall_flushed {
	uint64_t tsc;
	int64_t host_ns;
};

struct hypercall_clock {
	uint64_t believed_khz;                /* the guest's, until we know better */
	struct hypercall_flushed first, last; /* of any vCPU: together they tell the rate */
	uint64_t best_wide;                   /* TSC units; UINT64_MAX: no pair yet */
	struct clock_point best;
	int64_t window_ns; /* when it began */
	int64_t given_ns;  /* of the last point handed out: none goes back behind it */
};

/* `khz`: what the guest believes; 0: nothing. */
void hypercall_clock_init(struct hypercall_clock *clock, uint64_t khz);

/*
 * A FLUSH at `tsc`, seen at host_ns; the one before on that vCPU had returned by returned_tsc (0: not said). Returns true
 * when *point is one to keep.
 */
bool hypercall_clock_flush(struct hypercall_clock *clock, struct hypercall_flushed *flushed, uint64_t tsc,
	int64_t host_ns, uint64_t returned_tsc, struct clock_point *point);

/* The best of what was not handed out yet. */
bool hypercall_clock_rest(struct hypercall_clock *clock, struct clock_point *point);

/* TSC units in a ms. 0: not known yet. */
uint64_t hypercall_clock_khz(const struct hypercall_clock *clock);

/* What the TSC was at host_ns, by the latest FLUSH and the rate. False: none has come. */
bool hypercall_clock_tsc(const struct hypercall_clock *clock, int64_t host_ns, uint64_t *tsc);
