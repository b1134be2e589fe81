// SPDX-License-Identifier: GPL-2.0-only
/* The per-CPU rings and the names ring: where they lie in the region, and the way into them but for the fast path. */
#include <linux/cpu.h>
#include <linux/log2.h>
#include <linux/smp.h>
#include <linux/ktime.h>
#include <linux/utsname.h>
#include "hypertrace.h"
#include "abi/ring_slow.h"

DEFINE_PER_CPU(struct ht_producer, ht_producers);

static struct ht_producer names_producer;

/*
 * May the rings be written? Probes are unregistered while they may not, but a marker's writer or a CPU's notifier may
 * come at any time. Read with preemption off, so that synchronize_rcu() after clearing it waits for all who saw it set.
 */
static bool writable;

static void make_unwritable(void)
{
	WRITE_ONCE(writable, false);
	synchronize_rcu();
}

struct geometry {
	u32 nr_rings, nr_packets, packet_bytes;
	u64 rings_offset, data_offset;
};

/* Where the rings and their packets lie, with a page for each vCPU before them or without. */
static int place(struct geometry *g, u32 nr_vcpus, u64 *per_ring)
{
	g->rings_offset = HT_VCPUS_OFFSET + (u64)nr_vcpus * HT_PAGE_BYTES;
	g->data_offset = ALIGN(g->rings_offset + g->nr_rings * sizeof(struct ht_ring), HT_PAGE_BYTES);
	if (ht_map.bytes <= g->data_offset)
		return -ENOSPC;
	*per_ring = div_u64(ht_map.bytes - g->data_offset, g->nr_rings);
	*per_ring = min_t(u64, *per_ring, 1u << 30); /* offsets within a ring are 32 bits */
	return *per_ring < HT_MIN_PACKETS * HT_MIN_PACKET_BYTES ? -ENOSPC : 0;
}

/* Fills what the host left open: packets of a 16th of a ring, 4 to 64 KiB, as many as fit. */
static int plan(const struct ht_control *control, struct geometry *g)
{
	u64 per_ring;
	u32 fitting;
	int err;

	g->nr_rings = nr_cpu_ids + 1;
	if (nr_cpu_ids > HT_MAX_CPUS)
		return -E2BIG;
	err = place(g, nr_cpu_ids, &per_ring);
	if (err) /* rings come first */
		err = place(g, 0, &per_ring);
	if (err)
		return err;
	g->packet_bytes = control->packet_bytes;
	if (!g->packet_bytes)
		g->packet_bytes = clamp_t(u64, rounddown_pow_of_two(per_ring / 16), HT_MIN_PACKET_BYTES, 64 << 10);
	if (!is_power_of_2(g->packet_bytes) || g->packet_bytes < HT_MIN_PACKET_BYTES ||
	    g->packet_bytes > HT_MAX_PACKET_BYTES)
		return -EINVAL;
	if (per_ring / g->packet_bytes < HT_MIN_PACKETS)
		return -ENOSPC;
	fitting = min_t(u64, rounddown_pow_of_two(per_ring / g->packet_bytes), HT_MAX_PACKETS);
	g->nr_packets = control->nr_packets ?: fitting;
	if (!is_power_of_2(g->nr_packets) || g->nr_packets < HT_MIN_PACKETS)
		return -EINVAL;
	return g->nr_packets <= fitting ? 0 : -ENOSPC;
}

u32 ht_rings_vcpus(void)
{
	return (ht_map.region->rings_offset - HT_VCPUS_OFFSET) / HT_PAGE_BYTES;
}

/* Do the rings already have the mode and the geometry asked for? */
bool ht_rings_fit(const struct ht_control *control)
{
	const struct ht_region *region = ht_map.region;
	struct geometry g;

	return region->state == HT_STATE_RUNNING && region->mode == control->mode && !plan(control, &g) &&
	       g.packet_bytes == region->packet_bytes && g.nr_packets == region->nr_packets;
}

/* Could the rings be started so? Changes nothing. */
int ht_rings_check(const struct ht_control *control)
{
	struct geometry g;

	return plan(control, &g);
}

static void sample_clocks(struct ht_clock_sample *sample)
{
	unsigned long flags;

	local_irq_save(flags);
	sample->tsc = rdtsc_ordered();
	sample->monotonic_ns = ktime_get_mono_fast_ns();
	sample->boottime_ns = ktime_get_boot_fast_ns();
	sample->realtime_ns = ktime_get_real_fast_ns();
	local_irq_restore(flags);
}

static void place_rings(const struct ht_control *control, const struct geometry *g)
{
	struct ht_ring *rings = ht_map.base + g->rings_offset;
	u8 *data = ht_map.base + g->data_offset;
	u32 i;

	memset(rings, 0, g->nr_rings * sizeof(*rings));
	/* the host's, but whoever wrote them before this module came is not known; the host writes them again */
	memset(ht_map.base + HT_VCPUS_OFFSET, 0, g->rings_offset - HT_VCPUS_OFFSET);
	for (i = 0; i < g->nr_rings; i++) {
		struct ht_producer *p = i < nr_cpu_ids ? per_cpu_ptr(&ht_producers, i) : &names_producer;
		bool wait = control->mode == HT_MODE_DISCARD || i == nr_cpu_ids;

		/* per_cpu_ptr() of an impossible CPU is not valid: its ring stays empty */
		if (i < nr_cpu_ids && !cpu_possible(i))
			continue;
		ht_producer_init(p, &rings[i], data + (u64)i * g->nr_packets * g->packet_bytes, g->packet_bytes,
				 g->nr_packets, wait ? &ht_map.host->read_packets[i] : NULL);
	}
}

/* Starts all rings anew. No probe may be registered. */
int ht_rings_start(const struct ht_control *control)
{
	/* without a region: a packet to a ring, in no place that the header could name */
	struct geometry g = { .nr_rings = nr_cpu_ids + 1, .nr_packets = 1, .packet_bytes = HT_PAGE_BYTES };
	struct ht_region *region = ht_map.region;
	int err = ht_batches ? ht_batches_init(&names_producer) : plan(control, &g);

	if (err) {
		pr_err("region of %zu bytes, %u rings: packets %u of %u bytes do not fit or are no powers of two (%d)\n",
		       ht_map.bytes, nr_cpu_ids + 1, control->nr_packets, control->packet_bytes, err);
		return err;
	}
	make_unwritable();
	WRITE_ONCE(region->magic, 0); /* the host sees no half-made header */
	smp_wmb();
	memset((void *)region + sizeof(region->magic), 0, sizeof(*region) - sizeof(region->magic));
	if (!ht_batches)
		place_rings(control, &g);
	region->abi_version = HT_ABI_VERSION;
	region->header_bytes = sizeof(*region);
	region->region_bytes = ht_map.bytes;
	region->nested_parts = ht_nested_parts();
	region->nr_rings = g.nr_rings;
	region->nr_packets = g.nr_packets;
	region->packet_bytes = g.packet_bytes;
	region->mode = control->mode;
	region->rings_offset = g.rings_offset;
	region->data_offset = g.data_offset;
	region->tsc_khz = tsc_khz;
	sample_clocks(&region->clock_first);
	region->generation = region->clock_first.tsc ^ region->clock_first.realtime_ns;
	ht_symbols_find_text(region);
	strscpy(region->release, init_utsname()->release, sizeof(region->release));
	strscpy(region->version, init_utsname()->version, sizeof(region->version));
	strscpy(region->hostname, init_utsname()->nodename, sizeof(region->hostname));
	region->state = HT_STATE_RUNNING;
	WRITE_ONCE(writable, true);
	/* pairs with the acquire load in the host's region_check() */
	smp_store_release(&region->magic, HT_MAGIC);
	return 0;
}

/* No probe may be registered. What is in the rings stays there for the host. */
void ht_rings_stop(enum ht_state state)
{
	ht_flush_all_cpus();
	make_unwritable();
	ht_names_flush();
	ht_set_state(state, "");
}

void ht_record_slow(u32 id, u32 bytes, u64 first, u32 rest)
{
	u64 payload = bytes > 4 && bytes < 8 ? (u64)rest << 32 | (u32)first : first;

	ht_write(id, &payload, bytes, NULL, 0);
}

/* Any record, on this CPU's ring. Returns 0, or -1: lost and counted. Any context. */
int ht_write(u32 id, const void *payload, u32 bytes, const void *tail, u32 tail_bytes)
{
	unsigned long flags;
	int err = -1;

	raw_local_irq_save(flags);
	if (likely(READ_ONCE(writable)))
		err = ht_batches ? ht_batch_write(id, payload, bytes, tail, tail_bytes) :
				   ht_producer_write(this_cpu_ptr(&ht_producers), id, payload, bytes, tail, tail_bytes);
	raw_local_irq_restore(flags);
	return err;
}

#define TEXT_FIXED_MAX 64

/* A record whose last field is text: `payload` is what stands before its length. */
int ht_write_text(u32 id, const void *payload, u32 bytes, const char *text)
{
	u8 fixed[TEXT_FIXED_MAX];
	u16 length = strnlen(text, 2048);

	if (WARN_ON_ONCE(bytes + sizeof(length) > sizeof(fixed)))
		return -1;
	memcpy(fixed, payload, bytes);
	memcpy(fixed + bytes, &length, sizeof(length));
	return ht_write(id, fixed, bytes + sizeof(length), text, length);
}

void ht_lost(enum ht_lost cause)
{
	this_cpu_ptr(&ht_producers)->ring->lost[cause]++;
}

void ht_flush_this_cpu(void)
{
	unsigned long flags;

	raw_local_irq_save(flags);
	if (!READ_ONCE(writable))
		; /* nothing was written since */
	else if (ht_batches)
		ht_batch_flush();
	else
		ht_producer_flush(this_cpu_ptr(&ht_producers));
	raw_local_irq_restore(flags);
}

/*
 * One record for the names ring, `text` behind `payload` unless NULL. Only the names work calls this; it may sleep.
 * Returns false if the ring is full: the host has not read it yet.
 */
bool ht_names_write(u32 id, const void *payload, u32 bytes, const char *text)
{
	struct ht_producer *p = &names_producer;
	u8 fixed[TEXT_FIXED_MAX];
	u32 need = HT_LONG_HEADER_BYTES + bytes;
	u16 length = 0;

	memcpy(fixed, payload, bytes);
	if (text) {
		length = strnlen(text, p->packet_bytes / 2);
		memcpy(fixed + bytes, &length, sizeof(length));
		bytes += sizeof(length);
		need += sizeof(length) + length;
	}
	if (ht_batches && p->packet && (u32)p->state + need > p->packet_bytes)
		ht_batch_flush_names(p);
	/* the same questions as ht_producer_write()'s, asked before, so that waiting does not count as a loss */
	if ((!p->packet || (u32)p->state + need > (u32)((u8 *)p->packet - p->data) + p->packet_bytes) &&
	    p->opened - smp_load_acquire(p->read_packets) >= p->nr_packets)
		return false;
	return !ht_producer_write(p, id, fixed, bytes, text, length);
}

static void flush_on_cpu(void *unused)
{
	ht_flush_this_cpu();
}

void ht_flush_all_cpus(void)
{
	on_each_cpu(flush_on_cpu, NULL, 1);
}

/* What this CPU records from here on goes by the wishes that are now in force. */
static void begin_wishes(struct ht_producer *p)
{
	struct ht_ring *ring = p->ring;

	if (!READ_ONCE(writable) || !ring)
		return;
	ht_producer_flush(p);
	memcpy(ring->wishes_lost, ring->lost, sizeof(ring->wishes_lost));
	/* pairs with the acquire load in the host's ring_reader_skip() */
	smp_store_release(&ring->wishes_packet, p->opened + 1);
}

static void begin_wishes_here(void *unused)
{
	begin_wishes(this_cpu_ptr(&ht_producers));
}

void ht_rings_begin_wishes(void)
{
	unsigned int cpu;

	cpus_read_lock();
	on_each_cpu(begin_wishes_here, NULL, 1);
	for_each_possible_cpu(cpu)
		if (!cpu_online(cpu))
			begin_wishes(per_cpu_ptr(&ht_producers, cpu));
	cpus_read_unlock();
}

/* The names that follow are all there are: nobody writes names meanwhile. */
void ht_names_begin(void)
{
	if (!ht_batches)
		begin_wishes(&names_producer);
}

void ht_names_flush(void)
{
	if (ht_batches)
		ht_batch_flush_names(&names_producer);
	else
		ht_producer_flush(&names_producer);
}

void ht_set_state(enum ht_state state, const char *message)
{
	struct ht_region *region = ht_map.region;

	if (message[0])
		strscpy(region->message, message, sizeof(region->message));
	/* pairs with the acquire load in the host's region_state() */
	smp_store_release(&region->state, state);
}
