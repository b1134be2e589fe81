// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KVM and the scheduler do to vCPUs, put together in the kernel: docs/design/host.md. Every program is on the path of
 * each exit of each guest, so: no hash lookup there, one clock reading in a program, no helper that could be done without,
 * and never a wake-up.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "abi/collector.h"
#include "host/bpf/kvm_types.h"

char LICENSE[] SEC("license") = "GPL";

/* Set before loading; the verifier leaves out what they make unreachable. */
const volatile __u32 level = COLLECTOR_AGGREGATED;
const volatile __u32 ring_mask = 0; /* slots of a ring - 1 */
const volatile __u32 cell_mask = 0; /* cells - 1 */
const volatile __u8 filtered = 0;   /* only VMMs in `vmms` */

/* An exit that has not ended, with the thread that is in it; it stays where it is while the thread is off its pCPU. */
struct thread {
	__u32 tid, tgid;
	__u64 vcpu; /* KVM's struct of it, to notice another; never followed */
	__u16 vcpu_id;
	__u8 flags;
	__u8 open; /* 0: in the guest, or not seen before; 1: an exit; 2: with a hypercall */
	__u32 reason;
	__u64 begin_ns;
	__u64 rip;
	__u64 hypercall[5]; /* nr, a0-a3 */
	__u64 reserved[6];
};
_Static_assert(sizeof(struct thread) == 128, "two lines of the cache");

struct collector_cpu cpus[COLLECTOR_CPUS_MAX] __attribute__((aligned(64)));
struct collector_tail tails[COLLECTOR_CPUS_MAX] __attribute__((aligned(64)));
static struct thread threads[COLLECTOR_THREADS_MAX] __attribute__((aligned(64)));

/* Bit tid % 65536: may be a vCPU's thread. Spares every other switch of the host the lookup. */
static __u64 maybe_vcpu[1024];

static __u16 cell_of[COLLECTOR_THREADS_MAX][COLLECTOR_REASONS]; /* + 1; 0: none so far */
__u32 nr_cells;

__u64 lost_threads, lost_cells; /* threads that were too many; exits of reasons that were */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set before loading: one per pCPU, value_size its ring */
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 4096);
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set before loading */
	__type(key, __u32);
	__type(value, struct collector_cell);
} cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, COLLECTOR_THREADS_MAX);
	__type(key, __u32);
	__type(value, __u32);
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

static __always_inline struct collector_cpu *this_cpu(__u32 *cpu)
{
	*cpu = bpf_get_smp_processor_id();
	return &cpus[*cpu & (COLLECTOR_CPUS_MAX - 1)];
}

static __always_inline struct collector_record *ring_slot(void *ring, __u64 position)
{
	return ring + (position & ring_mask) * sizeof(struct collector_record);
}

/* Room for `slots` records in this pCPU's ring; NULL: it is full, which is counted. */
static __always_inline void *reserve(struct collector_cpu *here, __u32 cpu, __u32 slots, __u64 *position)
{
	volatile __u64 *head = &here->head;
	const volatile __u64 *tail = &tails[cpu & (COLLECTOR_CPUS_MAX - 1)].tail;
	void *ring = bpf_map_lookup_elem(&rings, &cpu);

	if (!ring)
		return 0;
	if (*head - *tail > ring_mask + 1 - COLLECTOR_MARGIN) {
		__sync_fetch_and_add(&here->lost, 1);
		return 0;
	}
	*position = __sync_fetch_and_add(&here->head, slots);
	return ring;
}

/* Everything before is stored first: x86 keeps the order of stores, the barrier is for the compiler. */
static __always_inline void publish(struct collector_record *record, __u64 position)
{
	barrier();
	*(volatile __u32 *)&record->seq = (__u32)position + 1;
}

static __always_inline struct collector_record *begin_record(
	struct collector_cpu *here, __u32 cpu, const struct thread *thread, __u8 type, __u64 now_ns, __u64 *position)
{
	void *ring = reserve(here, cpu, 1, position);
	struct collector_record *record;

	if (!ring)
		return 0;
	record = ring_slot(ring, *position);
	record->type = type;
	record->flags = 0;
	record->vcpu = thread->vcpu_id;
	record->time_ns = now_ns;
	record->tid = thread->tid;
	return record;
}

/* The thread whose index + 1 that is. */
static __always_inline struct thread *thread_at(__u32 number)
{
	return &threads[(number - 1) & (COLLECTOR_THREADS_MAX - 1)];
}

static __always_inline __u64 *maybe_word(__u32 tid)
{
	return &maybe_vcpu[(tid >> 6) & 1023];
}

/* 0: no vCPU's. */
static __always_inline __u32 find_thread(__u32 tid)
{
	__u32 *number;

	if (!(*maybe_word(tid) >> (tid & 63) & 1))
		return 0;
	number = bpf_map_lookup_elem(&thread_of_tid, &tid);
	return number ? *number : 0;
}

static __always_inline __u32 new_thread(__u32 tid)
{
	__u32 index, number;

	if (bpf_map_pop_elem(&free_threads, &index)) {
		__sync_fetch_and_add(&lost_threads, 1);
		return 0;
	}
	number = index + 1;
	if (bpf_map_update_elem(&thread_of_tid, &tid, &number, BPF_ANY)) {
		bpf_map_push_elem(&free_threads, &index, 0);
		__sync_fetch_and_add(&lost_threads, 1);
		return 0;
	}
	thread_at(number)->open = 0;
	__sync_fetch_and_or(maybe_word(tid), 1ull << (tid & 63));
	return number;
}

/* A thread that ran no vCPU so far, or another one, does now. 0: it is of no interest. */
static __noinline __u32 learn(__u32 cpu, __u64 vcpu, __u32 vcpu_id)
{
	const __u64 pid_tgid = bpf_get_current_pid_tgid();
	struct collector_cpu *here = &cpus[cpu & (COLLECTOR_CPUS_MAX - 1)];
	__u32 tid = (__u32)pid_tgid, tgid = pid_tgid >> 32, number;
	struct collector_record *record;
	struct thread *thread;
	__u64 position;

	here->thread = COLLECTOR_OTHER;
	if (filtered && !bpf_map_lookup_elem(&vmms, &tgid))
		return 0;
	number = find_thread(tid);
	if (!number)
		number = new_thread(tid);
	if (!number)
		return 0;
	here->thread = number;
	thread = thread_at(number);
	if (thread->tid == tid && thread->vcpu == vcpu && thread->vcpu_id == (__u16)vcpu_id)
		return number;
	thread->tid = tid;
	thread->tgid = tgid;
	thread->vcpu = vcpu;
	thread->vcpu_id = vcpu_id;
	thread->open = 0;
	record = begin_record(here, cpu, thread, COLLECTOR_THREAD, bpf_ktime_get_ns(), &position);
	if (!record)
		return number;
	record->value = number - 1;
	record->task.pid = tid;
	record->task.tgid = tgid;
	bpf_get_current_comm(record->task.comm, sizeof(record->task.comm));
	publish(record, position);
	return number;
}

/* The thread of the vCPU that runs here. NULL: of no interest. `vcpu`: KVM's struct, or its number with bit 63. */
static __always_inline struct thread *this_vcpu(struct collector_cpu *here, __u32 cpu, __u64 vcpu, __u32 vcpu_id)
{
	__u32 number = here->thread;

	if (number == COLLECTOR_OTHER)
		return 0;
	if (!number || thread_at(number)->vcpu != vcpu) {
		number = learn(cpu, vcpu, vcpu_id);
		if (!number)
			return 0;
	}
	return thread_at(number);
}

/* The thread that runs here, if it is known to run a vCPU and is in an exit. */
static __always_inline struct thread *this_exit(struct collector_cpu *here)
{
	const __u32 number = here->thread;
	struct thread *thread;

	if (!number || number == COLLECTOR_OTHER)
		return 0;
	thread = thread_at(number);
	return thread->open ? thread : 0;
}

static __always_inline void open_exit(struct thread *thread, __u32 isa, __u32 reason, __u64 rip)
{
	thread->flags = isa & COLLECTOR_ISA_MASK;
	thread->reason = reason;
	thread->rip = rip;
	thread->begin_ns = bpf_ktime_get_ns();
	thread->open = 1;
}

/* AMD: the reason is in the vCPU's control block, and KVM has just copied rip from there. */
SEC("tp_btf/kvm_exit")
int BPF_PROG(on_exit_svm, struct kvm_vcpu *vcpu, __u32 isa)
{
	struct vcpu_svm *svm = (void *)vcpu;
	struct collector_cpu *here;
	struct thread *thread;
	__u32 cpu, reason = 0;
	void *vmcb;

	if (!vcpu)
		return 0;
	here = this_cpu(&cpu);
	thread = this_vcpu(here, cpu, (__u64)vcpu, vcpu->vcpu_id);
	if (!thread)
		return 0;
	bpf_probe_read_kernel(&vmcb, sizeof(vmcb), __builtin_preserve_access_index(&svm->vmcb));
	bpf_probe_read_kernel(&reason, sizeof(reason),
			      vmcb + bpf_core_field_offset(struct vmcb, control.exit_code));
	open_exit(thread, isa, reason, level == COLLECTOR_HISTOGRAM ? 0 : vcpu->arch.regs[VCPU_REGS_RIP]);
	return 0;
}

/*
 * Any CPU: the tracepoint itself asks KVM for what stopped the guest, on Intel a few reads of the VMCS. It has no pointer to
 * KVM's struct: the vCPU's number takes its place.
 */
SEC("tp/kvm/kvm_exit")
int on_exit_any(struct trace_event_raw_kvm_exit *context)
{
	struct collector_record *record;
	struct collector_cpu *here;
	struct thread *thread;
	__u64 position;
	__u32 cpu;

	here = this_cpu(&cpu);
	thread = this_vcpu(here, cpu, context->vcpu_id, context->vcpu_id);
	if (!thread)
		return 0;
	open_exit(thread, context->isa, context->exit_reason, context->guest_rip);
	if (level != COLLECTOR_FULL)
		return 0;
	record = begin_record(here, cpu, thread, COLLECTOR_EXIT_INFO, thread->begin_ns, &position);
	if (!record)
		return 0;
	record->value = context->intr_info;
	record->words[0] = context->info1;
	record->words[1] = context->info2;
	record->words[2] = context->error_code;
	publish(record, position);
	return 0;
}

static __always_inline void write_exit(struct collector_cpu *here, __u32 cpu, const struct thread *thread, __u64 now_ns)
{
	const int hypercall = thread->open == 2;
	struct collector_record *record, *more;
	__u64 position;
	void *ring;

	ring = reserve(here, cpu, hypercall ? 2 : 1, &position);
	if (!ring)
		return;
	record = ring_slot(ring, position);
	record->flags = thread->flags;
	record->vcpu = thread->vcpu_id;
	record->time_ns = now_ns;
	record->tid = thread->tid;
	record->value = thread->reason;
	record->words[0] = now_ns - thread->begin_ns;
	record->words[1] = thread->rip;
	if (!hypercall) {
		record->type = COLLECTOR_EXIT;
		return publish(record, position);
	}
	more = ring_slot(ring, position + 1);
	more->type = COLLECTOR_MORE;
	more->words[0] = thread->hypercall[3];
	more->words[1] = thread->hypercall[4];
	publish(more, position + 1);
	record->type = COLLECTOR_HYPERCALL;
	record->words[2] = thread->hypercall[0];
	record->words[3] = thread->hypercall[1];
	record->words[4] = thread->hypercall[2];
	publish(record, position);
}

/* The verifier is to see the mask, which the compiler would find needless. */
#define BOUNDED(index, count) ({ __u32 index_ = (index); barrier_var(index_); index_ & ((count) - 1); })

static __always_inline __u16 *cell_place(__u32 number, __u32 reason_at)
{
	return &cell_of[BOUNDED(number - 1, COLLECTOR_THREADS_MAX)][BOUNDED(reason_at, COLLECTOR_REASONS)];
}

/* Every reason the manuals know has a place of its own; the others share the last. */
static __always_inline __u32 reason_index(__u32 reason)
{
	if (reason < 0xf0)
		return reason;
	return reason - 0x400 < 8 ? reason - 0x400 + 0xf0 : COLLECTOR_REASONS - 1;
}

static __always_inline __u32 log2_of(__u64 value)
{
	__u32 bits = 0;

	for (__u32 step = COLLECTOR_BUCKETS / 2; step; step /= 2)
		if (value >> step) {
			value >>= step;
			bits += step;
		}
	return bits;
}

static __noinline __u32 new_cell(__u32 number, const struct thread *thread)
{
	__u32 index = __sync_fetch_and_add(&nr_cells, 1) & cell_mask;
	struct collector_cell *cell;

	if (!thread)
		return 0;
	cell = bpf_map_lookup_elem(&cells, &index);
	/* `cells` is as long as COLLECTOR_CELLS_MAX at most: once round, they are used up */
	if (!cell || cell->used) {
		__sync_fetch_and_sub(&nr_cells, 1);
		return 0;
	}
	cell->thread = number - 1;
	cell->reason = thread->reason;
	cell->flags = thread->flags & COLLECTOR_ISA_MASK;
	cell->min_ns = ~0ull;
	*cell_place(number, reason_index(thread->reason)) = index + 1;
	barrier();
	*(volatile __u8 *)&cell->used = 1;
	return index + 1;
}

static __always_inline void count_exit(__u32 number, struct thread *thread, __u64 now_ns)
{
	const __u64 duration_ns = now_ns - thread->begin_ns;
	struct collector_cell *cell;
	__u32 index = *cell_place(number, reason_index(thread->reason));

	if (!index)
		index = new_cell(number, thread);
	index--;
	cell = bpf_map_lookup_elem(&cells, &index);
	if (!cell) {
		__sync_fetch_and_add(&lost_cells, 1);
		return;
	}
	cell->count++;
	cell->total_ns += duration_ns;
	if (duration_ns < cell->min_ns)
		cell->min_ns = duration_ns;
	if (duration_ns > cell->max_ns)
		cell->max_ns = duration_ns;
	cell->buckets[log2_of(duration_ns) & (COLLECTOR_BUCKETS - 1)]++;
}

static __always_inline void close_exit(struct collector_cpu *here, __u32 cpu, struct thread *thread, __u64 now_ns)
{
	if (level == COLLECTOR_HISTOGRAM)
		count_exit(here->thread, thread, now_ns);
	else
		write_exit(here, cpu, thread, now_ns);
	thread->open = 0;
}

SEC("raw_tp/kvm_entry")
int on_entry(struct bpf_raw_tracepoint_args *context)
{
	struct collector_cpu *here;
	struct thread *thread;
	__u32 cpu;

	here = this_cpu(&cpu);
	thread = this_exit(here);
	if (thread)
		close_exit(here, cpu, thread, bpf_ktime_get_ns());
	return 0;
}

SEC("raw_tp/kvm_hypercall")
int on_hypercall(struct bpf_raw_tracepoint_args *context)
{
	struct thread *thread;
	__u32 cpu;

	thread = this_exit(this_cpu(&cpu));
	if (!thread)
		return 0;
	thread->hypercall[0] = context->args[0];
	thread->hypercall[1] = context->args[1];
	thread->hypercall[2] = context->args[2];
	thread->hypercall[3] = context->args[3];
	thread->hypercall[4] = context->args[4];
	thread->open = 2;
	return 0;
}

/* The exit of a guest that runs in the guest, which is reflected to that one or handled here. */
SEC("raw_tp/kvm_nested_vmexit")
int on_nested_exit(struct bpf_raw_tracepoint_args *context)
{
	struct thread *thread;
	__u32 cpu;

	thread = this_exit(this_cpu(&cpu));
	if (thread)
		thread->flags |= COLLECTOR_NESTED;
	return 0;
}

/* What is of interest of an exit's steps, for level full: of the thread that runs here. */
static __always_inline struct collector_record *begin_detail(struct collector_cpu *here, __u32 cpu, __u8 type,
	__u64 *position)
{
	const __u32 number = here->thread;

	if (!number || number == COLLECTOR_OTHER)
		return 0;
	return begin_record(here, cpu, thread_at(number), type, bpf_ktime_get_ns(), position);
}

SEC("raw_tp/kvm_userspace_exit")
int on_userspace_exit(struct bpf_raw_tracepoint_args *context)
{
	struct collector_record *record;
	struct collector_cpu *here;
	struct thread *thread;
	__u64 position;
	__u32 cpu;

	here = this_cpu(&cpu);
	thread = this_exit(here);
	if (thread)
		thread->flags |= COLLECTOR_USERSPACE;
	if (level != COLLECTOR_FULL)
		return 0;
	record = begin_detail(here, cpu, COLLECTOR_USERSPACE_EXIT, &position);
	if (!record)
		return 0;
	record->value = context->args[0];
	record->words[0] = context->args[1];
	publish(record, position);
	return 0;
}

SEC("raw_tp/kvm_vcpu_wakeup")
int on_wakeup(struct bpf_raw_tracepoint_args *context)
{
	struct collector_record *record;
	struct collector_cpu *here;
	struct thread *thread;
	__u64 position;
	__u32 cpu;

	here = this_cpu(&cpu);
	thread = this_exit(here);
	if (thread)
		thread->flags |= COLLECTOR_HALTED;
	if (level != COLLECTOR_FULL)
		return 0;
	record = begin_detail(here, cpu, COLLECTOR_HALT_POLL, &position);
	if (!record)
		return 0;
	record->value = (context->args[1] & 1) | (context->args[2] & 1) << 1;
	record->words[0] = context->args[0];
	publish(record, position);
	return 0;
}

SEC("tp_btf/kvm_page_fault")
int BPF_PROG(on_page_fault, struct kvm_vcpu *vcpu, __u64 address, __u64 error_code)
{
	struct collector_record *record;
	struct collector_cpu *here;
	struct thread *thread;
	__u64 position;
	__u32 cpu;

	here = this_cpu(&cpu);
	record = begin_detail(here, cpu, COLLECTOR_PAGE_FAULT, &position);
	if (!record)
		return 0;
	thread = this_exit(here);
	record->words[0] = address;
	record->words[1] = error_code;
	record->words[2] = thread ? thread->rip : 0;
	publish(record, position);
	return 0;
}

SEC("raw_tp/kvm_inj_virq")
int on_inject(struct bpf_raw_tracepoint_args *context)
{
	struct collector_record *record;
	struct collector_cpu *here;
	__u64 position;
	__u32 cpu;

	here = this_cpu(&cpu);
	record = begin_detail(here, cpu, COLLECTOR_INJ_VIRQ, &position);
	if (!record)
		return 0;
	record->value = context->args[0];
	publish(record, position);
	return 0;
}

/* From an ioctl of any thread of the VMM, mostly before the vCPU ever ran. */
SEC("raw_tp/kvm_write_tsc_offset")
int on_tsc_offset(struct bpf_raw_tracepoint_args *context)
{
	const __u64 pid_tgid = bpf_get_current_pid_tgid();
	struct thread anyone = {.tid = (__u32)pid_tgid, .vcpu_id = context->args[0]};
	__u32 cpu, tgid = pid_tgid >> 32;
	struct collector_record *record;
	struct collector_cpu *here;
	__u64 position;

	if (filtered && !bpf_map_lookup_elem(&vmms, &tgid))
		return 0;
	here = this_cpu(&cpu);
	record = begin_record(here, cpu, &anyone, COLLECTOR_TSC_OFFSET, bpf_ktime_get_ns(), &position);
	if (!record)
		return 0;
	record->words[0] = context->args[1];
	record->words[1] = context->args[2];
	record->words[2] = tgid;
	publish(record, position);
	return 0;
}

static __always_inline void put_task(struct collector_record *record, struct task_struct *task)
{
	record->task.pid = task->pid;
	record->task.tgid = task->tgid;
	bpf_probe_read_kernel(record->task.comm, sizeof(record->task.comm), task->comm);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, int preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	struct collector_record *record;
	struct collector_cpu *here;
	struct thread *thread;
	__u64 now_ns, position;
	__u32 cpu, out, in;

	here = this_cpu(&cpu);
	out = here->thread;
	if (out == COLLECTOR_OTHER)
		out = 0;
	in = find_thread(next->pid);
	here->thread = in;
	if (!out && !in)
		return 0;
	now_ns = bpf_ktime_get_ns();
	if (out) {
		thread = thread_at(out);
		if (thread->open)
			thread->flags |= COLLECTOR_PREEMPTED;
		record = begin_record(here, cpu, thread, COLLECTOR_VCPU_OUT, now_ns, &position);
		if (record) {
			record->value = preempt ? 0x100 : prev_state;
			put_task(record, next);
			publish(record, position);
		}
	}
	if (in) {
		record = begin_record(here, cpu, thread_at(in), COLLECTOR_VCPU_IN, now_ns, &position);
		if (record) {
			put_task(record, prev);
			publish(record, position);
		}
	}
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	const __u32 number = find_thread(task->pid);
	struct collector_record *record;
	struct collector_cpu *here;
	__u64 position;
	__u32 cpu;

	if (!number)
		return 0;
	here = this_cpu(&cpu);
	record = begin_record(here, cpu, thread_at(number), COLLECTOR_VCPU_WAKING, bpf_ktime_get_ns(), &position);
	if (!record)
		return 0;
	record->value = task->thread_info.cpu;
	record->task.pid = (__u32)bpf_get_current_pid_tgid();
	publish(record, position);
	return 0;
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(on_migrate, struct task_struct *task, int dest_cpu)
{
	const __u32 number = find_thread(task->pid);
	struct collector_record *record;
	struct collector_cpu *here;
	__u64 position;
	__u32 cpu;

	if (!number)
		return 0;
	here = this_cpu(&cpu);
	record = begin_record(here, cpu, thread_at(number), COLLECTOR_VCPU_MIGRATE, bpf_ktime_get_ns(), &position);
	if (!record)
		return 0;
	record->value = task->thread_info.cpu;
	record->words[0] = dest_cpu;
	publish(record, position);
	return 0;
}

/* A vCPU's thread ends: the exit it never came back from too, and its number is free for another. */
SEC("raw_tp/sched_process_exit")
int on_thread_end(struct bpf_raw_tracepoint_args *context)
{
	__u32 cpu, tid = (__u32)bpf_get_current_pid_tgid();
	const __u32 number = find_thread(tid);
	const __u32 index = number - 1;
	struct collector_record *record;
	struct collector_cpu *here;
	struct thread *thread;
	__u64 now_ns, position;

	if (!number)
		return 0;
	here = this_cpu(&cpu);
	thread = thread_at(number);
	now_ns = bpf_ktime_get_ns();
	here->thread = number;
	if (thread->open)
		close_exit(here, cpu, thread, now_ns);
	record = begin_record(here, cpu, thread, COLLECTOR_THREAD_END, now_ns, &position);
	if (record) {
		record->value = index;
		publish(record, position);
	}
	here->thread = COLLECTOR_OTHER;
	thread->tid = 0;
	bpf_map_delete_elem(&thread_of_tid, &tid);
	bpf_map_push_elem(&free_threads, &index, 0);
	return 0;
}
