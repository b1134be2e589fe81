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
	struct collector_cpu *here;

	*cpu = bpf_get_smp_processor_id();
	here = &cpus[*cpu & (COLLECTOR_CPUS_MAX - 1)];
	barrier_var(here); /* else it is made anew wherever it is used */
	return here;
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

/* type, flags and vcpu of a record, as they lie in it. */
static __always_inline __u32 record_head(__u8 type, __u8 flags, __u16 vcpu)
{
	return type | flags << 8 | (__u32)vcpu << 16;
}

/* Everything before is stored first: x86 keeps the order of stores, the barrier is for the compiler. */
static __always_inline void publish(struct collector_record *record, __u32 head, __u64 position)
{
	barrier();
	*(volatile __u64 *)record = (__u64)head << 32 | (__u32)(position + 1);
}

/* A record of another type than an exit, while it is filled. */
struct filling {
	struct collector_record *record; /* NULL: there was no room */
	__u64 position;
	__u32 head;
};

static __always_inline struct filling begin_record(
	struct collector_cpu *here, __u32 cpu, const struct collector_exit *exit, __u8 type, __u64 now_ns)
{
	struct filling filling = {.head = record_head(type, 0, exit->vcpu_id)};
	void *ring = reserve(here, cpu, 1, &filling.position);

	if (!ring)
		return filling;
	filling.record = ring_slot(ring, filling.position);
	filling.record->time_ns = now_ns;
	filling.record->tid = exit->tid;
	return filling;
}

static __always_inline void end_record(const struct filling *filling)
{
	publish(filling->record, filling->head, filling->position);
}

#endif
