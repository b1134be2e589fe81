/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The ring's records and the producer that writes them. The reasoning, and what was rejected: docs/design/ring.md.
 *
 * A record, byte-aligned, little-endian, laid out as the trace's CTF 1.8 metadata describes it:
 *
 *   short header, 4 bytes    bits 0-4 event id (1..30), bits 5-31 the low 27 bits of the TSC
 *   long header, 12 bytes    bits 0-4 = 31, bits 5-31 event id, then the 64-bit TSC
 *   fields                   as in events.def
 *
 * Id 0 is "not visible yet": packets start zeroed, and the byte with the id is stored last. A short header is only used
 * within 2^27 TSC units after a long one in the same packet, and the first record of a packet is long.
 *
 * The producer runs on one CPU in nested contexts (task, softirq, irq, NMI). Its state is private to the guest; the
 * host sees only the data. Environment to be defined by the includer, all for the current CPU, none of them LOCKed:
 *
 *   HT_PRODUCER              type of the handle passed through
 *   HT_LOAD(p, field)        one load of p's field, atomic against this CPU's interrupts
 *   HT_AT_LEAST(p, field, v) v >= p's field, the field loaded once
 *   HT_ABOVE(p, field, v)    v > p's field, the field loaded once
 *   HT_PLUS(p, field, v)     p's field + v, the field loaded once
 *   HT_CAS(p, old, new)      p->state: old -> new, atomic against this CPU's interrupts; true if it was old
 *   HT_TSC()                 the time stamp counter, u64
 *   HT_STORE(type, at, v)    one plain store
 *   HT_STORE_RELEASE8(at, v) one byte, after all stores before it (x86: a plain store)
 *   HT_LIKELY, HT_UNLIKELY, HT_INLINE
 */
#ifndef HT_RING_H
#define HT_RING_H

#include <linux/types.h>

#define HT_SHORT_HEADER_BYTES 4
#define HT_LONG_HEADER_BYTES  12
#define HT_ID_BITS            5
#define HT_ID_MASK            31u
#define HT_ID_LONG            31u
#define HT_SHORT_TIME_BITS    27
#define HT_SHORT_TIME_SPAN    (1ull << HT_SHORT_TIME_BITS)
#define HT_MAX_EVENT_ID       4095 /* more than enough; a long header could hold 27 bits */

/*
 * One CPU's producer. `state` packs the number of records taken (high half, wraps) with the offset of the next free
 * byte of the ring's data (low half), so that one compare-and-swap reserves the bytes and counts the record: what was
 * recorded and what was lost add up exactly whatever interrupts whatever.
 */
struct ht_producer {
	__u64 state;
	__u64 long_due_tsc; /* from then on a record needs the long header */
	__u8 *data;         /* the ring's first packet */
	__u32 end;          /* offset after the open packet; 0: no short record now, ask the slow path */
	__u32 busy;         /* the slow path runs on this CPU */
	/* The rest belongs to the slow path. */
	struct ht_ring *ring;
	struct ht_packet *packet; /* the open one, or 0 */
	const __u64 *read_packets; /* discard mode: the host's position, else 0 */
	__u64 opened;             /* packets opened */
	__u64 events;             /* records taken when `packet` was opened */
	__u32 events_low;         /* high half of `state` when `packet` was opened */
	__u32 packet_bytes;
	__u32 nr_packets;
	__u32 stale_bytes;        /* how much of a packet must be zeroed when it is opened: all, or what was used */
};

#define HT_ONE_RECORD (1ull << 32)

#endif

#if defined(HT_PRODUCER) && !defined(HT_RING_WRITE)
#define HT_RING_WRITE

/*
 * Writes one record of event `id` (1..30, constant) with `bytes` (0..8, constant) of payload: those of `first`, low byte
 * first, or where `bytes` is 5 to 7 four of `first` and the others of `rest`.
 * Returns 0 when the slow path must write it instead (ht_producer_write() of ring_slow.h): the caller calls that out of
 * line, so that the common case keeps everything in registers.
 *
 * The time stamp is read between loading the state and swapping it: if the swap succeeds no nested record came
 * between, so the ring is in time order. If it fails, an interrupt wrote a record: read the time again.
 */
static HT_INLINE int ht_ring_write(HT_PRODUCER p, __u32 id, __u32 bytes, __u64 first, __u32 rest)
{
	__u64 old, new, tsc;
	__u32 head;
	__u8 *at;

	do {
		old = HT_LOAD(p, state);
		tsc = HT_TSC();
		new = old + HT_ONE_RECORD + HT_SHORT_HEADER_BYTES + bytes;
		if (HT_UNLIKELY(HT_AT_LEAST(p, long_due_tsc, tsc)) || HT_UNLIKELY(HT_ABOVE(p, end, (__u32)new)))
			return 0;
	} while (HT_UNLIKELY(!HT_CAS(p, old, new)));

	at = HT_PLUS(p, data, (__u32)old);
	head = (__u32)tsc << HT_ID_BITS;
	HT_STORE(__u32, at, head); /* id 0: still invisible, whatever the reader sees of it */
	switch (bytes) {
	case 1: HT_STORE(__u8, at + 4, first); break;
	case 2: HT_STORE(__u16, at + 4, first); break;
	case 3: HT_STORE(__u16, at + 4, first); HT_STORE(__u8, at + 6, first >> 16); break;
	case 4: HT_STORE(__u32, at + 4, first); break;
	case 5: HT_STORE(__u32, at + 4, first); HT_STORE(__u8, at + 8, rest); break;
	case 6: HT_STORE(__u32, at + 4, first); HT_STORE(__u16, at + 8, rest); break;
	case 7: HT_STORE(__u32, at + 4, first); HT_STORE(__u16, at + 8, rest); HT_STORE(__u8, at + 10, rest >> 16); break;
	case 8: HT_STORE(__u64, at + 4, first); break;
	}
	/* pairs with the acquire load of the id in the host's ring_walk() */
	HT_STORE_RELEASE8(at, (__u8)(head | id));
	return 1;
}

#endif
