/* SPDX-License-Identifier: GPL-2.0-only */
/* What nested_hypercalls.cocci calls. */
#ifndef NESTED_HYPERCALLS_H
#define NESTED_HYPERCALLS_H

#include <linux/types.h>

struct kvm;
struct kvm_vcpu;

/* Is the hypercall that a guest's guest has just made one for this host, and does the guest allow that? */
bool nested_hypercall_is_ours(struct kvm_vcpu *vcpu);

/* What a guest gets for hypercall `nr` with its first argument, where KVM itself would say `result`. */
unsigned long nested_hypercall_result(struct kvm_vcpu *vcpu, unsigned long nr, unsigned long a0, unsigned long result);

/* The VM ends. */
void nested_hypercall_forget(struct kvm *kvm);

#endif
