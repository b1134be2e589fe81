/* SPDX-License-Identifier: GPL-2.0-only */
/* What the collector's programs share: constants, the pCPUs' slots, and their rings (abi/collector.h). */
#ifndef HT_COLLECTOR_STATE_H
#define HT_COLLECTOR_STATE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi/collector.h"

/* Set before loading; the verifier leaves out what they make unreachable. */
const volatile __u32 level = COLLECTOR_AGGREGATED;
const volatile __u32 ring_mask = 0; /* slots of a ring - 1 */
const volatile __u8 filtered = 0;   /* only VMMs in `vmms` */

struct collector_cpu cpus[COLLECTOR_CPUS_MAX] __attribute__((aligned(128)));
struct collector_tail tails[COLLECTOR_CPUS_MAX] __attribute__((aligned(64)));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set before loading: one per pCPU, value_size its ring */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 4096);
} rings SEC(".maps");

/* The verifier is to see the mask, which the compiler may find needless. */
#define BOUNDED(index, count)                  \
	({                                     \
		__u32 index_ = (index);        \
		barrier_var(index_);           \
		index_ & ((count) - 1);        \
	})

static __always_inline struct collector_cpu *this_cpu(__u32 *cpu)
{
	*cpu = bpf_get_smp_processor_id();
	return &cpus[*cpu & (COLLECTOR_CPUS_MAX - 1)];
}

static __always_inline struct collector_record *ring_slot(void *ring, __u64 position)
{
	return ring + (position & ring_mask) * sizeof(struct collector_record);
}

/* The ring looks full by what we knew of the reader's tail. Is it? */
static __noinline int is_full(struct collector_cpu *here, __u32 cpu)
{
	const volatile struct collector_tail *tail = &tails[BOUNDED(cpu, COLLECTOR_CPUS_MAX)];

	if (!here)
		return 1;
	here->limit = tail->tail + ring_mask + 1 - COLLECTOR_MARGIN;
	if ((__s64)(here->head - here->limit) < 0)
		return 0;
	__sync_fetch_and_add(&here->lost, 1);
	return 1;
}

/* Room for `slots` records in this pCPU's ring; NULL: it is full, which is counted. */
static __always_inline void *reserve(struct collector_cpu *here, __u32 cpu, __u32 slots, __u64 *position)
{
	void *ring = bpf_map_lookup_elem(&rings, &cpu);

	if (!ring)
		return 0;
	if ((__s64)(*(volatile __u64 *)&here->head - here->limit) >= 0 && is_full(here, cpu))
		return 0;
	*position = __sync_fetch_and_add(&here->head, slots);
	return ring;
}

/* Everything before is stored first: x86 keeps the order of stores, the barrier is for the compiler. */
static __always_inline void publish(struct collector_record *record, __u64 position)
{
	barrier();
	*(volatile __u32 *)&record->seq = (__u32)position + 1;
}

static __always_inline struct collector_record *begin_record(struct collector_cpu *here, __u32 cpu,
	const struct collector_exit *exit, __u8 type, __u64 now_ns, __u64 *position)
{
	void *ring = reserve(here, cpu, 1, position);
	struct collector_record *record;

	if (!ring)
		return 0;
	record = ring_slot(ring, *position);
	record->type = type;
	record->flags = 0;
	record->vcpu = exit->vcpu_id;
	record->time_ns = now_ns;
	record->tid = exit->tid;
	return record;
}

#endif
