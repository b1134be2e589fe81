// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which guests let this host take hypertrace's hypercalls (abi/hypercall.h) from their guests. Two consents are needed: the
 * host's, by the parameter nested_hypercalls of kvm.ko, and each guest's kernel's, by HT_HYPERCALL_NESTED, which it may
 * withdraw. All other hypercalls are the guest's hypervisor's, as ever.
 */
#include <linux/kvm_host.h>
#include <linux/kvm_para.h>
#include <linux/module.h>
#include <linux/xarray.h>
#include "kvm_cache_regs.h"
#include "hypercall.h"
#include "nested_hypercalls.h"

static bool nested_hypercalls;
module_param(nested_hypercalls, bool, 0644);
MODULE_PARM_DESC(nested_hypercalls, "Take hypertrace's hypercalls from guests of guests that allow it");

/* By the address of its struct kvm: that structure, which other modules know, gets no new field. */
static DEFINE_XARRAY(allowing);

bool nested_hypercall_is_ours(struct kvm_vcpu *vcpu)
{
	unsigned long nr = kvm_rax_read(vcpu);

	if (!READ_ONCE(nested_hypercalls) || nr < HT_HYPERCALL_FIRST || nr > HT_HYPERCALL_LAST)
		return false;
	/* said to one's own host: they name memory of the guest that says them, or mean all of it */
	if (nr >= HT_HYPERCALL_STAGE && nr <= HT_HYPERCALL_NESTED)
		return false;
	return xa_load(&allowing, (unsigned long)vcpu->kvm);
}
EXPORT_SYMBOL_GPL(nested_hypercall_is_ours);

unsigned long nested_hypercall_result(struct kvm_vcpu *vcpu, unsigned long nr, unsigned long a0, unsigned long result)
{
	/* user space may not consent: KVM has refused it by now */
	if (nr != HT_HYPERCALL_NESTED || result == -KVM_EPERM || (u32)result == (u32)-KVM_EPERM ||
	    is_guest_mode(vcpu) || !READ_ONCE(nested_hypercalls))
		return result;
	if (!a0)
		nested_hypercall_forget(vcpu->kvm);
	else if (xa_is_err(xa_store(&allowing, (unsigned long)vcpu->kvm, xa_mk_value(1), GFP_KERNEL_ACCOUNT)))
		return -KVM_EFAULT;
	return 0;
}

void nested_hypercall_forget(struct kvm *kvm)
{
	xa_erase(&allowing, (unsigned long)kvm);
}
