/* SPDX-License-Identifier: MIT */
/*
 * What a Xen trace says of domains' vCPUs, as the events that our collector makes of KVM's (host/collect/collector_events.def):
 * who got a pCPU and lost it, who was woken, why guests were left. docs/design/xen.md, "convert".
 *
 * Runstate changes say it all; without them (has_runstates) the scheduler's switches, wake-ups and blocks do.
 *
 * HVM: an exit begins at VMEXIT and ends at VMENTRY. PV: Xen records that it was entered (hypercall, trap, page fault …),
 * not that it was left, so those exits have no duration and EXIT_ISA_XEN_PV; but one: `block`, from where the guest had
 * nothing more to do there until it ran again.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/collect/collector_ring.h"
#include "lib/base/hash_map.h"
#include "lib/model/exit_reasons.h"
#include "lib/model/xen_event.h"

#define XEN_VCPUS_MAX 16384

struct xen_vcpu {
	uint16_t domain, vcpu;
	uint32_t tid;       /* that it goes by: from 1 on; 0: of the idle domain */
	uint32_t pcpu;      /* that it has, or had last; UINT32_MAX: not known */
	uint64_t block_tsc; /* PV: has nothing to do since then; 0: has not said so */
	uint64_t exit_tsc;  /* HVM: it is in an exit since then; 0: it is not */
	uint64_t rip, nr;   /* of that exit; nr: of its hypercall */
	uint32_t reason;
	uint8_t flags;
	bool hypercall;
	char name[16]; /* "d1v0", NUL-padded */
};

struct xen_vcpus_sink {
	void *context;
	/* a vCPU that is new, before anything else about it */
	void (*vcpu)(void *context, const struct xen_vcpu *vcpu);
	/* an event of a pCPU; `pid`: the vCPU that ran there until then */
	void (*host)(void *context, uint32_t pcpu, uint64_t tsc, uint32_t pid,
		const struct collector_event *event);
	/* the pCPU went from one vCPU to another; 0: idle. prev_state: as the kernel's */
	void (*sched_switch)(void *context, uint32_t pcpu, uint64_t tsc, uint32_t prev, uint32_t prev_state,
		uint32_t next);
	void (*sched_waking)(
		void *context, uint32_t pcpu, uint64_t tsc, uint32_t by, uint32_t vcpu, uint32_t target);
};

struct xen_vcpus_pcpu {
	uint32_t current; /* index + 1 of the vCPU that has it; 0: not known */
	uint32_t left;    /* index + 1 of the one that has left it, where nobody has come since; 0: none */
	uint64_t left_tsc;
	uint32_t left_state;
};

struct xen_vcpus {
	struct xen_vcpus_sink sink;
	double ns_per_tsc;
	enum exit_isa isa; /* of HVM guests */
	bool has_runstates;
	struct xen_vcpu *vcpus;
	uint32_t nr_vcpus, room, nr_tids;
	struct hash_map by_number; /* domain << 16 | vcpu -> index + 1 */
	struct xen_vcpus_pcpu *pcpus;
	uint32_t nr_pcpus;
	uint64_t left_out; /* records of vCPUs that found no room */
	uint64_t odd;      /* records that do not fit what was known, as after a loss */
};

struct xen_vcpus_options {
	uint64_t hz; /* of the TSC */
	uint32_t nr_pcpus;
	enum exit_isa isa;
	bool has_runstates;
};

/* -ENOMEM; good for xen_vcpus_deinit() all the same. */
int xen_vcpus_init(
	struct xen_vcpus *vcpus, const struct xen_vcpus_options *options, const struct xen_vcpus_sink *sink);
void xen_vcpus_deinit(struct xen_vcpus *vcpus);

/* The next event, in the order of time. What concerns lost records is xen_vcpus_lost()'s. */
void xen_vcpus_add(struct xen_vcpus *vcpus, const struct xen_event *record);

/* Records of the pCPU were lost: what was known of it no longer holds. */
void xen_vcpus_lost(struct xen_vcpus *vcpus, uint32_t pcpu);

/* Says what has been held back; nothing may follow. */
void xen_vcpus_finish(struct xen_vcpus *vcpus);

/* The vCPU that a pCPU runs, or NULL: not known. */
const struct xen_vcpu *xen_vcpus_current(const struct xen_vcpus *vcpus, uint32_t pcpu);
