/* SPDX-License-Identifier: MIT */
/* Numbers in Xen's events that have names. */
#pragma once
#include <stdint.h>

enum xen_names {
	XEN_NAMES_RUNSTATES,
	XEN_NAMES_SHUTDOWN_REASONS,
	XEN_NAMES_HYPERCALLS,
	XEN_NAMES_GRANT_OPS,
	XEN_NAMES_VCPU_OPS,
	XEN_NAMES_SCHED_OPS,
	XEN_NAMES_TRAPS,
	XEN_NAMES_INTERRUPT_SOURCES,
	XEN_NAMES_VMX_REASONS, /* from 0x46 on, which VMX does not use here, SVM's: until 4.18 both had one event */
	XEN_NAMES_SVM_REASONS,
};

/* NULL: it has none. */
const char *xen_name(enum xen_names names, uint64_t number);

/* Of XEN_NAMES_HYPERCALLS */
#define XEN_HYPERCALL_MMU_UPDATE     1
#define XEN_HYPERCALL_MULTICALL      13
#define XEN_HYPERCALL_GRANT_TABLE_OP 20
#define XEN_HYPERCALL_VCPU_OP        24
#define XEN_HYPERCALL_MMUEXT_OP      26
#define XEN_HYPERCALL_SCHED_OP       29
