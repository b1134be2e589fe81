/* SPDX-License-Identifier: MIT */
#include "host/collect/collector_ring.h"

#include <string.h>

static uint64_t read_head(const struct collector_ring *ring)
{
	return __atomic_load_n(ring->head, __ATOMIC_ACQUIRE);
}

static void give_back(struct collector_ring *ring)
{
	/* what we copied is out of the slots; pairs with the load in reserve() of collector.bpf.c */
	__atomic_store_n(ring->tail, ring->next, __ATOMIC_RELEASE);
}

void collector_ring_init(struct collector_ring *ring, const struct collector_record *slots, uint32_t nr_slots,
	const __u64 *head, __u64 *tail)
{
	*ring = (struct collector_ring){.slots = slots, .nr_slots = nr_slots, .head = head, .tail = tail};
	ring->next = read_head(ring);
	give_back(ring);
}

/* Copies the slot at `position` if it is filled. */
static bool read_slot(const struct collector_ring *ring, uint64_t position, struct collector_record *record)
{
	const struct collector_record *slot = &ring->slots[position & (ring->nr_slots - 1)];

	/* pairs with publish() of collector.bpf.c */
	if (__atomic_load_n(&slot->seq, __ATOMIC_ACQUIRE) != (uint32_t)position + 1)
		return false;
	memcpy(record, slot, sizeof(*record));
	return true;
}

/* The slots of a record by its type; 0: it is none, or no first slot. */
static uint32_t slots_of(uint8_t type)
{
	if (type == COLLECTOR_HYPERCALL)
		return 2;
	return type >= COLLECTOR_EXIT && type <= COLLECTOR_THREAD_END && type != COLLECTOR_MORE;
}

static void skip(struct collector_ring *ring, uint64_t slots)
{
	ring->damaged += slots;
	ring->next += slots;
	ring->stuck_since_ns = 0;
}

/* The next slot is not filled, or its second is not. Is it to be waited for? */
static bool wait_more(struct collector_ring *ring, uint64_t now_ns)
{
	if (!ring->stuck_since_ns)
		ring->stuck_since_ns = now_ns;
	return now_ns - ring->stuck_since_ns < COLLECTOR_STUCK_NS;
}

/* 1: taken; 0: not there yet; -1: passed over. */
static int take_one(
	struct collector_ring *ring, uint64_t head, struct collector_event *event, uint64_t now_ns)
{
	struct collector_record more;
	uint32_t slots;

	if (!read_slot(ring, ring->next, &event->record)) {
		if (wait_more(ring, now_ns))
			return 0;
		skip(ring, 1);
		return -1;
	}
	slots = slots_of(event->record.type);
	if (slots == 2 &&
		(head - ring->next < 2 || !read_slot(ring, ring->next + 1, &more) ||
			more.type != COLLECTOR_MORE))
		slots = 0; /* the second is filled first: it is not on its way */
	if (!slots) {
		skip(ring, 1);
		return -1;
	}
	if (slots == 2)
		memcpy(event->more, more.words, sizeof(event->more));
	ring->next += slots;
	ring->stuck_since_ns = 0;
	return 1;
}

size_t collector_ring_take(
	struct collector_ring *ring, struct collector_event *events, size_t max, uint64_t now_ns)
{
	const uint64_t head = read_head(ring);
	size_t count = 0;
	int taken = 1;

	if (head - ring->next > ring->nr_slots) { /* no program does that */
		skip(ring, head - ring->next);
		give_back(ring);
		return 0;
	}
	while (count < max && ring->next != head && (taken = take_one(ring, head, &events[count], now_ns)))
		count += taken > 0;
	give_back(ring);
	return count;
}

unsigned collector_ring_fill(const struct collector_ring *ring)
{
	const uint64_t used = read_head(ring) - ring->next;

	return used > ring->nr_slots ? 1000 : (unsigned)(used * 1000 / ring->nr_slots);
}
