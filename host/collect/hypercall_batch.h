/* SPDX-License-Identifier: MIT */
/*
 * A batch of records as a guest's hypercall brought it (abi/hypercall.h): FLUSH with a copied packet, or EVENTS with its
 * records in registers. What is checked here is what the call says of itself; the records are for ring_walk().
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "abi/region.h"
#include "abi/hypercall.h"
#include "host/bpf/hypercall.h"

/* Records, with room around them as ctf_stream_write() and ring_walk() want it, are made of this by the machine. */
struct hypercall_batch {
	uint32_t vcpu; /* below HT_MAX_CPUS, or HT_FLUSH_NAMES */
	uint32_t sequence;
	uint32_t events;             /* as the guest says */
	uint32_t pid;                /* that ran at the beginning */
	uint64_t begin_tsc, end_tsc; /* 0, UINT64_MAX: not said */
	uint64_t returned_tsc;       /* of the FLUSH before; 0: not said */
	uint32_t bytes;
	uint8_t records[HT_FLUSH_MAX_BYTES];
};

/* How many events a FLUSH or EVENTS says it has, and of which vCPU, whatever else is wrong with it. */
uint32_t hypercall_batch_events(const struct hypercall_record *record);
uint32_t hypercall_batch_vcpu(const struct hypercall_record *record);

/*
 * Reads the record of a FLUSH or EVENTS, `bytes` long with its packet. 0; -EFAULT: the packet could not be copied;
 * -EINVAL: it cannot be true.
 */
int hypercall_batch_read(struct hypercall_batch *batch, const struct hypercall_record *record, size_t bytes);
