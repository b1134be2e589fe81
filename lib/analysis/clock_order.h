/* SPDX-License-Identifier: MIT */
/*
 * Is the order of guests' and hosts' events what it must have been? Two proofs, both independent of how a guest's clock
 * was found:
 *
 * - Pairs: a hypercall whose argument is the guest's TSC, read before the call. Converted to the host's time it must not
 *   be later than the exit that the call causes. The gap is what lies between: the call itself and KVM's way to its
 *   tracepoint; a clock that is off by more than the smallest gap shows.
 * - Events: a vCPU logs nothing while it is in an exit, or its thread has no pCPU. An event of the guest that stands
 *   inside of such an interval, by more than the clock's error, is a violation.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/base/histogram.h"
#include "lib/model/vcpu_model.h"

#define CLOCK_ORDER_EVENTS 65536 /* kept of a vCPU until its intervals are certain; a power of two */
#define CLOCK_ORDER_KEPT   64    /* violations */

struct clock_violation {
	uint32_t vcpu;
	bool pair;
	uint64_t at_ns;        /* of the guest's side, in host time */
	uint64_t off_ns;       /* pair: later than the exit by; event: so deep inside of the interval */
	uint64_t nr;           /* pair: of the hypercall */
	enum vcpu_state state; /* event: of the interval */
};

struct clock_order_vcpu {
	struct histogram gaps; /* of pairs that are in order, ns */
	uint64_t pairs, late_pairs;
	uint64_t events, early_events; /* checked; violations */
	uint64_t deepest_ns; /* any event inside of an interval where it cannot be, also within the error */
	uint64_t unchecked;  /* events: no interval was known, or they were too many */
	uint64_t *times;     /* a ring of CLOCK_ORDER_EVENTS */
	uint32_t first, count;
};

struct clock_order {
	struct clock_order_vcpu **vcpus; /* by joint's number; NULL: nothing of it */
	uint32_t nr_vcpus;
	struct clock_violation kept[CLOCK_ORDER_KEPT]; /* the worst, worst first */
	size_t nr_kept;
	uint64_t violations;
	/* the error of the clock of the vCPU's guest then, ns */
	uint64_t (*error_ns)(void *context, uint32_t vcpu, uint64_t at_ns);
	void *context;
};

void clock_order_deinit(struct clock_order *order);

/* What finds no memory is left out. Times are ns of the host's clock. */
void clock_order_pair(
	struct clock_order *order, uint32_t vcpu, uint64_t nr, uint64_t guest_ns, uint64_t exit_ns);
void clock_order_event(struct clock_order *order, uint32_t vcpu, uint64_t at_ns);
void clock_order_interval(struct clock_order *order, const struct vcpu_interval *interval);
