/* SPDX-License-Identifier: MIT */
#include "host/collect/ring_reader.h"

#include <string.h>

#include "abi/ring.h"
#include "host/collect/ring_access.h"
#include "host/collect/ring_scan.h"

#define HEADER_BYTES ((uint32_t)sizeof(struct ht_packet))

_Static_assert((int)TRACE_LOST_FULL == HT_LOST_FULL && (int)TRACE_LOST_NESTED == HT_LOST_NESTED &&
		(int)TRACE_LOST_OVERSIZE == HT_LOST_OVERSIZE && (int)TRACE_LOST_PAIRING == HT_LOST_PAIRING &&
		(int)TRACE_LOST_OVERWRITTEN == HT_LOST_CAUSES,
	"the guest's causes come first, as it counts them");

enum taken {
	TAKEN,  /* the slot holds a copy that the producer did not touch meanwhile */
	WAIT,   /* not yet closed, or a record is on its way */
	LAPPED, /* overwritten meanwhile */
};

void ring_reader_init(struct ring_reader *reader, const struct ring_reader_options *options)
{
	*reader = (struct ring_reader){.at = *options, .synced = true};
}

static const struct ht_packet *shared_packet(const struct ring_reader *reader, uint64_t packet)
{
	const uint64_t slot = packet & (reader->at.nr_packets - 1);

	return (const struct ht_packet *)(reader->at.data + slot * reader->at.packet_bytes);
}

/* After a copy: was it the packet meant, from beginning to end? */
static bool still_there(const struct ring_reader *reader, uint64_t packet)
{
	const struct ht_region *region = reader->at.region;
	uint64_t head;

	/* The loads of the copy come before the loads that judge it. */
	ring_order_loads();
	/* pairs with the release store of head before the packet's memory is reused, in ht_producer_open() */
	head = ring_load64(&reader->at.ring->head);
	if (head <= packet || head - packet > reader->at.nr_packets)
		return false;
	return !region ||
		(ring_load64(&region->magic) == HT_MAGIC &&
			ring_load64(&region->generation) == reader->at.generation);
}

static uint32_t taken_bytes(const struct ring_reader *reader)
{
	return reader->part.bytes ? reader->part.bytes : HEADER_BYTES;
}

/* Does our copy of a header fit what this ring's earlier packets said? */
static bool plausible(const struct ring_reader *reader, const struct ht_packet *header, uint64_t packet)
{
	const uint64_t most = (reader->at.packet_bytes - HEADER_BYTES) / HT_SHORT_HEADER_BYTES;

	if (header->begin_tsc < reader->last_tsc && !reader->part.bytes)
		return false;
	if (!reader->synced)
		return true;
	if (reader->part.bytes)
		return header->events_before + reader->part.events == reader->events;
	return header->events_before >= reader->events &&
		header->events_before - reader->events <= (packet - reader->accounted) * most;
}

static bool closed_plausible(
	const struct ring_reader *reader, const struct ht_packet *header, uint64_t packet, uint32_t from)
{
	return header->content_bytes >= from && header->content_bytes <= reader->at.packet_bytes &&
		header->events <= (header->content_bytes - HEADER_BYTES) / HT_SHORT_HEADER_BYTES &&
		header->events >= (reader->part.bytes ? reader->part.events : 0) &&
		header->end_tsc >= header->begin_tsc && header->end_tsc >= reader->last_tsc &&
		plausible(reader, header, packet);
}

static void copy_records(struct ring_slot *slot, const struct ht_packet *shared, uint32_t from, uint32_t to)
{
	slot->from = from;
	slot->to = to > from ? to : from;
	ring_copy(slot->buffer + RING_HEADROOM_BYTES, (const uint8_t *)shared + from, slot->to - from);
}

/* Has a record been on its way for longer than an interrupt can last? */
static bool grace_is_over(struct ring_reader *reader, uint64_t packet, uint64_t now_ns, unsigned flags)
{
	if (reader->stuck_packet != packet + 1) {
		reader->stuck_packet = packet + 1;
		reader->stuck_since_ns = now_ns;
	}
	return (flags & RING_POLL_FINAL) || now_ns - reader->stuck_since_ns >= RING_GRACE_NS;
}

/* Copies packet number `packet` if it is closed. `head` was read before; `from`: how much of it was taken already. */
static enum taken copy_closed(struct ring_reader *reader, struct ring_slot *slot, uint64_t packet,
	uint64_t head, uint32_t from, uint64_t now_ns, unsigned flags)
{
	const struct ht_packet *shared = shared_packet(reader, packet);
	uint64_t seq = ring_load64(&shared->seq); /* pairs with the release store in ht_producer_open() */
	uint32_t content, end;

	/* pairs with the release store in ht_producer_close() */
	content = seq == packet + 1 ? ring_load32(&shared->content_bytes) : 0;
	if (content == 0) {
		if (!still_there(reader, packet))
			return LAPPED;
		/* The next one was opened, so this one had been closed, if the guest was honest. */
		slot->bad = packet + 1 < head;
		return slot->bad ? TAKEN : WAIT;
	}
	ring_copy(&slot->header, shared, sizeof(slot->header));
	slot->header.content_bytes = content;
	end = content <= reader->at.packet_bytes ? content : 0;
	if (end > from && (slot->header.flags & HT_PACKET_IN_FLIGHT)) {
		uint32_t visible = ring_scan(reader->at.table, (const uint8_t *)shared, from, end);

		if (visible < end && !grace_is_over(reader, packet, now_ns, flags))
			return still_there(reader, packet) ? WAIT : LAPPED;
		end = visible;
	}
	copy_records(slot, shared, from, end);
	if (!still_there(reader, packet))
		return LAPPED;
	slot->bad = 0;
	return TAKEN;
}

/* Counts what lies between the last accounted event and the record number `before`. */
static void count_gap(struct ring_reader *reader, uint64_t before)
{
	if (reader->synced)
		reader->lost[reader->gap_corrupt ? TRACE_LOST_DAMAGED : TRACE_LOST_OVERWRITTEN] +=
			before - reader->events;
	reader->events = before;
	reader->synced = true;
	reader->gap_corrupt = false;
}

/* Hands checked records on. */
static void hand_on(struct ring_reader *reader, const struct ring_slot *slot, const struct ring_walk *walk,
	uint64_t begin_tsc, uint64_t end_tsc, uint32_t pid)
{
	struct ring_packet packet = {
		.buffer = slot->buffer,
		.bytes = (uint32_t)(walk->at - (slot->buffer + RING_HEADROOM_BYTES)),
		.events = walk->events,
		.current_pid = pid,
		.begin_tsc = begin_tsc,
		.end_tsc = end_tsc,
	};

	if (slot->header.lost - reader->guest_lost_base_sum > reader->packet_lost &&
		slot->header.lost > reader->guest_lost_base_sum)
		reader->packet_lost = slot->header.lost - reader->guest_lost_base_sum;
	if (reader->skipping || walk->events == 0)
		return;
	packet.lost = reader->packet_lost;
	for (unsigned cause = HT_LOST_CAUSES; cause < TRACE_LOST_CAUSES; cause++)
		packet.lost += reader->lost[cause];
	if (reader->at.packet(reader->at.context, &packet)) {
		reader->lost[TRACE_LOST_UNWRITTEN] += walk->events;
		return;
	}
	reader->recorded += walk->events;
	reader->recorded_bytes += packet.bytes;
}

/* Nothing of this packet can be believed. What it held is seen in the next one's events_before. */
static void give_up(struct ring_reader *reader)
{
	reader->gap_corrupt = true;
	reader->part.bytes = 0;
	reader->next++;
}

/* One closed packet, copied and walked. */
static void finish(struct ring_reader *reader, const struct ring_slot *slot, const struct ring_walk *walk)
{
	const struct ht_packet *header = &slot->header;
	const bool rest = reader->part.bytes != 0;
	const uint32_t already = rest ? reader->part.events : 0;
	enum trace_lost cause = TRACE_LOST_DAMAGED;
	uint32_t claimed;

	if (slot->bad || !closed_plausible(reader, header, reader->next, slot->from))
		return give_up(reader);
	claimed = header->events - already;
	count_gap(reader, header->events_before + already);
	if (walk->events > claimed || walk->tsc > header->end_tsc) {
		reader->lost[TRACE_LOST_DAMAGED] += reader->skipping ? 0 : claimed;
	} else {
		hand_on(reader, slot, walk, rest ? reader->part.tsc : header->begin_tsc, header->end_tsc,
			rest ? reader->part.pid : header->current_pid);
		if (walk->status == RING_WALK_WHOLE && slot->to < header->content_bytes)
			cause = TRACE_LOST_TORN;
		if (!reader->skipping)
			reader->lost[cause] += claimed - walk->events;
	}
	reader->events = header->events_before + header->events;
	reader->last_tsc = header->end_tsc;
	reader->part.bytes = 0;
	reader->accounted = ++reader->next;
}

static struct ring_walk walk_of(const struct ring_reader *reader, const struct ring_slot *slot)
{
	const uint8_t *records = slot->buffer + RING_HEADROOM_BYTES;
	const bool rest = slot->from > HEADER_BYTES;

	return (struct ring_walk){
		.at = records,
		.end = records + (slot->bad ? 0 : slot->to - slot->from),
		.tsc = rest ? reader->part.tsc : slot->header.begin_tsc,
		.pid = rest ? reader->part.pid : slot->header.current_pid,
	};
}

/*
 * The producer came round: continue with the oldest packet that is left, the farther from it the more often
 * it did.
 */
static void skip_lapped(struct ring_reader *reader, uint64_t head)
{
	const uint64_t nr_packets = reader->at.nr_packets;

	if (head - reader->next <= nr_packets)
		return;
	reader->next =
		head - nr_packets + (reader->margin < nr_packets / 2 ? reader->margin : nr_packets / 2);
	reader->part.bytes = 0;
	reader->margin = reader->margin ? reader->margin * 2 : 1;
	if (reader->margin > nr_packets)
		reader->margin = nr_packets;
}

/* A batch of closed packets. Returns how many; *again: there may be more. */
static unsigned take_batch(struct ring_reader *reader, uint64_t now_ns, unsigned flags, bool *again)
{
	struct ring_scratch *scratch = reader->at.scratch;
	struct ring_walk walks[RING_SLOTS_MAX];
	uint64_t head =
		ring_load64(&reader->at.ring->head); /* pairs with the release store in ht_producer_open() */
	unsigned count = 0;
	enum taken taken = TAKEN;

	*again = false;
	if (head <= reader->next)
		return 0;
	skip_lapped(reader, head);
	while (count < scratch->count && reader->next + count < head) {
		struct ring_slot *slot = &scratch->slots[count];
		uint32_t from = count ? HEADER_BYTES : taken_bytes(reader);

		taken = copy_closed(reader, slot, reader->next + count, head, from, now_ns, flags);
		if (taken != TAKEN)
			break;
		walks[count] = walk_of(reader, slot);
		count++;
	}
	/* What is copied may be overwritten. Pairs with the acquire load in ht_producer_open(). */
	if (reader->at.read_packets && count)
		ring_store64(reader->at.read_packets, reader->next + count);
	ring_walk(reader->at.table, walks, count);
	for (unsigned i = 0; i < count; i++)
		finish(reader, &scratch->slots[i], &walks[i]);
	*again = count == scratch->count ||
		(taken == LAPPED &&
			ring_load64(&reader->at.ring->head) - reader->next > reader->at.nr_packets);
	if (count && taken != LAPPED)
		reader->margin /= 2;
	return count;
}

/* What is visible of the open packet, if that is the next. */
static void take_open(struct ring_reader *reader)
{
	const uint64_t packet = reader->next;
	const struct ht_packet *shared = shared_packet(reader, packet);
	struct ring_slot *slot = &reader->at.scratch->slots[0];
	const uint32_t from = taken_bytes(reader);
	uint32_t visible;
	struct ring_walk walk;

	if (ring_load64(&reader->at.ring->head) != packet + 1 || ring_load64(&shared->seq) != packet + 1 ||
		ring_load32(&shared->content_bytes) != 0)
		return;
	visible = ring_scan(reader->at.table, (const uint8_t *)shared, from, reader->at.packet_bytes);
	/* without records only a reader that does not know the count yet needs the header */
	if (visible == from && reader->synced)
		return;
	ring_copy(&slot->header, shared, sizeof(slot->header));
	copy_records(slot, shared, from, visible);
	slot->bad = 0;
	if (!still_there(reader, packet) || !plausible(reader, &slot->header, packet))
		return;
	walk = walk_of(reader, slot);
	ring_walk_tasks(reader->at.table, &walk);
	if (walk.events == 0 && reader->synced)
		return;
	if (!reader->part.bytes) {
		count_gap(reader, slot->header.events_before);
		reader->part.events = 0;
		reader->part.tsc = slot->header.begin_tsc;
		reader->part.pid = slot->header.current_pid;
		reader->accounted = packet;
	}
	hand_on(reader, slot, &walk, reader->part.tsc, walk.tsc, reader->part.pid);
	reader->part.bytes = from + (uint32_t)(walk.at - (slot->buffer + RING_HEADROOM_BYTES));
	reader->part.events += walk.events;
	reader->part.tsc = walk.tsc;
	reader->part.pid = walk.pid;
	reader->events += walk.events;
	reader->last_tsc = walk.tsc;
}

/* Has the packet that is next been open for long? */
static bool open_is_due(struct ring_reader *reader, uint64_t now_ns)
{
	if (reader->open_packet != reader->next + 1) {
		reader->open_packet = reader->next + 1;
		reader->open_since_ns = now_ns;
	}
	if (now_ns - reader->open_since_ns < RING_OPEN_NS)
		return false;
	reader->open_since_ns = now_ns;
	return true;
}

unsigned ring_reader_poll(struct ring_reader *reader, uint64_t now_ns, unsigned flags)
{
	unsigned count = 0;
	bool again = true;

	/* each turn takes a packet, or was lapped and jumps ahead: a ring full of either is enough for one poll */
	for (uint32_t turns = 0; again && count < reader->at.nr_packets && turns <= reader->at.nr_packets;
		turns++)
		count += take_batch(reader, now_ns, flags, &again);
	if (open_is_due(reader, now_ns) || (flags & RING_POLL_OPEN))
		take_open(reader);
	return count;
}

static void set_lost_base(struct ring_reader *reader, unsigned cause, uint64_t lost)
{
	reader->guest_lost_base[cause] = lost;
	reader->guest_lost_base_sum += lost;
}

bool ring_reader_to_wishes(struct ring_reader *reader)
{
	const struct ht_ring *ring = reader->at.ring;
	const uint64_t head = ring_load64(&ring->head);
	/* pairs with the release store in the module's begin_wishes() */
	const uint64_t packet = ring_load64(&ring->wishes_packet) - 1;

	if (packet > head || head - packet > reader->at.nr_packets)
		return false;
	for (unsigned i = 0; i < HT_LOST_CAUSES; i++)
		set_lost_base(reader, i, ring_load64(&ring->wishes_lost[i]));
	reader->next = reader->accounted = packet;
	reader->synced = packet == 0;
	if (reader->at.read_packets)
		ring_store64(reader->at.read_packets, packet);
	return true;
}

void ring_reader_skip(struct ring_reader *reader)
{
	uint64_t head = ring_load64(&reader->at.ring->head);

	for (unsigned i = 0; i < HT_LOST_CAUSES; i++)
		set_lost_base(reader, i, ring_load64(&reader->at.ring->lost[i]));
	if (head == 0) { /* a position that another recorder left would let the producer wait for ever */
		if (reader->at.read_packets)
			ring_store64(reader->at.read_packets, 0);
		return;
	}
	reader->next = reader->accounted = head - 1;
	reader->synced = false;
	reader->skipping = true;
	ring_reader_poll(reader, 0, RING_POLL_OPEN | RING_POLL_FINAL);
	reader->skipping = false;
	memset(reader->lost, 0, sizeof(reader->lost));
	if (reader->at.read_packets)
		ring_store64(reader->at.read_packets, reader->next);
}

void ring_reader_resume(struct ring_reader *reader)
{
	uint64_t head = ring_load64(&reader->at.ring->head), read = ring_load64(reader->at.read_packets);

	/* the position is of another generation if the guest cannot have written so much, or would have waited */
	if (read > head || head - read > reader->at.nr_packets)
		read = 0;
	reader->next = reader->accounted = read;
	reader->synced = read == 0;
	ring_store64(reader->at.read_packets, read);
}

void ring_reader_count_lost(struct ring_reader *reader)
{
	for (unsigned i = 0; i < HT_LOST_CAUSES; i++) {
		uint64_t lost = ring_load64(&reader->at.ring->lost[i]);

		if (lost >= reader->guest_lost_base[i] && lost - reader->guest_lost_base[i] > reader->lost[i])
			reader->lost[i] = lost - reader->guest_lost_base[i];
	}
}
