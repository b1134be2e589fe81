/* SPDX-License-Identifier: MIT */
/*
 * Tells a guest what its host does to its vCPUs: keeps the pages of struct ht_vcpu (abi/region.h) in its region current.
 * By itself it knows what /proc says of the vCPUs' threads; a collector adds exits. Design: docs/design/awareness.md.
 */
#pragma once
#include <stdint.h>
#include <sys/types.h>
#include "host/collect/region.h"
#include "host/collect/vcpu_exits.h"
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
 * not enough for that, but every 100 ms in any case. `exits`: what a collector saw; NULL: there is none, and exits are not
 * known. `awareness`: NULL is allowed.
 */
void awareness_update(struct awareness *awareness, const struct vcpu_exits *exits, uint64_t now_ns);
