/* SPDX-License-Identifier: MIT */
/*
 * Who ran on each pCPU of a Xen host, and what runstate each vCPU was in, from the trace's runstate changes (0x21xxx) and
 * lost_records. Fed in time order; what a change ends, is told to a listener before it is made.
 *
 * What is known, and from when:
 * - a vCPU is followed from the first time it is seen to run; before, its state is not known;
 * - a pCPU's current vCPU is not known before its first change. If that says that a vCPU stops running there, it has run
 *   since the pCPU's first record;
 * - where a pCPU lost records, the vCPU that ran there is lost, and so is every vCPU that was not running elsewhere: any
 *   of them may have been scheduled in the gap. They come back when they are seen to run. While some pCPU is in its gap,
 *   no vCPU (but the idle ones) that stops running is known any more;
 * - a change that contradicts what is known (records of a damaged file are missing) is believed: the vCPU ran, if it
 *   did, until the last record of its pCPU, and from there it is lost.
 *
 * The states and these rules are xenalyze's, so that counts and times can be compared. It gives up at a contradiction.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/base/hash_map.h"
#include "lib/model/xen_event.h"

#define XEN_PCPUS_MAX 16384u
#define XEN_VCPUS_MAX 4096u /* of the whole file, as it names them */
#define XEN_NO_PCPU   UINT32_MAX
#define XEN_NO_VCPU   UINT32_MAX

enum xen_state {
	XEN_RUNNING, /* the first four: the trace's own numbers */
	XEN_RUNNABLE,
	XEN_BLOCKED,
	XEN_OFFLINE,
	XEN_LOST,    /* not known: records were lost */
	XEN_UNKNOWN, /* not seen to run yet */
	XEN_STATES,
};

/* Why a vCPU became runnable. */
enum xen_runnable {
	XEN_RUNNABLE_WOKEN,
	XEN_RUNNABLE_PREEMPTED,
	XEN_RUNNABLE_OTHER,
	XEN_RUNNABLES,
};

struct xen_vcpu_place {
	uint32_t number;    /* in struct xen_runstates */
	uint16_t dom, vcpu; /* as the trace names it */
	enum xen_state state;
	enum xen_runnable why; /* while state is XEN_RUNNABLE */
	uint64_t since_tsc;    /* 0: its duration is not known */
	uint32_t pcpu;         /* where it runs, or ran last; XEN_NO_PCPU: not known */
	uint64_t placed_tsc;   /* since when on `pcpu` */
	/* the list of those that are neither running nor lost */
	struct xen_vcpu_place *next, **link;
};

struct xen_pcpu_place {
	bool seen, ending, ended;
	bool inferred;        /* current was told by a lost_records, and no change has confirmed it */
	bool known;           /* some change said who runs; else since first_tsc somebody unknown does */
	bool lost;            /* in a gap, which began at lost_tsc and ends at lost_end_tsc */
	uint32_t current;     /* number of a vCPU; XEN_NO_VCPU: none, or not known */
	uint32_t lost_vcpu;   /* who runs after the gap: dom << 16 | vcpu */
	uint64_t current_tsc; /* 0: not known since when */
	uint64_t first_tsc, last_tsc; /* of its records */
	uint64_t before_tsc;          /* of the record before the last one */
	uint64_t lost_tsc, lost_end_tsc;
};

struct xen_runstates_listener {
	void *context;
	/* vcpu->state ends, after having lasted from vcpu->since_tsc if that is not 0. May be the same again: a slice. */
	void (*change)(void *context, const struct xen_vcpu_place *vcpu, enum xen_state next, uint64_t tsc);
	/* The vCPU begins to run on `pcpu`; from vcpu->pcpu, since vcpu->placed_tsc. */
	void (*place)(void *context, const struct xen_vcpu_place *vcpu, uint32_t pcpu, uint64_t tsc);
	/* A pCPU's time with `vcpu`, or in a gap (NULL). */
	void (*pcpu)(void *context, uint32_t pcpu, const struct xen_vcpu_place *vcpu, uint64_t from_tsc,
		uint64_t to_tsc);
};

struct xen_runstates {
	struct xen_runstates_listener listener;
	struct xen_pcpu_place *pcpus; /* by the trace's number; nr_pcpus: room */
	uint32_t nr_pcpus;
	struct xen_vcpu_place **vcpus; /* in order of appearance; do not move */
	uint32_t nr_vcpus;
	struct xen_vcpu_place *waiting; /* neither running nor lost */
	struct hash_map numbers;        /* dom << 16 | vcpu -> number + 1 */
	uint32_t lost_pcpus;            /* in a gap */
	uint32_t ending_pcpus;          /* whose last record is known, and still to come */
	uint64_t next_end_tsc;          /* the first end of all these; UINT64_MAX: none */
	uint64_t contradictions;        /* changes that do not follow from the one before */
	uint64_t gaps;                  /* lost_records seen */
	uint64_t lost_records;          /* told by them */
	uint64_t refused;               /* changes of vCPUs or pCPUs beyond the limits, or malformed */
};

/* Never fails; no callback may be NULL. */
void xen_runstates_init(struct xen_runstates *states, const struct xen_runstates_listener *listener);
void xen_runstates_deinit(struct xen_runstates *states);

struct xen_pcpu_place *xen_runstates_record_slow(struct xen_runstates *states, uint32_t pcpu, uint64_t tsc);

/*
 * A record of a pCPU, whatever it is; before any other call for it. Ends gaps that end until `tsc`. Of a lost_records,
 * `tsc` is where its gap begins. NULL: no such pCPU, or no memory. Valid until the next call.
 */
static inline struct xen_pcpu_place *xen_runstates_record(
	struct xen_runstates *states, uint32_t pcpu, uint64_t tsc)
{
	struct xen_pcpu_place *place = states->pcpus + pcpu;

	if (__builtin_expect(pcpu >= states->nr_pcpus || !place->seen || tsc >= states->next_end_tsc, 0))
		return xen_runstates_record_slow(states, pcpu, tsc);
	place->before_tsc = place->last_tsc;
	if (tsc > place->last_tsc)
		place->last_tsc = tsc;
	return place;
}

/* 0x21xxx: a change, or the decision to go on. */
void xen_runstates_change(struct xen_runstates *states, const struct xen_event *event);

/* lost_records: its gap reaches from what it says to its own TSC. */
void xen_runstates_lost(struct xen_runstates *states, const struct xen_event *event);

/*
 * No more records of this pCPU, the last of which was at `last_tsc`: who runs there is lost from then on. May be called as
 * soon as that is known, before records of other pCPUs that are older.
 */
void xen_runstates_pcpu_end(struct xen_runstates *states, uint32_t pcpu, uint64_t last_tsc);

/* The end of the trace: all pCPUs that have not ended do so at their last record. Told by xen_runstates_advance(). */
void xen_runstates_end(struct xen_runstates *states);

/* Tells what ends until `tsc` without a record: gaps, pCPUs. */
void xen_runstates_advance(struct xen_runstates *states, uint64_t tsc);

/* The vCPU that runs on a pCPU as far as known; NULL: not known. */
static inline const struct xen_vcpu_place *xen_runstates_current(
	const struct xen_runstates *states, const struct xen_pcpu_place *pcpu)
{
	return pcpu->current == XEN_NO_VCPU ? NULL : states->vcpus[pcpu->current];
}
