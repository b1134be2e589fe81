/* SPDX-License-Identifier: MIT */
/*
 * Tells a guest what its host does to its vCPUs: keeps the pages of struct ht_vcpu (abi/region.h) in its region current.
 * By itself it knows what /proc says of the vCPUs' threads; who has a collector tells it of exits. Design:
 * docs/design/awareness.md.
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "host/collect/region.h"
#include "lib/base/error.h"

struct awareness;

/*
 * For the guest of the process `vmm`, whose region has this layout; `region` must outlive it. -ENODATA: the region has no
 * such pages (an older module, or too small a region); -ESRCH: that process is no VMM; -ENOENT: which threads run its
 * vCPUs is not known (the hint says how it can be); -ENOMEM; errors of mmap().
 */
int awareness_create(struct awareness **awareness, const struct region *region,
	const struct region_layout *layout, pid_t vmm, struct error *error);

/* The guest sees that nobody keeps its pages any more. NULL is allowed. */
void awareness_destroy(struct awareness *awareness);

/*
 * Brings the pages up to date, unless that was done a moment ago: every 10 ms, or less often where a fiftieth of a CPU is
 * not enough for that, but every 100 ms in any case. NULL is allowed.
 */
void awareness_update(struct awareness *awareness, uint64_t now_ns);

/* The collector saw exits of a vCPU: how many since the last call, and what the last one was. */
struct awareness_exits {
	uint64_t count;
	uint64_t last_ns; /* CLOCK_MONOTONIC */
	uint32_t reason;  /* KVM's number */
	uint32_t isa;     /* 1 VMX, 2 SVM */
};
void awareness_add_exits(struct awareness *awareness, uint32_t vcpu, const struct awareness_exits *exits);
