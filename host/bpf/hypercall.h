/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What hypercall.bpf.c and the recorder say to each other. */
#ifndef HYPERCALL_BPF_H
#define HYPERCALL_BPF_H

#include <linux/types.h>

#define HYPERCALL_VMS_MAX       1024
#define HYPERCALL_THREADS_MAX   16384
#define HYPERCALL_RANGES_MAX    16
#define HYPERCALL_RING_BYTES    (2u << 20) /* of each VM: a guest that floods fills its own */
#define HYPERCALL_STRANGERS_MAX 256
#define HYPERCALL_EARLY_BYTES   (64u << 10) /* for the first calls of all of them */
#define HYPERCALL_EARLY_CALLS   64          /* of each */

/* Where a VM's memory is in its VMM's address space. */
struct hypercall_range {
	__u64 physical, bytes, address;
};

/* Key: the VMM's process. Largest range first. */
struct hypercall_vm {
	__u32 nr_ranges, reserved;
	struct hypercall_range ranges[HYPERCALL_RANGES_MAX];
};

/* Of a vCPU's thread: what did not get into the VM's ring because it was full. Events as the guest said. */
struct hypercall_lost {
	__u64 calls, events;
};

/* In a VM's ring: one call, in the order the host saw them. */
struct hypercall_record {
	__u64 host_ns; /* CLOCK_MONOTONIC */
	__u64 args[4];
	__u32 number;
	__u32 tid;
	__s32 copied; /* bytes of a flushed packet; negative: the errno of copying it */
	__u32 vmm;     /* its process */
	__u8 packet[];
};

#endif
