// SPDX-License-Identifier: GPL-2.0-only
/*
 * What KVM and the scheduler do to vCPUs, put together in the kernel: docs/design/host.md. The first programs are on the
 * path of every exit of every guest, so: no hash lookup there, one clock reading in a program, no helper that could be done
 * without, and never a wake-up.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "abi/collector.h"
#include "host/bpf/collector_histogram.h"
#include "host/bpf/collector_state.h"
#include "host/bpf/collector_threads.h"
#include "host/bpf/kvm_types.h"

#define ISA_SVM 2 /* as kvm_exit's isa */

char LICENSE[] SEC("license") = "GPL";

/* The exit that the thread here is in; NULL: none, or not a vCPU's. */
static __always_inline struct collector_exit *this_exit(struct collector_cpu *here)
{
	return here->exit.begin_ns ? &here->exit : 0;
}

static __always_inline void open_exit(struct collector_exit *exit, __u32 isa)
{
	*(__u16 *)&exit->type = COLLECTOR_EXIT | isa << 8; /* and flags */
	exit->begin_ns = bpf_ktime_get_ns();
}

/*
 * AMD: the control block with the exit's reason. It is kept for as long as KVM's flags are the same: they say, too, whether
 * a guest's guest is in it, whose block may go, and come elsewhere.
 */
static __noinline __u64 find_vmcb(struct collector_exit *exit, __u64 vcpu, __u32 hflags)
{
	__u64 vmcb = 0, own = 0;

	if (!exit)
		return 0;
	bpf_probe_read_kernel(&vmcb, sizeof(vmcb), (void *)vcpu + bpf_core_field_offset(struct vcpu_svm, vmcb));
	bpf_probe_read_kernel(&own, sizeof(own), (void *)vcpu + bpf_core_field_offset(struct vcpu_svm, vmcb01.ptr));
	exit->vmcb = vmcb;
	exit->hflags = vmcb == own ? hflags : NO_HFLAGS;
	return vmcb;
}

enum exit_svm_flags {
	WITH_RIP = 1 << 0,
	BY_CAST = 1 << 1, /* the kernel has bpf_rdonly_cast(): since 6.2 */
};

/* A number at an address that the verifier takes for one of the kernel's own: half of the cost of copying it. */
void *bpf_rdonly_cast(void *object, __u32 btf_id) __ksym __weak;

struct timespec64 {
	__s64 tv_sec;
} __attribute__((preserve_access_index));

static __always_inline __u32 read_by_cast(__u64 address)
{
	const struct timespec64 *number =
		bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct timespec64));

	return number->tv_sec;
}

/* What this pCPU loaded last, of KVM's: not the block of a guest's guest, and none of another kernel's KVM. */
extern const struct svm_cpu_data svm_data __ksym __weak;

/* Without that cast: by a pointer of KVM's own that has the type, if it points there; else by a copy, twice the cost. */
static __always_inline void read_reason(struct collector_exit *exit, __u64 address, __u64 vmcb)
{
	if (&svm_data && bpf_core_field_exists(struct svm_cpu_data, current_vmcb)) {
		const struct svm_cpu_data *data = bpf_this_cpu_ptr(&svm_data);
		const struct vmcb *loaded = data->current_vmcb;

		if ((__u64)loaded == vmcb) {
			exit->reason = loaded->control.exit_code;
			return;
		}
	}
	bpf_probe_read_kernel(&exit->reason, sizeof(exit->reason), (void *)address);
}

static __always_inline int exit_svm(struct kvm_vcpu *vcpu, enum exit_svm_flags how)
{
	struct collector_cpu *here;
	__u64 vmcb, reason;
	__u32 cpu;

	if (!vcpu)
		return 0;
	here = this_cpu(&cpu);
	if (!is_known(here, cpu, (__u64)vcpu, vcpu->vcpu_id))
		return 0;
	vmcb = here->exit.vmcb;
	if (!bpf_core_field_exists(vcpu->arch.hflags))
		vmcb = find_vmcb(&here->exit, (__u64)vcpu, NO_HFLAGS);
	else if (here->exit.hflags != vcpu->arch.hflags)
		vmcb = find_vmcb(&here->exit, (__u64)vcpu, vcpu->arch.hflags);
	reason = vmcb + bpf_core_field_offset(struct vmcb, control.exit_code);
	if (how & BY_CAST)
		here->exit.reason = read_by_cast(reason);
	else
		read_reason(&here->exit, reason, vmcb);
	if (how & WITH_RIP)
		here->exit.rip = vcpu->arch.regs[VCPU_REGS_RIP];
	open_exit(&here->exit, ISA_SVM);
	return 0;
}

/* AMD: the reason is in the vCPU's control block, and KVM has just copied rip from there. */
SEC("tp_btf/kvm_exit")
int BPF_PROG(on_exit_svm, struct kvm_vcpu *vcpu)
{
	return exit_svm(vcpu, WITH_RIP);
}

SEC("tp_btf/kvm_exit")
int BPF_PROG(on_exit_svm_histogram, struct kvm_vcpu *vcpu)
{
	return exit_svm(vcpu, 0);
}

SEC("tp_btf/kvm_exit")
int BPF_PROG(on_exit_svm_cast, struct kvm_vcpu *vcpu)
{
	return exit_svm(vcpu, WITH_RIP | BY_CAST);
}

SEC("tp_btf/kvm_exit")
int BPF_PROG(on_exit_svm_cast_histogram, struct kvm_vcpu *vcpu)
{
	return exit_svm(vcpu, BY_CAST);
}

/*
 * Any CPU: the tracepoint itself asks KVM for what stopped the guest, on Intel a few reads of the VMCS. It has no pointer to
 * KVM's struct: the vCPU's number takes its place.
 */
SEC("tp/kvm/kvm_exit")
int on_exit_any(struct trace_event_raw_kvm_exit *context)
{
	struct filling filling;
	struct collector_cpu *here;
	__u32 cpu;

	here = this_cpu(&cpu);
	if (!is_known(here, cpu, context->vcpu_id * 2 + 2, context->vcpu_id))
		return 0;
	here->exit.reason = context->exit_reason;
	here->exit.rip = context->guest_rip;
	open_exit(&here->exit, context->isa);
	if (level != COLLECTOR_FULL)
		return 0;
	filling = begin_record(here, cpu, &here->exit, COLLECTOR_EXIT_INFO, here->exit.begin_ns);
	if (!filling.record)
		return 0;
	filling.record->value = context->intr_info;
	filling.record->words[0] = context->info1;
	filling.record->words[1] = context->info2;
	filling.record->words[2] = context->error_code;
	end_record(&filling);
	return 0;
}

static __always_inline void write_exit(
	struct collector_cpu *here, __u32 cpu, const struct collector_exit *exit, __u64 now_ns)
{
	const __u32 head = *(const __u32 *)&exit->type;
	const int hypercall = exit->type == COLLECTOR_HYPERCALL;
	struct collector_record *record, *more;
	__u64 position;
	void *ring;

	ring = reserve(here, cpu, hypercall ? 2 : 1, &position);
	if (!ring)
		return;
	record = ring_slot(ring, position);
	record->time_ns = now_ns;
	*(__u64 *)&record->tid = *(const __u64 *)&exit->tid; /* and reason */
	record->words[0] = now_ns - exit->begin_ns;
	record->words[1] = exit->rip;
	if (hypercall) {
		more = ring_slot(ring, position + 1);
		more->words[0] = exit->hypercall[3];
		more->words[1] = exit->hypercall[4];
		publish(more, COLLECTOR_MORE, position + 1);
		record->words[2] = exit->hypercall[0];
		record->words[3] = exit->hypercall[1];
		record->words[4] = exit->hypercall[2];
	}
	publish(record, head, position);
}

SEC("raw_tp/kvm_entry")
int on_entry(struct bpf_raw_tracepoint_args *context)
{
	struct collector_cpu *here;
	__u32 cpu;

	here = this_cpu(&cpu);
	if (!here->exit.begin_ns)
		return 0;
	write_exit(here, cpu, &here->exit, bpf_ktime_get_ns());
	here->exit.begin_ns = 0;
	return 0;
}

SEC("raw_tp/kvm_entry")
int on_entry_histogram(struct bpf_raw_tracepoint_args *context)
{
	struct collector_cpu *here;
	__u32 cpu;

	here = this_cpu(&cpu);
	if (!here->exit.begin_ns)
		return 0;
	count_exit(&here->exit, bpf_ktime_get_ns() - here->exit.begin_ns);
	here->exit.begin_ns = 0;
	return 0;
}

SEC("raw_tp/kvm_hypercall")
int on_hypercall(struct bpf_raw_tracepoint_args *context)
{
	struct collector_exit *exit;
	__u32 cpu;

	exit = this_exit(this_cpu(&cpu));
	if (!exit)
		return 0;
	exit->hypercall[0] = context->args[0];
	exit->hypercall[1] = context->args[1];
	exit->hypercall[2] = context->args[2];
	exit->hypercall[3] = context->args[3];
	exit->hypercall[4] = context->args[4];
	exit->type = COLLECTOR_HYPERCALL;
	return 0;
}

/* The exit of a guest that runs in the guest, which is reflected to that one or handled here. */
SEC("raw_tp/kvm_nested_vmexit")
int on_nested_exit(struct bpf_raw_tracepoint_args *context)
{
	struct collector_exit *exit;
	__u32 cpu;

	exit = this_exit(this_cpu(&cpu));
	if (exit)
		exit->flags |= COLLECTOR_NESTED;
	return 0;
}

/* A step of what the vCPU here does, for level full. */
static __always_inline struct filling begin_detail(struct collector_cpu *here, __u32 cpu, __u8 type)
{
	if (!here->exit.thread)
		return (struct filling){0};
	return begin_record(here, cpu, &here->exit, type, bpf_ktime_get_ns());
}

SEC("raw_tp/kvm_userspace_exit")
int on_userspace_exit(struct bpf_raw_tracepoint_args *context)
{
	struct filling filling;
	struct collector_cpu *here;
	struct collector_exit *exit;
	__u32 cpu;

	here = this_cpu(&cpu);
	exit = this_exit(here);
	if (exit)
		exit->flags |= COLLECTOR_USERSPACE;
	if (level != COLLECTOR_FULL)
		return 0;
	filling = begin_detail(here, cpu, COLLECTOR_USERSPACE_EXIT);
	if (!filling.record)
		return 0;
	filling.record->value = context->args[0];
	filling.record->words[0] = context->args[1];
	end_record(&filling);
	return 0;
}

SEC("raw_tp/kvm_vcpu_wakeup")
int on_wakeup(struct bpf_raw_tracepoint_args *context)
{
	struct filling filling;
	struct collector_cpu *here;
	struct collector_exit *exit;
	__u32 cpu;

	here = this_cpu(&cpu);
	exit = this_exit(here);
	if (exit)
		exit->flags |= COLLECTOR_HALTED;
	if (level != COLLECTOR_FULL)
		return 0;
	filling = begin_detail(here, cpu, COLLECTOR_HALT_POLL);
	if (!filling.record)
		return 0;
	filling.record->value = (context->args[1] & 1) | (context->args[2] & 1) << 1;
	filling.record->words[0] = context->args[0];
	end_record(&filling);
	return 0;
}

SEC("tp_btf/kvm_page_fault")
int BPF_PROG(on_page_fault, struct kvm_vcpu *vcpu, __u64 address, __u64 error_code)
{
	struct filling filling;
	struct collector_cpu *here;
	struct collector_exit *exit;
	__u32 cpu;

	here = this_cpu(&cpu);
	filling = begin_detail(here, cpu, COLLECTOR_PAGE_FAULT);
	if (!filling.record)
		return 0;
	exit = this_exit(here);
	filling.record->words[0] = address;
	filling.record->words[1] = error_code;
	filling.record->words[2] = exit ? exit->rip : 0;
	end_record(&filling);
	return 0;
}

SEC("raw_tp/kvm_inj_virq")
int on_inject(struct bpf_raw_tracepoint_args *context)
{
	struct filling filling;
	struct collector_cpu *here;
	__u32 cpu;

	here = this_cpu(&cpu);
	filling = begin_detail(here, cpu, COLLECTOR_INJ_VIRQ);
	if (!filling.record)
		return 0;
	filling.record->value = context->args[0];
	end_record(&filling);
	return 0;
}

/* From an ioctl of any thread of the VMM, mostly before the vCPU ever ran. */
SEC("raw_tp/kvm_write_tsc_offset")
int on_tsc_offset(struct bpf_raw_tracepoint_args *context)
{
	const __u64 pid_tgid = bpf_get_current_pid_tgid();
	struct collector_exit anyone = {.tid = (__u32)pid_tgid, .vcpu_id = context->args[0]};
	__u32 cpu, tgid = pid_tgid >> 32;
	struct filling filling;
	struct collector_cpu *here;

	if (filtered && !bpf_map_lookup_elem(&vmms, &tgid))
		return 0;
	here = this_cpu(&cpu);
	filling = begin_record(here, cpu, &anyone, COLLECTOR_TSC_OFFSET, bpf_ktime_get_ns());
	if (!filling.record)
		return 0;
	filling.record->words[0] = context->args[1];
	filling.record->words[1] = context->args[2];
	filling.record->words[2] = tgid;
	end_record(&filling);
	return 0;
}

static __always_inline void put_task(struct collector_record *record, struct task_struct *task)
{
	record->task.pid = task->pid;
	record->task.tgid = task->tgid;
	bpf_probe_read_kernel(record->task.comm, sizeof(record->task.comm), task->comm);
}

/* The vCPU's thread leaves the pCPU, and takes along what it is in. */
static __always_inline void switch_out(
	struct collector_cpu *here, __u32 cpu, struct task_struct *next, __u32 state, __u64 now_ns)
{
	struct filling filling;

	here->exit.flags |= COLLECTOR_PREEMPTED; /* an exit that opens later sets all flags anew */
	filling = begin_record(here, cpu, &here->exit, COLLECTOR_VCPU_OUT, now_ns);
	if (filling.record) {
		filling.record->value = state;
		put_task(filling.record, next);
		end_record(&filling);
	}
	*parked_exit(here->exit.thread) = here->exit;
}

static __always_inline void switch_in(
	struct collector_cpu *here, __u32 cpu, __u32 thread, struct task_struct *prev, __u64 now_ns)
{
	struct filling filling;

	here->exit = *parked_exit(thread);
	filling = begin_record(here, cpu, &here->exit, COLLECTOR_VCPU_IN, now_ns);
	if (filling.record) {
		put_task(filling.record, prev);
		end_record(&filling);
	}
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, int preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
{
	struct collector_cpu *here;
	__u64 now_ns;
	__u32 cpu, in;

	if (!prev || !next)
		return 0;
	here = this_cpu(&cpu);
	in = find_thread(next->pid);
	if (!here->exit.thread && !in) {
		here->exit.vcpu = 0;
		return 0;
	}
	now_ns = bpf_ktime_get_ns();
	if (here->exit.thread)
		switch_out(here, cpu, next, preempt ? 0x100 : prev_state & 0xff, now_ns);
	here->exit.vcpu = here->exit.begin_ns = 0;
	here->exit.thread = 0;
	if (in)
		switch_in(here, cpu, in, prev, now_ns);
	return 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	struct filling filling;
	struct collector_cpu *here;
	__u32 cpu, thread;

	if (!task)
		return 0;
	thread = find_thread(task->pid);
	if (!thread)
		return 0;
	here = this_cpu(&cpu);
	filling = begin_record(
		here, cpu, parked_exit(thread), COLLECTOR_VCPU_WAKING, bpf_ktime_get_ns());
	if (!filling.record)
		return 0;
	filling.record->value = task->thread_info.cpu;
	filling.record->task.pid = (__u32)bpf_get_current_pid_tgid();
	end_record(&filling);
	return 0;
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(on_migrate, struct task_struct *task, int dest_cpu)
{
	struct filling filling;
	struct collector_cpu *here;
	__u32 cpu, thread;

	if (!task)
		return 0;
	thread = find_thread(task->pid);
	if (!thread)
		return 0;
	here = this_cpu(&cpu);
	filling = begin_record(
		here, cpu, parked_exit(thread), COLLECTOR_VCPU_MIGRATE, bpf_ktime_get_ns());
	if (!filling.record)
		return 0;
	filling.record->value = task->thread_info.cpu;
	filling.record->words[0] = dest_cpu;
	end_record(&filling);
	return 0;
}

/* A vCPU's thread ends: so does the exit it never came back from, and its index is free for another. */
SEC("raw_tp/sched_process_exit")
int on_thread_end(struct bpf_raw_tracepoint_args *context)
{
	__u32 cpu, index, tid = (__u32)bpf_get_current_pid_tgid();
	const __u32 thread = find_thread(tid);
	struct filling filling;
	struct collector_cpu *here;
	__u64 now_ns;

	here = this_cpu(&cpu);
	if (!thread || here->exit.thread != thread)
		return 0;
	now_ns = bpf_ktime_get_ns();
	if (here->exit.begin_ns && level == COLLECTOR_HISTOGRAM)
		count_exit(&here->exit, now_ns - here->exit.begin_ns);
	else if (here->exit.begin_ns)
		write_exit(here, cpu, &here->exit, now_ns);
	filling = begin_record(here, cpu, &here->exit, COLLECTOR_THREAD_END, now_ns);
	if (filling.record) {
		filling.record->value = thread - 1;
		end_record(&filling);
	}
	here->exit.vcpu = 0;
	here->exit.thread = 0;
	index = thread - 1;
	bpf_map_delete_elem(&thread_of_tid, &tid);
	bpf_map_push_elem(&free_threads, &index, 0);
	return 0;
}
