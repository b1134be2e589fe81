/* SPDX-License-Identifier: MIT */
/*
 * The reader's side of one pCPU's ring of the collector (abi/collector.h): takes its records in order, copies and checks
 * them. Works on any memory. What cannot be true is counted as damaged and passed over; the work is bounded by the ring.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi/collector.h"

/* A record of one slot or two, checked: its type, and that it is whole. Its numbers may be anything. */
struct collector_event {
	struct collector_record record;
	uint64_t more[2]; /* of a HYPERCALL: a2, a3 */
};

struct collector_ring {
	const struct collector_record *slots; /* shared */
	uint32_t nr_slots;                    /* a power of two */
	const __u64 *head;                    /* shared */
	__u64 *tail;                          /* shared, written here */
	uint64_t next;                        /* position to take next: our own copy of *tail */
	uint64_t stuck_since_ns;              /* a reserved slot is not filled; 0: none */
	uint64_t damaged;                     /* slots that held no record */
};

/* A slot that was reserved and is not filled after so long is given up: nothing interrupts a program for a second. */
#define COLLECTOR_STUCK_NS 1000000000ull

/* Begins at the ring's head: what was there before is nobody's. */
void collector_ring_init(struct collector_ring *ring, const struct collector_record *slots, uint32_t nr_slots,
	const __u64 *head, __u64 *tail);

/* Takes at most `max` events, in the order of their places. Returns how many. */
size_t collector_ring_take(
	struct collector_ring *ring, struct collector_event *events, size_t max, uint64_t now_ns);

/* How full it is, in 1/1000. */
unsigned collector_ring_fill(const struct collector_ring *ring);
