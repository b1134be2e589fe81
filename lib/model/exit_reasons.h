/* SPDX-License-Identifier: MIT */
/* Why a vCPU left its guest, by the names that the kernel's kvm_exit tracepoint, trace-cmd and perf show. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum exit_isa {
	EXIT_ISA_UNKNOWN,
	EXIT_ISA_VMX, /* Intel; the values are KVM's own: KVM_ISA_VMX, KVM_ISA_SVM */
	EXIT_ISA_SVM, /* AMD */
	EXIT_ISA_XEN_PV, /* a guest of Xen that knows its hypervisor; when it went on is not known */
};

#define EXIT_XEN_PV_HYPERCALL 1
#define EXIT_XEN_PV_BLOCK     0x100 /* not one of Xen's: it waits for an event, from there to where it runs again */

#define EXIT_REASON_NAME_BYTES 32

/*
 * "npf", "EPT_VIOLATION", …: the basic reason (VMX: of bits 0-15; a failed entry, bit 31, ends in "!"). One without a
 * name, or of an unknown isa, is written into `buffer` as 0x and its number. Returns the name, or buffer.
 */
const char *exit_reason_name(unsigned isa, uint32_t reason, char buffer[EXIT_REASON_NAME_BYTES]);

/* Did the guest ask its hypervisor for something: vmcall, vmmcall? */
bool exit_reason_is_hypercall(unsigned isa, uint32_t reason);

/* Did the guest have nothing to do: hlt, mwait? */
bool exit_reason_is_halt(unsigned isa, uint32_t reason);
