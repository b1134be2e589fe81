/* SPDX-License-Identifier: MIT */
/*
 * A Xen domain: what all its vCPUs together were in, and its memory operations. The states are xenalyze's. Each change of
 * a vCPU ends a piece of the domain's state, even if the same one follows: so the count is of pieces.
 */
#pragma once
#include <stdint.h>
#include "lib/analysis/xen_runstates.h"
#include "lib/analysis/xen_times.h"
#include "lib/model/xen_event.h"

enum xen_domain_state {
	XEN_DOMAIN_BLOCKED,            /* every vCPU is blocked or offline */
	XEN_DOMAIN_PARTIAL_RUN,        /* some run, the others are blocked or offline */
	XEN_DOMAIN_FULL_RUN,           /* all run */
	XEN_DOMAIN_PARTIAL_CONTENTION, /* some wait for a pCPU, the others are blocked or offline */
	XEN_DOMAIN_CONCURRENCY_HAZARD, /* some run, some wait for a pCPU: a lock holder may be among these */
	XEN_DOMAIN_FULL_CONTENTION,    /* all wait for a pCPU */
	XEN_DOMAIN_LOST,
	XEN_DOMAIN_STATES,
};
extern const char *const xen_domain_state_names[XEN_DOMAIN_STATES]; /* "partial_run" */

/* Numbers of the memory class's events, 0x10fxxx. */
enum xen_memory_op {
	XEN_MEMORY_GRANT_MAP = 1,
	XEN_MEMORY_GRANT_UNMAP,
	XEN_MEMORY_GRANT_TRANSFER,
	XEN_MEMORY_SET_P2M,
	XEN_MEMORY_DECREASE_RESERVATION,
	XEN_MEMORY_POD_POPULATE = 16,
	XEN_MEMORY_POD_RECLAIM,
	XEN_MEMORY_POD_SPLINTER,
	XEN_MEMORY_OPS,
};
extern const char *const xen_memory_op_names[XEN_MEMORY_OPS]; /* "grant_map"; NULL: no such operation */

#define XEN_ORDERS 4 /* pages of 4 KiB, 2 MiB, 1 GiB, other sizes */

/* Why a page was reclaimed: what the vCPU was doing. */
enum xen_reclaim {
	XEN_RECLAIM_UNKNOWN,
	XEN_RECLAIM_FAULT,
	XEN_RECLAIM_BALLOON,
	XEN_RECLAIMS,
};

struct xen_memory_counts {
	uint64_t by[XEN_MEMORY_OPS]; /* done by a vCPU of this domain */
	uint64_t of[XEN_MEMORY_OPS]; /* done to this domain's memory */
	uint64_t populated[XEN_ORDERS], splintered[XEN_ORDERS];
	uint64_t reclaimed[XEN_RECLAIMS][XEN_ORDERS];
};

struct xen_domain {
	uint16_t id;
	uint32_t vcpus[XEN_STATES]; /* how many are in each state; unknown ones are left out */
	enum xen_domain_state state;
	uint64_t since_tsc; /* 0: not known */
	struct xen_times states[XEN_DOMAIN_STATES];
	struct xen_memory_counts *memory; /* NULL: none */
};

struct xen_domains {
	struct xen_domain **domains; /* in order of appearance; do not move */
	uint32_t count;
	struct hash_map numbers; /* id -> number + 1 */
};

void xen_domains_deinit(struct xen_domains *domains);

#define XEN_DOMAINS_MAX 4096u

/* Made if there was none. NULL: no memory, or too many. */
struct xen_domain *xen_domains_at(struct xen_domains *domains, uint16_t id);

/* By number; heap. NULL: none, or no memory. */
const struct xen_domain **xen_domains_sorted(const struct xen_domains *domains);

/* A vCPU of it goes from one state to another. */
void xen_domain_change(struct xen_domain *domain, struct xen_times_budget *budget, enum xen_state from,
	enum xen_state to, uint64_t tsc);

/* -1: no memory operation. */
int xen_memory_op(uint32_t code);

/* Whose memory it is about; false: the record is too short. *order: 0..XEN_ORDERS-1. */
bool xen_memory_target(const struct xen_event *event, int op, uint16_t *id, uint32_t *order);

/* NULL: no memory. */
struct xen_memory_counts *xen_domain_memory(struct xen_domain *domain);
