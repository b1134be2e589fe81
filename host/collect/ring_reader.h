/* SPDX-License-Identifier: MIT */
/*
 * The host's side of one ring (abi/region.h, abi/ring_slow.h): takes its packets in order, copies them,
 * checks them, hands them on, and knows of every event that the guest produced what became of it. Works on
 * any memory, so that tests and benchmarks drive it with a producer in the same process.
 *
 * The guest is not trusted: its words are read once, positions and sizes are the host's own, work is bounded
 * by the size of the ring. What cannot be true costs the events concerned and is counted as
 * TRACE_LOST_DAMAGED.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "abi/region.h"
#include "lib/model/trace_info.h"
#include "host/collect/ring_scratch.h"
#include "host/collect/ring_walk.h"

/* Records in time order that were checked: a packet of the ring, or a part of one. */
struct ring_packet {
	uint8_t *buffer; /* RING_HEADROOM_BYTES free, `bytes` of records, RING_TAIL_BYTES free */
	uint32_t bytes;
	uint32_t events;
	uint32_t current_pid; /* the task that ran at begin_tsc */
	uint64_t begin_tsc;   /* not after the first record, not before the packet before */
	uint64_t end_tsc;     /* not before the last record */
	uint64_t lost;        /* all losses of this ring so far */
};

/* Returns 0, or a negative errno: the packet's events are then counted as TRACE_LOST_UNWRITTEN. */
typedef int ring_packet_fn(void *context, const struct ring_packet *packet);

struct ring_reader_options {
	const struct ht_ring *ring;        /* shared */
	const uint8_t *data;               /* shared: the ring's packets */
	uint32_t packet_bytes, nr_packets; /* checked by the caller */
	uint64_t *read_packets;            /* shared, written here; NULL: mode overwrite */
	const struct ht_region *region; /* shared; NULL, or the rings are given up when generation changes */
	uint64_t generation;
	const struct ring_walk_table *table;
	struct ring_scratch *scratch; /* for packets of packet_bytes at least */
	ring_packet_fn *packet;
	void *context;
};

struct ring_reader {
	struct ring_reader_options at;
	uint64_t next;      /* the packet to take next */
	uint64_t accounted; /* packets before this one are accounted for, and of this one ... */
	struct {
		uint32_t bytes; /* ... so much was taken while it was open (0: nothing) */
		uint32_t events;
		uint32_t pid;
		uint64_t tsc;
	} part;
	uint64_t events; /* of the guest's count: recorded or lost */
	uint64_t last_tsc;
	uint64_t margin; /* packets to keep away from the producer that lapped us */
	uint64_t open_packet, open_since_ns;
	uint64_t stuck_packet, stuck_since_ns;
	bool synced;      /* `events` is known */
	bool skipping;    /* what is taken is not recorded */
	bool gap_corrupt; /* since `events` a packet was given up that was no valid one */
	uint64_t recorded;
	uint64_t recorded_bytes;
	uint64_t lost[TRACE_LOST_CAUSES];
	uint64_t guest_lost_base[HT_LOST_CAUSES], guest_lost_base_sum;
	uint64_t packet_lost; /* the guest's losses as of the last packet */
};

enum ring_poll_flags {
	RING_POLL_OPEN = 1 << 0,  /* take what is visible of the open packet, too */
	RING_POLL_FINAL = 1 << 1, /* and do not wait for records that are on their way */
};

/* An open packet with content is taken after so long, so that a slow guest's events reach the disk. */
#define RING_OPEN_NS 500000000ull
/*
 * For so long a closed packet waits for records that an interrupt overtook: a vCPU may be out of CPU time
 * meanwhile.
 */
#define RING_GRACE_NS 1000000000ull

/* From the ring's first packet on: what was overwritten before now counts as lost. */
void ring_reader_init(struct ring_reader *reader, const struct ring_reader_options *options);

/* From now on: passes over what the ring holds. */
void ring_reader_skip(struct ring_reader *reader);

/* From where the wishes in force began. False: the guest does not say, or that is not in the ring any more. */
bool ring_reader_to_wishes(struct ring_reader *reader);

/* From the first packet that the host's read_packets says was not read: for a ring whose producer waits for us. */
void ring_reader_resume(struct ring_reader *reader);

/*
 * Takes what is there, at most a ring full. `now_ns` is any monotonic clock. Returns the number of packets of
 * the ring that were taken whole.
 */
unsigned ring_reader_poll(struct ring_reader *reader, uint64_t now_ns, unsigned flags);

/*
 * Reads the guest's own counts into lost[]; poll does not. recorded + the sum of lost[] is what the guest
 * produced.
 */
void ring_reader_count_lost(struct ring_reader *reader);
