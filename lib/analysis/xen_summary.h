/* SPDX-License-Identifier: MIT */
/*
 * What a Xen trace says of its domains, vCPUs and pCPUs: runstates, waits, migrations, hypercalls, exits, interrupts,
 * memory operations. Fed with all events in time order; everything is in TSC ticks. Memory is bounded: what a file names
 * beyond the limits shares one row (tally) or is counted as refused.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/analysis/capped_table.h"
#include "lib/analysis/xen_domain.h"
#include "lib/analysis/xen_hvm.h"
#include "lib/analysis/xen_pv.h"
#include "lib/analysis/xen_rips.h"
#include "lib/analysis/xen_runstates.h"
#include "lib/analysis/xen_tally.h"
#include "lib/analysis/xen_times.h"
#include "lib/model/xen_event.h"

#define XEN_CLASSES     XEN_CLASS_BITS
#define XEN_PAIRS_MAX   16384u
#define XEN_LONGEST_MAX 64u

/* What is counted by interval as well as in all. */
enum xen_activity {
	XEN_ACT_RUNS, /* times that it was put on a pCPU */
	XEN_ACT_MIGRATIONS,
	XEN_ACT_HYPERCALLS, /* not those inside a multicall; of HVM and PVH guests: vmcall exits */
	XEN_ACT_TRAPS,
	XEN_ACT_FAULTS, /* page faults that Xen saw: PV, shadow, nested */
	XEN_ACT_EXITS,
	XEN_ACT_EXIT_TSC,   /* ticks in them */
	XEN_ACT_INTERRUPTS, /* injected */
	XEN_ACT_IO,         /* accesses to ports and device memory */
	XEN_ACT_GRANTS,     /* maps, unmaps, transfers, by this vCPU */
	XEN_ACT_POD,        /* populate-on-demand */
	XEN_ACT_MEMORY,     /* all memory operations */
	XEN_ACTIVITIES,
};
extern const char *const xen_activity_names[XEN_ACTIVITIES]; /* "hypercalls"; of EXIT_TSC "in_exits" */

struct xen_counters {
	uint64_t state_tsc[XEN_STATES];
	uint64_t acts[XEN_ACTIVITIES];
};

struct xen_vcpu_summary {
	const struct xen_vcpu_place *place;
	struct xen_domain *domain;
	struct xen_times states[XEN_STATES];   /* running: slices; one ends with a decision to go on, too */
	struct xen_times waits[XEN_RUNNABLES]; /* from runnable, for that reason, to whatever followed */
	struct xen_times stays;          /* on one pCPU, until it ran on another one or the trace ended */
	struct xen_counters all, before; /* before: up to the interval's begin */
	struct xen_pv *pv;               /* NULL: no such events */
	struct xen_hvm *hvm;
};

/* One vCPU on one pCPU. */
struct xen_pair {
	uint64_t key; /* vCPU's number << 32 | pCPU */
	struct xen_times stays;
	uint64_t runs, ran_tsc;
};

enum xen_pcpu_state {
	XEN_PCPU_BUSY,
	XEN_PCPU_IDLE, /* the idle domain runs */
	XEN_PCPU_LOST,
	XEN_PCPU_STATES,
};

struct xen_pcpu_summary {
	uint64_t events[XEN_CLASSES], bytes[XEN_CLASSES];
	struct xen_times states[XEN_PCPU_STATES];
	uint64_t irqs, irq_tsc;               /* handled by Xen */
	uint64_t cstate_tsc, cstate_entries;  /* of the idle time, told by the power management's events */
	uint64_t entered_tsc;                 /* C-state; 0: not in one */
	uint64_t before_tsc[XEN_PCPU_STATES]; /* of the intervals before */
	uint32_t last;                        /* vCPU that left last; XEN_NO_VCPU */
};

/* One wait for a pCPU. */
struct xen_wait {
	uint64_t ticks, end_tsc;
	uint32_t vcpu, pcpu; /* pcpu: where it ran then */
	uint32_t after;      /* the vCPU that had that pCPU before; XEN_NO_VCPU */
	enum xen_runnable why;
};

struct xen_summary;

/* For those that want to see more than sums: each may be NULL. In the order of time, before the summary takes it in. */
struct xen_summary_listener {
	void *context;
	void (*change)(void *context, const struct xen_vcpu_place *vcpu, enum xen_state next, uint64_t tsc);
	/* An exit is over, whose reason and purpose are in `hvm`. */
	void (*exit)(void *context, const struct xen_vcpu_place *vcpu, const struct xen_hvm *hvm,
		uint64_t tsc, uint64_t ticks);
	/* The vCPU blocks `ticks` after it was entered with that vector. */
	void (*halt)(void *context, const struct xen_vcpu_place *vcpu, const struct xen_hvm_pending *pending,
		uint64_t tsc, uint64_t ticks);
	/* Any event; `vcpu`: who runs there, NULL: not known. */
	void (*event)(void *context, const struct xen_vcpu_place *vcpu, const struct xen_event *event);
};

/* At each interval's end: everything in summary->…->all minus before is of the interval alone. */
typedef void (*xen_interval_fn)(
	void *context, struct xen_summary *summary, uint64_t begin_tsc, uint64_t end_tsc);

struct xen_summary {
	struct xen_runstates states;
	struct xen_times_budget budget;
	struct xen_tally tally; /* what happened by reason, number or address, of all vCPUs */
	struct xen_domains domains;
	struct xen_vcpu_summary *vcpus; /* as states.vcpus, by number */
	uint32_t nr_vcpus, vcpus_room;
	struct xen_pcpu_summary *pcpus; /* by the trace's number; nr_pcpus: room */
	uint32_t nr_pcpus;
	struct capped_table pairs;                /* of struct xen_pair */
	struct xen_rips *rips;                    /* NULL: not asked for */
	struct xen_wait longest[XEN_LONGEST_MAX]; /* the first nr_longest, longest first */
	uint32_t nr_longest;
	uint64_t first_tsc, last_tsc; /* of all events */
	uint64_t events, unplaced;    /* unplaced: events of a vCPU that is not known */
	uint64_t odd_codes;           /* no class, or several */
	uint64_t interval_tsc, next_tsc, begin_tsc;
	xen_interval_fn interval;
	void *interval_context;
	struct xen_summary_listener listener; /* all NULL, or the caller's */
	bool svm;                             /* exit reasons are AMD's */
	bool no_memory;
};

/* -ENOMEM; good for xen_summary_deinit() all the same. The struct must not be moved. */
int xen_summary_init(struct xen_summary *summary);
void xen_summary_deinit(struct xen_summary *summary);

/* Before the first event: makes `rips`. -ENOMEM. */
int xen_summary_want_rips(struct xen_summary *summary);

/* Before the first event: calls `interval` whenever `ticks` are over. */
void xen_summary_intervals(
	struct xen_summary *summary, uint64_t ticks, xen_interval_fn interval, void *context);

void xen_summary_event(struct xen_summary *summary, const struct xen_event *event);

/*
 * A pCPU has had its last event, at `last_tsc`. As soon as that is known, as the states of a domain depend on what is not
 * known any more of its vCPUs; if it is not called, xen_summary_end() does.
 */
void xen_summary_pcpu_end(struct xen_summary *summary, uint32_t pcpu, uint64_t last_tsc);

/* Does xen_summary_event() look at events of that class and subclass? The others it only counts. */
bool xen_summary_wants(uint32_t code);

/*
 * Events of a pCPU that were not fed, as they are not wanted: how many and how large by class, and when the last event of
 * that pCPU, fed or not, was. Before xen_summary_end().
 */
void xen_summary_left_out(struct xen_summary *summary, uint32_t pcpu, const uint64_t events[XEN_CLASSES],
	const uint64_t bytes[XEN_CLASSES], uint64_t last_tsc);

/* No more events. -ENOMEM: something is missing for want of memory. */
int xen_summary_end(struct xen_summary *summary);

/* vCPUs in the order of domain and number; heap. NULL: none, or no memory. */
uint32_t *xen_summary_sorted(const struct xen_summary *summary);

/* Ticks of a state in the interval that ends at `end_tsc`, with the part of the state that goes on. */
uint64_t xen_summary_state_tsc(
	const struct xen_vcpu_summary *vcpu, enum xen_state state, uint64_t begin_tsc, uint64_t end_tsc);

/* Ticks of a pCPU in a state, from the trace's begin until `end_tsc`, with the part that goes on. */
uint64_t xen_summary_pcpu_tsc(
	const struct xen_summary *summary, uint32_t pcpu, enum xen_pcpu_state state, uint64_t end_tsc);
