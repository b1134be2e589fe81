/* SPDX-License-Identifier: MIT */
#include "bench/fake_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/collect/event_table.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock_now.h"
#include "tests/ring/user_producer.h"

#define REGION_BYTES    (64ull << 20)
#define PACKET_BYTES    (64u << 10) /* as the module chooses */
#define MODULE_LOOKS_NS 5000000
#define CLOCK_WAIT_TSC  50000
#define DRAIN_TURNS     20000
#define TURN_NS         100000
#define TASKS           64

_Thread_local uint32_t user_depth, user_current_pid;

static void doze(long ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* As the module's answer_clock(). */
static void answer_clock(struct fake_guest *guest)
{
	uint32_t rounds = __atomic_load_n(&guest->host->clock_rounds, __ATOMIC_RELAXED);

	for (uint32_t round = 0; round <= rounds && round <= 64; round++) {
		uint64_t start = HT_TSC();
		uint32_t request;

		/* pairs with the release store in the host's clock exchange */
		while ((request = __atomic_load_n(&guest->host->clock_request, __ATOMIC_ACQUIRE)) ==
			guest->region->clock_answer)
			if (round == 0 || HT_TSC() - start > CLOCK_WAIT_TSC)
				return;
		guest->region->clock_tsc = HT_TSC();
		/* pairs with the acquire load in the host's clock exchange */
		__atomic_store_n(&guest->region->clock_answer, request, __ATOMIC_RELEASE);
	}
}

static void *run_module(void *context)
{
	struct fake_guest *guest = context;
	const struct ht_control *control = &guest->host->control;

	while (!atomic_load(&guest->stop)) {
		/* pairs with the release store in control_publish() */
		uint32_t seq = __atomic_load_n(&control->seq, __ATOMIC_ACQUIRE);

		__atomic_store_n(&guest->region->names_done, control->names_seq, __ATOMIC_RELEASE);
		/* pairs with the acquire load in control_done() */
		__atomic_store_n(&guest->region->control_done, seq, __ATOMIC_RELEASE);
		answer_clock(guest);
		doze(MODULE_LOOKS_NS);
	}
	return NULL;
}

/* As the module's ht_rings_start(). */
static void start_rings(struct fake_guest *guest)
{
	struct ht_region *region = guest->region;
	struct ht_ring *rings = (struct ht_ring *)(guest->base + HT_HOST_OFFSET + HT_HOST_BYTES);
	uint32_t nr_packets = HT_MIN_PACKETS;

	region->nr_rings = guest->cpus + 1;
	region->rings_offset = HT_HOST_OFFSET + HT_HOST_BYTES;
	region->data_offset = region->rings_offset + region->nr_rings * sizeof(*rings);
	region->data_offset = (region->data_offset + HT_PAGE_BYTES - 1) & ~(uint64_t)(HT_PAGE_BYTES - 1);
	while (region->data_offset + 2ull * nr_packets * region->nr_rings * PACKET_BYTES <= guest->bytes)
		nr_packets *= 2;
	for (unsigned i = 0; i < guest->cpus; i++)
		ht_producer_init(&guest->producers[i], &rings[i],
			guest->base + region->data_offset + (uint64_t)i * nr_packets * PACKET_BYTES,
			PACKET_BYTES, nr_packets, &guest->host->read_packets[i]);
	region->abi_version = HT_ABI_VERSION;
	region->header_bytes = sizeof(*region);
	region->region_bytes = guest->bytes;
	region->nr_packets = nr_packets;
	region->packet_bytes = PACKET_BYTES;
	region->mode = HT_MODE_DISCARD;
	region->clock_first = (struct ht_clock_sample){.tsc = HT_TSC(),
		.monotonic_ns = clock_now_ns(CLOCK_MONOTONIC),
		.boottime_ns = clock_now_ns(CLOCK_BOOTTIME),
		.realtime_ns = clock_now_ns(CLOCK_REALTIME)};
	region->generation = region->clock_first.tsc;
	strcpy(region->release, "none");
	strcpy(region->hostname, "bench");
	region->state = HT_STATE_RUNNING;
	/* pairs with the acquire load in region_check() */
	__atomic_store_n(&region->magic, HT_MAGIC, __ATOMIC_RELEASE);
}

int fake_guest_init(struct fake_guest *guest, const char *path, unsigned cpus, struct error *error)
{
	cleanup_close int fd = -1;

	memset(guest, 0, sizeof(*guest));
	guest->cpus = cpus;
	guest->random = 88172645463325252u;
	guest->base = MAP_FAILED;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, REGION_BYTES) < 0)
		return error_set(error, -errno, "%s: %s", path, strerror(errno));
	guest->bytes = REGION_BYTES;
	guest->base = mmap(NULL, guest->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (guest->base == MAP_FAILED)
		return error_set(error, -errno, "%s: mmap: %s", path, strerror(errno));
	guest->region = (struct ht_region *)guest->base;
	guest->host = (struct ht_host *)(guest->base + HT_HOST_OFFSET);
	start_rings(guest);
	if (pthread_create(&guest->thread, NULL, run_module, guest) != 0)
		return error_set(error, -EAGAIN, "cannot start a thread");
	guest->running = true;
	return 0;
}

void fake_guest_deinit(struct fake_guest *guest)
{
	atomic_store(&guest->stop, true); /* pairs with the load in run_module() */
	if (guest->running)
		pthread_join(guest->thread, NULL);
	if (guest->base != MAP_FAILED)
		munmap(guest->base, guest->bytes);
}

/* xorshift64: the branch predictor shall not learn the mixture by heart. */
static uint64_t random_bits(struct fake_guest *guest)
{
	guest->random ^= guest->random << 13;
	guest->random ^= guest->random >> 7;
	guest->random ^= guest->random << 17;
	return guest->random;
}

/* Half of the results need more than 8 bits. */
static unsigned write_syscall(struct ht_producer *p, uint64_t random)
{
	uint64_t nr = random & 255, ret = random >> 8 & 4095;

	user_write(p, EVENT_ID_sys_enter_short, nr, 1);
	if (random >> 20 & 1)
		user_write(p, EVENT_ID_sys_exit, ret, 4);
	else
		user_write(p, EVENT_ID_sys_exit_short, ret, 1);
	return 2;
}

static unsigned write_interrupt(struct ht_producer *p, uint64_t random)
{
	uint64_t irq = 24 + (random & 7), vec = random >> 3 & 7;

	user_write(p, EVENT_ID_irq_handler_entry, irq, 2);
	user_write(p, EVENT_ID_softirq_raise, vec, 1);
	user_write(p, EVENT_ID_irq_handler_exit, 1u << 16 | irq, 3);
	user_write(p, EVENT_ID_softirq_entry, vec, 1);
	user_write(p, EVENT_ID_softirq_exit, vec, 1);
	return 5;
}

static unsigned write_switch(struct ht_producer *p, uint64_t random, unsigned cpu)
{
	uint32_t pid = 1000 + (random >> 4) % TASKS;

	user_write(p, EVENT_ID_sched_waking, (uint64_t)120 << 32 | cpu << 22 | pid, 5);
	user_write(p, EVENT_ID_sched_switch, (uint64_t)120 << 32 | 1u << 22 | pid, 5);
	user_current_pid = pid;
	return 2;
}

/* Of ten happenings seven are system calls, two are switches, one is an interrupt. */
static unsigned write_some(struct fake_guest *guest, unsigned cpu)
{
	struct ht_producer *p = &guest->producers[cpu];
	uint64_t random = random_bits(guest);
	unsigned kind = (unsigned)(random >> 32) % 10;

	return kind < 7    ? write_syscall(p, random)
		: kind < 9 ? write_switch(p, random, cpu)
			   : write_interrupt(p, random);
}

/* Room for one more packet: what is written next will not be dropped. */
static bool has_room(const struct ht_producer *p)
{
	return p->opened - HT_LOAD_ACQUIRE64(p->read_packets) < p->nr_packets - 1;
}

uint64_t fake_guest_write(struct fake_guest *guest, uint64_t events)
{
	uint64_t written = 0;

	while (!__atomic_load_n(&guest->region->control_done, __ATOMIC_ACQUIRE))
		doze(TURN_NS);
	while (written < events) {
		for (unsigned cpu = 0; cpu < guest->cpus; cpu++) {
			while (!has_room(&guest->producers[cpu]))
				doze(TURN_NS);
			for (unsigned i = 0; i < 64; i++)
				written += write_some(guest, cpu);
		}
	}
	return written;
}

void fake_guest_drain(struct fake_guest *guest)
{
	for (unsigned i = 0; i < guest->cpus; i++) {
		struct ht_producer *p = &guest->producers[i];

		ht_producer_flush(p);
		for (unsigned turn = 0; turn < DRAIN_TURNS && HT_LOAD_ACQUIRE64(p->read_packets) < p->opened;
			turn++)
			doze(TURN_NS);
	}
}
