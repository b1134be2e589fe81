/* SPDX-License-Identifier: MIT */
/*
 * The exits of a hardware-assisted guest's vCPU: from the exit's record to the entry's, or until the vCPU may no longer run
 * (its waiting for a pCPU is no cost of the exit). What Xen did in between goes by the first record that says so exactly
 * (an access to a port, a control register, …), else by the last one of a general kind.
 *
 * Wake to halt: from the first entry after an interrupt was injected, to the next time the vCPU blocks.
 */
#pragma once
#include <stdbool.h>
#include "lib/analysis/xen_tally.h"
#include "lib/model/xen_event.h"

#define XEN_HVM_PENDING_MAX 16u /* vectors injected since it last blocked; more are left out */

struct xen_hvm_pending {
	uint32_t vector;
	bool woke;
	uint64_t entry_tsc; /* 0: not entered yet */
};

struct xen_hvm {
	uint32_t vcpu;              /* its number */
	bool in_exit, waking, told; /* told: `row` is exact */
	uint32_t reason;
	uint64_t exit_tsc, rip;
	int64_t row_kind; /* of enum xen_tally_kind; -1: nothing said yet */
	uint64_t row_number;
	struct xen_hvm_pending pending[XEN_HVM_PENDING_MAX];
	uint32_t nr_pending;
	bool woken_by_known;   /* the vector that woke it has been seen */
	uint64_t cr3, cr3_tsc; /* page, and since when; cr3_tsc 0: not known */
	uint64_t exits, malformed;
};

/* Where it counts: the tally and its budget, and the switch to AMD's reasons. */
struct xen_hvm_counts {
	struct xen_tally *tally;
	struct xen_times_budget *budget;
	bool *svm;
};

/* What an event meant, for those that count by interval. */
struct xen_hvm_result {
	bool exit, closed, interrupt, fault, io, vmcall; /* closed: an exit is over */
	uint64_t exit_ticks;                             /* … of that length */
};

/* An event of the HVM or shadow class of this vCPU. */
struct xen_hvm_result xen_hvm_event(
	struct xen_hvm *hvm, const struct xen_hvm_counts *counts, const struct xen_event *event);

/* It becomes runnable (woken or preempted): the exit is over. Returns its ticks. */
uint64_t xen_hvm_runnable(struct xen_hvm *hvm, const struct xen_hvm_counts *counts, bool woken, uint64_t tsc);

/* It goes from running to blocked. */
void xen_hvm_blocked(struct xen_hvm *hvm, const struct xen_hvm_counts *counts, uint64_t tsc);

/* Records were lost. */
void xen_hvm_lost(struct xen_hvm *hvm);
