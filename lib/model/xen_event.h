/* SPDX-License-Identifier: MIT */
/*
 * One event of a Xen trace, as the hypervisor wrote it, and the codes that are part of the format.
 *
 * A record is a 32-bit word (code in bits 0-27, number of extra words in 28-30, "has a TSC" in 31), then the TSC, low
 * word first, if it has one, then the extra words; all little-endian. Source: Xen's public header trace.h.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define XEN_EXTRAS_MAX 7

struct xen_event {
	uint64_t tsc; /* its own; of an event without one: the last of its pCPU, 0 if there was none */
	uint64_t
		order_tsc; /* what it is ordered by: as tsc, but where that cannot be right or is not its time (see
	                       xen_reader.h) */
	uint64_t offset; /* of its record in the file, in bytes */
	uint32_t pcpu;
	uint32_t code; /* 28 bits */
	bool has_tsc;
	uint8_t n_extra;                /* 0 to XEN_EXTRAS_MAX */
	uint32_t extra[XEN_EXTRAS_MAX]; /* what is behind n_extra is zero */
};

/* Code: class in bits 16-27, one of which is set, subclass in 12-15, number in 0-11. */
#define XEN_CLASS_GEN    0x0001u
#define XEN_CLASS_SCHED  0x0002u
#define XEN_CLASS_DOM0OP 0x0004u
#define XEN_CLASS_HVM    0x0008u
#define XEN_CLASS_MEM    0x0010u
#define XEN_CLASS_PV     0x0020u
#define XEN_CLASS_SHADOW 0x0040u
#define XEN_CLASS_HW     0x0080u
#define XEN_CLASS_GUEST  0x0800u

#define XEN_CLASS_BITS 12

static inline uint32_t xen_code_class(uint32_t code)
{
	return code >> 16;
}

static inline uint32_t xen_code_subclass(uint32_t code)
{
	return code >> 12 & 0xf;
}

#define XEN_LOST_RECORDS 0x1f001u /* count, domain in the low and vcpu in the high half, u64 first lost TSC */
#define XEN_WRAP_BUFFER  0x1f002u /* padding */
#define XEN_CPU_CHANGE \
	0x1f003u /* whose records follow, and how many bytes of them; never delivered as event */

#define XEN_DOMAIN_IDLE    32767u
#define XEN_DOMAIN_DEFAULT 32768u /* xenalyze's name of what ran before anything was known */
