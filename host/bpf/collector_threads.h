/* SPDX-License-Identifier: GPL-2.0-only */
/* Which threads run vCPUs: learnt at their first exit, so that any VMM will do. Not on the path of an exit. */
#ifndef HT_COLLECTOR_THREADS_H
#define HT_COLLECTOR_THREADS_H

#include "host/bpf/collector_state.h"

/* By the thread's index, while it is not on a pCPU. */
static struct collector_exit parked[COLLECTOR_THREADS_MAX] __attribute__((aligned(64)));

/* Bit tid % 65536: may be a vCPU's thread. Spares every other switch of the host the lookup. */
static __u64 maybe_vcpu[1024];

__u64 lost_threads; /* stretches of threads that were too many */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, COLLECTOR_THREADS_MAX);
	__type(key, __u32);   /* tid */
	__type(value, __u32); /* index + 1 */
} thread_of_tid SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, COLLECTOR_THREADS_MAX);
	__uint(value_size, sizeof(__u32));
} free_threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32); /* tgid */
	__type(value, __u8);
} vmms SEC(".maps");

/* No flags of KVM's: `vmcb` is not known. */
#define NO_HFLAGS 0xffffffffu

/* Of no interest: `vcpu` has this bit too, so that only exits of other VMMs come to look. */
#define OTHER_VMM 1ull

static __always_inline struct collector_exit *parked_exit(__u32 thread)
{
	return &parked[BOUNDED(thread - 1, COLLECTOR_THREADS_MAX)];
}

static __always_inline __u64 *maybe_word(__u32 tid)
{
	return &maybe_vcpu[(tid >> 6) & 1023];
}

/* Its index + 1; 0: no vCPU's. */
static __always_inline __u32 find_thread(__u32 tid)
{
	__u32 *thread;

	if (!(*maybe_word(tid) >> (tid & 63) & 1))
		return 0;
	thread = bpf_map_lookup_elem(&thread_of_tid, &tid);
	return thread ? *thread : 0;
}

static __always_inline __u32 new_thread(__u32 tid)
{
	__u32 index, thread;

	if (!bpf_map_pop_elem(&free_threads, &index)) {
		thread = index + 1;
		if (!bpf_map_update_elem(&thread_of_tid, &tid, &thread, BPF_ANY)) {
			__sync_fetch_and_or(maybe_word(tid), 1ull << (tid & 63));
			return thread;
		}
		bpf_map_push_elem(&free_threads, &index, 0);
	}
	__sync_fetch_and_add(&lost_threads, 1);
	return 0;
}

/* Says who runs which vCPU from here on. */
static __always_inline void tell_thread(struct collector_cpu *here, __u32 cpu, __u32 tgid)
{
	struct filling filling;

	filling = begin_record(here, cpu, &here->exit, COLLECTOR_THREAD, bpf_ktime_get_ns());
	if (!filling.record)
		return;
	filling.record->value = here->exit.thread - 1;
	filling.record->task.pid = here->exit.tid;
	filling.record->task.tgid = tgid;
	bpf_get_current_comm(filling.record->task.comm, sizeof(filling.record->task.comm));
	end_record(&filling);
}

/* The slot is not that vCPU's: a thread that ran none so far, or another one. 0: it is of no interest. */
static __noinline int learn(__u32 cpu, __u64 vcpu, __u32 vcpu_id)
{
	struct collector_cpu *here = &cpus[BOUNDED(cpu, COLLECTOR_CPUS_MAX)];
	const __u64 pid_tgid = bpf_get_current_pid_tgid();
	__u32 tid = (__u32)pid_tgid, tgid = pid_tgid >> 32, thread;

	if ((here->exit.vcpu & ~OTHER_VMM) == vcpu)
		return 0;
	/* in memory: to the verifier `vcpu` is a pointer, which is no number */
	*(volatile __u64 *)&here->exit.vcpu = vcpu;
	*(volatile __u64 *)&here->exit.vcpu |= OTHER_VMM;
	here->exit.thread = 0;
	here->exit.begin_ns = 0;
	if (filtered && !bpf_map_lookup_elem(&vmms, &tgid))
		return 0;
	thread = find_thread(tid);
	if (!thread)
		thread = new_thread(tid);
	if (!thread)
		return 0;
	here->exit.vcpu = vcpu;
	here->exit.hflags = NO_HFLAGS;
	here->exit.row = (thread - 1) * COLLECTOR_REASONS;
	here->exit.tid = tid;
	here->exit.thread = thread;
	here->exit.vcpu_id = vcpu_id;
	*parked_exit(thread) = here->exit; /* for those who wake or migrate it */
	tell_thread(here, cpu, tgid);
	return 1;
}

/* Is the slot that vCPU's? Else learns whose it is; 0: of no interest. `vcpu`: KVM's struct of it, or its number * 2 + 2. */
static __always_inline int is_known(struct collector_cpu *here, __u32 cpu, __u64 vcpu, __u32 vcpu_id)
{
	return here->exit.vcpu == vcpu || learn(cpu, vcpu, vcpu_id);
}

#endif
