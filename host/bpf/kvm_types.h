/* SPDX-License-Identifier: GPL-2.0-only */
/* Those members of kernel structs that the programs read; CO-RE finds their places in the running kernel's BTF. */
#ifndef HT_KVM_TYPES_H
#define HT_KVM_TYPES_H

#include <linux/types.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

enum kvm_reg {
	VCPU_REGS_RIP = 16,
};

struct kvm_vcpu_arch {
	__u32 hflags;
	unsigned long regs[17];
};

struct kvm_vcpu {
	int vcpu_id;
	struct kvm_vcpu_arch arch;
};

/* AMD */
struct vmcb_control_area {
	__u32 exit_code;
};

struct vmcb {
	struct vmcb_control_area control;
};

struct kvm_vmcb_info {
	struct vmcb *ptr;
};

struct vcpu_svm {
	struct kvm_vcpu vcpu;
	struct vmcb *vmcb;
	struct kvm_vmcb_info vmcb01;
};

struct svm_cpu_data {
	struct vmcb *current_vmcb;
};

struct trace_event_raw_kvm_exit {
	unsigned int exit_reason;
	unsigned long guest_rip;
	__u32 isa;
	__u64 info1, info2;
	__u32 intr_info, error_code;
	unsigned int vcpu_id;
};

struct thread_info {
	__u32 cpu;
};

struct task_struct {
	struct thread_info thread_info;
	int pid, tgid;
	char comm[16];
};

#pragma clang attribute pop

#endif
