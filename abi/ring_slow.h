/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The producer's slow path: changes of packet, long headers, large records. Runs on the ring's own CPU, with
 * interrupts off, by plain pointer; only an NMI can come between, and its records are then counted as lost.
 *
 * Environment, besides that of ring.h:
 *   HT_COMPILER_BARRIER(), HT_STORE(type, at, v)
 *   HT_STORE_RELEASE32(at, v), HT_STORE_RELEASE64(at, v)   as smp_store_release()
 *   HT_STORE_FENCE()            stores before it are seen before stores after it (x86: the compiler's only)
 *   HT_LOAD_ACQUIRE64(at)
 *   HT_ZERO(at, bytes)          bytes is a multiple of 8
 *   HT_COPY(to, from, bytes)
 *   HT_CURRENT_PID(), HT_IN_INTERRUPT()
 */
#ifndef HT_RING_SLOW_H
#define HT_RING_SLOW_H

/* Binds a producer to ring `ring` with `nr_packets` packets at `data`. `read_packets`: discard mode, else 0. */
static inline void ht_producer_init(struct ht_producer *p, struct ht_ring *ring, void *data, __u32 packet_bytes,
				    __u32 nr_packets, const __u64 *read_packets)
{
	__u32 i;

	/* What an earlier generation left must not look like this one's packet k, in the moment before it is zeroed. */
	for (i = 0; i < nr_packets; i++)
		HT_STORE(__u64, (__u8 *)data + (unsigned long)i * packet_bytes, 0);
	HT_ZERO(p, sizeof(*p));
	p->ring = ring;
	p->data = data;
	p->packet_bytes = packet_bytes;
	p->nr_packets = nr_packets;
	p->stale_bytes = packet_bytes;
	p->read_packets = read_packets;
}

/* An NMI only ever counts HT_LOST_NESTED here, and nothing else does: a plain load and store is enough. */
static inline void ht_producer_lost(struct ht_producer *p, enum ht_lost cause)
{
	HT_STORE(__u64, &p->ring->lost[cause], p->ring->lost[cause] + 1);
}

/* Closes the open packet, so that the host may take it. */
static inline void ht_producer_close(struct ht_producer *p, __u64 tsc)
{
	struct ht_packet *packet = p->packet;
	__u32 content_bytes, events;

	if (!packet)
		return;
	content_bytes = (__u32)((__u8 *)p->data + (__u32)p->state - (__u8 *)packet);
	/* Offset 0 is no record's: a reservation that this interrupted finds the state changed and starts again. */
	p->state &= ~0xffffffffull;
	events = (__u32)(p->state >> 32) - p->events_low;
	HT_STORE(__u64, &packet->end_tsc, tsc);
	HT_STORE(__u32, &packet->events, events);
	HT_STORE(__u32, &packet->flags, HT_IN_INTERRUPT() ? HT_PACKET_IN_FLIGHT : 0);
	/* pairs with the acquire load in the host's ring_reader_poll() */
	HT_STORE_RELEASE32(&packet->content_bytes, content_bytes);
	p->events += events;
	p->packet = 0;
}

/* Opens the next packet. Returns false when the host has not read the packet whose place it needs. */
static inline int ht_producer_open(struct ht_producer *p, __u64 tsc)
{
	struct ht_packet *packet;
	__u64 lost = 0;
	__u32 offset;
	int i;

	/* pairs with the release store after the host's copy: the copy is complete before the place is reused */
	if (p->read_packets && p->opened - HT_LOAD_ACQUIRE64(p->read_packets) >= p->nr_packets)
		return 0;
	offset = (__u32)(p->opened & (p->nr_packets - 1)) * p->packet_bytes;
	packet = (struct ht_packet *)(p->data + offset);
	p->opened++;
	/* The host must see that the old packet is going before any of its bytes change. */
	HT_STORE_RELEASE64(&p->ring->head, p->opened);
	HT_STORE_FENCE();
	HT_ZERO(packet, p->stale_bytes);
	for (i = 0; i < HT_LOST_CAUSES; i++)
		lost += p->ring->lost[i];
	HT_STORE(__u64, &packet->begin_tsc, tsc);
	HT_STORE(__u64, &packet->events_before, p->events);
	HT_STORE(__u32, &packet->current_pid, HT_CURRENT_PID());
	HT_STORE(__u64, &packet->lost, lost);
	p->events_low = (__u32)(p->state >> 32);
	p->state = (p->state & ~0xffffffffull) | (offset + (__u32)sizeof(*packet));
	p->packet = packet;
	/* pairs with the acquire load in the host's ring_reader_poll() */
	HT_STORE_RELEASE64(&packet->seq, p->opened);
	return 1;
}

/*
 * Writes one record with a long header: payload of `bytes`, then `tail_bytes` more from `tail` (the two parts of a
 * record with text). The caller has turned interrupts off. Returns 0, or -1 if the record was lost (and counted).
 */
static inline int ht_producer_write(struct ht_producer *p, __u32 id, const void *payload, __u32 bytes,
				    const void *tail, __u32 tail_bytes)
{
	__u32 need = HT_LONG_HEADER_BYTES + bytes + tail_bytes, offset;
	__u64 tsc;
	__u8 *at;

	if (p->busy) { /* an NMI in the slow path */
		ht_producer_lost(p, HT_LOST_NESTED);
		return -1;
	}
	p->busy = 1;
	p->end = 0; /* an NMI's records come here, too, from now on: nobody else changes state */
	HT_COMPILER_BARRIER();
	tsc = HT_TSC();
	if (need > p->packet_bytes - sizeof(struct ht_packet)) {
		ht_producer_lost(p, HT_LOST_OVERSIZE);
		goto out_lost;
	}
	if (!p->packet || (__u32)p->state + need > (__u32)((__u8 *)p->packet - p->data) + p->packet_bytes) {
		ht_producer_close(p, tsc);
		if (!ht_producer_open(p, tsc)) {
			ht_producer_lost(p, HT_LOST_FULL);
			goto out_lost;
		}
	}
	offset = (__u32)p->state;
	at = p->data + offset;
	p->state += HT_ONE_RECORD + need;
	p->long_due_tsc = tsc + HT_SHORT_TIME_SPAN;
	HT_COPY(at + 4, &tsc, 8);
	HT_COPY(at + 12, payload, bytes);
	if (tail_bytes)
		HT_COPY(at + 12 + bytes, tail, tail_bytes);
	HT_STORE(__u32, at, id << HT_ID_BITS);
	/* pairs with the acquire load of the id in the host's ring_walk() */
	HT_STORE_RELEASE8(at, (__u8)(id << HT_ID_BITS | HT_ID_LONG));
	HT_COMPILER_BARRIER();
	p->end = (__u32)((__u8 *)p->packet - p->data) + p->packet_bytes;
	HT_COMPILER_BARRIER();
	p->busy = 0;
	return 0;

out_lost:
	if (p->packet)
		p->end = (__u32)((__u8 *)p->packet - p->data) + p->packet_bytes;
	HT_COMPILER_BARRIER();
	p->busy = 0;
	return -1;
}

/* Closes the open packet, if it holds anything, so that the host takes it now. Interrupts are off. */
static inline void ht_producer_flush(struct ht_producer *p)
{
	if (p->busy)
		return;
	p->busy = 1;
	p->end = 0;
	HT_COMPILER_BARRIER();
	ht_producer_close(p, HT_TSC());
	HT_COMPILER_BARRIER();
	p->busy = 0;
}

#endif
