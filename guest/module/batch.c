// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channel hypercall: where guest and host share no memory, a CPU's records gather in one packet of its own, which a
 * hypercall shows to the host when the batch is full. The encoding and the producer are the rings'; only what happens to
 * a packet differs.
 *
 * A batch is flushed when it has as many records as were asked for, when its page is full, when its CPU goes idle or
 * offline, ten times a second, and at panic, reboot and unload; where a CPU or the kernel goes down, every record is then
 * flushed by itself, because nobody knows which one will be the last.
 *
 * The fast path knows nothing of it: a short record takes at least SHORTEST bytes, so that `end` keeps it from taking more
 * records than the batch has room for, and the last of a batch always comes by the slow path.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/timer.h>
#include <linux/tracepoint.h>
#include <trace/events/power.h>
#include "hypertrace.h"
#include "abi/ring_slow.h"

static unsigned int batch_size = 10;
module_param_named(batch, batch_size, uint, 0644);
MODULE_PARM_DESC(batch, "Channel hypercall: records to a batch (0: as many as a page holds)");

/* Two events of timers have 4 bytes; each comes behind one of 12, so that a batch is no larger for them. */
#define SHORTEST     5u
#define BATCH_BYTES  HT_PAGE_BYTES
#define BATCH_MAX    1024u /* more than a page holds */
#define FLUSH_PERIOD (HZ / 10)
/* Every so many batches one goes by its page, even if registers could hold it: that one brings a clock point. */
#define PAGE_EVERY   16

struct batch {
	struct ht_ring ring; /* the counts that a region would hold */
	u64 flushed;         /* packets that the host has: the producer's read_packets */
	u64 returned_tsc;
	u64 lost_said;
	struct ht_packet *packet;
	phys_addr_t address;
	struct timer_list timer;
	u32 cpu; /* HT_FLUSH_NAMES: the names' */
	u16 sequence;
	bool alone; /* its CPU goes down: every record by itself */
};

static DEFINE_PER_CPU(struct batch, batches);
static struct batch names_batch;
static bool ending; /* the kernel goes down: every record by itself, on every CPU */
static struct tracepoint *cpu_idle;
static bool running;

/* Sizes of a record's fields in bits, by id; and which have text behind them. */
#define MAX_ID 64
#define U(name, bits) + (bits)
#define S(name, bits) + (bits)
#define X(name, bits) + (bits)
#define K(name, bits) + (bits)
#define C(name)       + 128
#define T(name)       + 16
#define B(name)       + 16
static const u16 fixed_bits[MAX_ID] = {
#define HT_LAYOUT(id, identifier, name, group, ...) [id] = 0 __VA_ARGS__,
#include "abi/events.def"
};
#undef U
#undef S
#undef X
#undef K
#undef C
#undef T
#undef B
#define U(name, bits)
#define S(name, bits)
#define X(name, bits)
#define K(name, bits)
#define C(name)
#define T(name) + 1
#define B(name) + 1
static const u8 has_text[MAX_ID] = {
#define HT_LAYOUT(id, identifier, name, group, ...) [id] = 0 __VA_ARGS__,
#include "abi/events.def"
};
#undef U
#undef S
#undef X
#undef K
#undef C
#undef T
#undef B

/* Is there a record in the packet, open or closed, that whoever we interrupted has not finished? */
static bool has_hole(const struct batch *b, const struct ht_producer *p)
{
	const u8 *at = (const u8 *)(b->packet + 1), *end = p->data + (p->packet ? (u32)p->state : b->packet->content_bytes);

	while (at < end) {
		u32 head = READ_ONCE(*(const u32 *)at), id = head & HT_ID_MASK;
		u16 length;

		if (!id)
			return true;
		at += id == HT_ID_LONG ? HT_LONG_HEADER_BYTES : HT_SHORT_HEADER_BYTES;
		id = id == HT_ID_LONG ? head >> HT_ID_BITS : id;
		if (WARN_ON_ONCE(id >= MAX_ID))
			return false;
		at += fixed_bits[id] / 8;
		if (has_text[id]) {
			memcpy(&length, at - sizeof(length), sizeof(length));
			at += length;
		}
	}
	return false;
}

static void send_registers(struct batch *b, u32 bytes)
{
	const struct ht_packet *packet = b->packet;
	u64 words[HT_EVENTS_MAX_BYTES / 8];

	/* what follows the records is zero: see send() */
	memcpy(words, packet + 1, sizeof(words));
	ht_hypercall(HT_HYPERCALL_EVENTS, (packet->current_pid & 0x3fffff) | bytes << 22 | packet->events << 27 |
		     (u64)b->cpu << 32 | (u64)b->sequence << 48, words[0], words[1], words[2]);
}

static void send_page(struct batch *b, u32 content_bytes, u64 lost)
{
	b->packet->returned_tsc = b->returned_tsc;
	b->lost_said = lost;
	ht_hypercall(HT_HYPERCALL_FLUSH, b->address, content_bytes | (u64)b->packet->events << 16 |
		     (u64)b->cpu << 32 | (u64)b->sequence << 48, lost, rdtsc_ordered());
	b->returned_tsc = rdtsc_ordered();
}

/* Shows the closed packet to the host. */
static void send(struct batch *b, struct ht_producer *p)
{
	u32 content_bytes = b->packet->content_bytes, bytes = content_bytes - sizeof(*b->packet), i;
	u64 lost = 0;

	for (i = 0; i < HT_LOST_CAUSES; i++)
		lost |= (b->ring.lost[i] & 0xffff) << 16 * i;
	if (bytes <= HT_EVENTS_MAX_BYTES && lost == b->lost_said && b->sequence % PAGE_EVERY && b->cpu != HT_FLUSH_NAMES)
		send_registers(b, bytes);
	else if (b->packet->events || lost != b->lost_said)
		send_page(b, content_bytes, lost);
	else
		return;
	b->sequence++;
	/* The host has copied what it wanted by now. The rest of the page is still zero. */
	p->stale_bytes = ALIGN(content_bytes, 8);
}

/* Interrupts are off. `force`: the kernel panics, there will be no other time. */
static void flush(struct batch *b, struct ht_producer *p, bool force)
{
	if (force)
		p->busy = 0; /* whoever was there stands still, or is ourselves and will not come back */
	else if (p->busy || in_nmi())
		return;
	if (b->flushed == p->opened)
		return;
	if (!force && in_interrupt() && has_hole(b, p)) {
		p->end = 0; /* the next record comes by here */
		return;
	}
	ht_producer_flush(p);
	send(b, p);
	WRITE_ONCE(b->flushed, p->opened);
}

static u32 limit_of(const struct batch *b)
{
	u32 limit = READ_ONCE(batch_size);

	if (b->alone || READ_ONCE(ending))
		return 1;
	return limit ? min(limit, BATCH_MAX) : BATCH_MAX;
}

/* ht_producer_write() with the batch's limits. Interrupts are off. */
int ht_batch_write(u32 id, const void *payload, u32 bytes, const void *tail, u32 tail_bytes)
{
	struct ht_producer *p = this_cpu_ptr(&ht_producers);
	struct batch *b = this_cpu_ptr(&batches);
	u32 need = HT_LONG_HEADER_BYTES + bytes + tail_bytes, limit = limit_of(b), records;
	int err;

	if (p->packet && (u32)p->state + need > BATCH_BYTES)
		flush(b, p, false);
	err = ht_producer_write(p, id, payload, bytes, tail, tail_bytes);
	if (!p->packet)
		return err;
	records = (u32)(p->state >> 32) - p->events_low;
	if (records >= limit)
		flush(b, p, false);
	else
		p->end = min_t(u32, BATCH_BYTES, (u32)p->state + SHORTEST * (limit - records - 1));
	return err;
}

void ht_batch_flush(void)
{
	flush(this_cpu_ptr(&batches), this_cpu_ptr(&ht_producers), false);
}

void ht_batch_flush_names(struct ht_producer *names)
{
	flush(&names_batch, names, false);
}

/* The kernel goes down; the other CPUs may still run. */
void ht_batches_ending(void)
{
	WRITE_ONCE(ending, true);
	ht_flush_all_cpus();
}

/* The kernel panics: the other CPUs stand still, whatever they were at. */
void ht_batches_panic(void)
{
	unsigned long flags;
	unsigned int cpu;

	WRITE_ONCE(ending, true);
	raw_local_irq_save(flags);
	for_each_online_cpu(cpu)
		flush(per_cpu_ptr(&batches, cpu), per_cpu_ptr(&ht_producers, cpu), true);
	raw_local_irq_restore(flags);
}

static void on_idle(void *data, unsigned int state, unsigned int cpu)
{
	if (state != (u32)PWR_EVENT_EXIT)
		ht_flush_this_cpu();
}

static void on_timer(struct timer_list *timer)
{
	ht_flush_this_cpu();
	if (READ_ONCE(running))
		mod_timer(timer, jiffies + FLUSH_PERIOD);
}

static void start_cpu(void *unused)
{
	struct batch *b = this_cpu_ptr(&batches);

	WRITE_ONCE(b->alone, false);
	mod_timer(&b->timer, jiffies + FLUSH_PERIOD);
}

/* On that CPU: it comes, or goes. */
void ht_batch_cpu(bool online)
{
	struct batch *b = this_cpu_ptr(&batches);

	if (online) {
		start_cpu(NULL);
		return;
	}
	compat_timer_delete_sync(&b->timer);
	WRITE_ONCE(b->alone, true);
	ht_flush_this_cpu();
}

static int init_batch(struct batch *b, struct ht_producer *p, u32 cpu)
{
	if (!b->packet)
		b->packet = (void *)get_zeroed_page(GFP_KERNEL);
	if (!b->packet)
		return -ENOMEM;
	memset(&b->ring, 0, sizeof(b->ring));
	b->address = virt_to_phys(b->packet);
	b->cpu = cpu;
	b->flushed = b->returned_tsc = b->lost_said = 0;
	ht_producer_init(p, &b->ring, b->packet, BATCH_BYTES, 1, &b->flushed);
	return 0;
}

static void free_batches(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		free_page((unsigned long)per_cpu(batches, cpu).packet);
		per_cpu(batches, cpu).packet = NULL;
	}
	free_page((unsigned long)names_batch.packet);
	names_batch.packet = NULL;
}

/* A packet for every CPU and one for the names. Nothing is flushed before ht_batches_start(). -ENOMEM. */
int ht_batches_init(struct ht_producer *names)
{
	unsigned int cpu;
	int err = init_batch(&names_batch, names, HT_FLUSH_NAMES);

	for_each_possible_cpu(cpu) {
		if (!err)
			err = init_batch(per_cpu_ptr(&batches, cpu), per_cpu_ptr(&ht_producers, cpu), cpu);
		/* deferrable: a CPU that sleeps has flushed before */
		timer_setup(&per_cpu(batches, cpu).timer, on_timer, TIMER_DEFERRABLE | TIMER_PINNED);
	}
	if (err)
		free_batches();
	return err;
}

void ht_batches_start(void)
{
	cpu_idle = ht_tracepoint("cpu_idle");
	if (!cpu_idle || tracepoint_probe_register(cpu_idle, on_idle, NULL)) {
		pr_warn("batches of an idle CPU wait for their time\n");
		cpu_idle = NULL;
	}
	WRITE_ONCE(running, true);
	on_each_cpu(start_cpu, NULL, 1);
}

/* No probe may be registered any more; what is left was flushed. */
void ht_batches_exit(void)
{
	unsigned int cpu;

	if (running) {
		WRITE_ONCE(running, false);
		if (cpu_idle)
			tracepoint_probe_unregister(cpu_idle, on_idle, NULL);
		tracepoint_synchronize_unregister();
		for_each_possible_cpu(cpu)
			compat_timer_delete_sync(&per_cpu(batches, cpu).timer);
	}
	free_batches();
}
