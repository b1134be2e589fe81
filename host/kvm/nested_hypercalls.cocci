// SPDX-License-Identifier: GPL-2.0-only
// Lets KVM take hypertrace's hypercalls from a guest's guest itself, where the guest allows it, instead of handing the exit
// to the guest's hypervisor. All that is new is in nested_hypercalls.c; these rules put its calls in place. Functions and
// their first local variable are the only things of KVM they rely on. For 6.1 and 6.12; see README.md.

@@
@@
 #include "x86.h"
+#include "nested_hypercalls.h"

// AMD: the exit is the host's, also where the guest intercepts it
@@
identifier svm, vmexit;
@@
 int nested_svm_exit_handled(struct vcpu_svm *svm)
 {
 	int vmexit;
+
+	if (svm->vmcb->control.exit_code == SVM_EXIT_VMMCALL && nested_hypercall_is_ours(&svm->vcpu))
+		return NESTED_EXIT_HOST;
 	...
 }

// AMD, later kernels: what gets so far in a guest's guest is an invalid instruction, but for Hyper-V's
@@
identifier vcpu;
@@
 static int vmmcall_interception(struct kvm_vcpu *vcpu)
 {
+	if (nested_hypercall_is_ours(vcpu))
+		return kvm_emulate_hypercall(vcpu);
+
 	...
 }

// Intel
@exists@
typedef bool;
identifier vcpu, reason, info;
@@
 static bool nested_vmx_l0_wants_exit(struct kvm_vcpu *vcpu, union vmx_exit_reason reason)
 {
 	u32 info;
+
+	if (reason.basic == EXIT_REASON_VMCALL && nested_hypercall_is_ours(vcpu))
+		return true;
 	... when any
 }

// the guest's word, and the answer to it
@@
identifier vcpu;
symbol ret, nr, a0;
position p : script:python() { p[0].current_element == "kvm_emulate_hypercall" };
@@
-kvm_rax_write@p(vcpu, ret);
+kvm_rax_write(vcpu, nested_hypercall_result(vcpu, nr, a0, ret));

@@
identifier kvm;
@@
 void kvm_arch_destroy_vm(struct kvm *kvm)
 {
+	nested_hypercall_forget(kvm);
 	...
 }
