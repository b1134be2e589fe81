/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Hypercalls of hypertrace: what a guest says to its host at once, by vmcall (Intel) or vmmcall (AMD). KVM knows none of
 * these numbers: it answers -1000 (-KVM_ENOSYS; -1 from user mode), which the guest ignores, and its tracepoint
 * kvm_hypercall has shown the number and four arguments by then. That is all the host needs. Number in rax; arguments
 * a0 to a3 in rbx, rcx, rdx, rsi; all of 64 bits in a 64-bit guest.
 *
 * All numbers are in [HT_HYPERCALL_FIRST, HT_HYPERCALL_LAST] and no others: far from KVM's own (below 64) and from those
 * of Xen and Hyper-V. Anybody in a guest may make them, also an unprivileged program: the host believes none.
 *
 * Times are raw TSC values of the guest. Where a call carries one, it is a3, read just before the call: what the host sees
 * of the call happens later, always.
 */
#ifndef HT_HYPERCALL_H
#define HT_HYPERCALL_H

#ifndef HT_HYPERCALL_NUMBERS_ONLY
#include <linux/types.h>
#endif

#define HT_HYPERCALL_FIRST   0x48540000u /* "HT" */
#define HT_HYPERCALL_LAST    0x485400ffu
#define HT_HYPERCALL_VERSION 1

enum ht_hypercall {
	/* A point somebody wants to see: a0 its number, a1 to a3 values. For user space, too: include/hypertrace_mark.h */
	HT_HYPERCALL_MARK = 0x48540000,
	/* The guest got so far: a0 enum ht_stage, a1 and a2 the first 16 bytes of its message, NUL-padded, a3 TSC. All of a
	 * longer message is in the TEXT calls before it. */
	HT_HYPERCALL_STAGE = 0x48540001,
	/* The module is there: a0 guest-physical address of its page with struct ht_region (abi/region.h), a1 bits 0-31
	 * HT_HYPERCALL_VERSION, bits 32-63 number of vCPUs, a2 the region's generation, a3 TSC. Said again once a second. */
	HT_HYPERCALL_HELLO = 0x48540002,
	/* A batch of events in a packet (struct ht_packet) of the guest's memory, closed: a0 its guest-physical address;
	 * a1 HT_FLUSH_*; a2 HT_FLUSH_LOST(); a3 TSC. It may be written anew when the call returns. */
	HT_HYPERCALL_FLUSH = 0x48540003,
	/* A small batch: a0 HT_EVENTS_*, a1 to a3 its records, low byte first. */
	HT_HYPERCALL_EVENTS = 0x48540004,
	/* Up to 24 bytes of text: a0 HT_TEXT_*, a1 to a3 the bytes. */
	HT_HYPERCALL_TEXT = 0x48540005,
	/* The host may take marks from guests of this one: a0 1, or no more: a0 0. For a host with the KVM of host/kvm, which
	 * answers 0; from a guest's kernel only. */
	HT_HYPERCALL_NESTED = 0x48540006,
};

/* a1 of FLUSH, from bit 0: 16 bits content bytes with the packet's header, 16 events, 16 vCPU, 16 sequence. */
#define HT_FLUSH_BYTES(a1)    ((__u32)(a1) & 0xffff)
#define HT_FLUSH_EVENTS(a1)   ((__u32)((a1) >> 16) & 0xffff)
#define HT_FLUSH_VCPU(a1)     ((__u32)((a1) >> 32) & 0xffff)
#define HT_FLUSH_SEQUENCE(a1) ((__u32)((a1) >> 48) & 0xffff)
#define HT_FLUSH_NAMES        0xffff /* as the vCPU: the packet is one of the names */
/* a2 of FLUSH: events lost so far on this vCPU, by enum ht_lost, each modulo 2^16. */
#define HT_FLUSH_LOST(a2, cause) ((__u32)((a2) >> (16 * (cause))) & 0xffff)
#define HT_FLUSH_MAX_BYTES    4096

/* a0 of EVENTS, from bit 0: 22 bits current pid, 5 bytes of records, 5 events, 16 vCPU, 16 sequence (as FLUSH's). */
#define HT_EVENTS_PID(a0)      ((__u32)(a0) & 0x3fffff)
#define HT_EVENTS_BYTES(a0)    ((__u32)((a0) >> 22) & 31)
#define HT_EVENTS_EVENTS(a0)   ((__u32)((a0) >> 27) & 31)
#define HT_EVENTS_VCPU(a0)     ((__u32)((a0) >> 32) & 0xffff)
#define HT_EVENTS_SEQUENCE(a0) ((__u32)((a0) >> 48) & 0xffff)
#define HT_EVENTS_MAX_BYTES    24

/* a0 of TEXT, from bit 0: 8 bits bytes, then these flags; the rest is 0. A text is a mark, or the message of a STAGE. */
#define HT_TEXT_BYTES(a0) ((__u32)(a0) & 0xff)
#define HT_TEXT_MORE      0x100u /* it goes on in the next call */
#define HT_TEXT_STAGE     0x200u
#define HT_TEXT_MAX_BYTES 24
#define HT_TEXT_MAX_TOTAL 240    /* of all calls of one text */

enum ht_stage {
	HT_STAGE_MODULE = 1,    /* the module begins: the first kernel code of ours that runs */
	HT_STAGE_USER = 2,      /* process 1 runs a program: user space is reached, or the real init */
	HT_STAGE_REBOOT = 3,    /* from here on the kernel shuts down */
	HT_STAGE_HALT = 4,
	HT_STAGE_POWER_OFF = 5,
	HT_STAGE_PANIC = 6,
	HT_STAGE_OOPS = 7,
	HT_STAGE_STOPPED = 8,   /* the module is unloaded */
	HT_STAGES = 9,
};

#endif
