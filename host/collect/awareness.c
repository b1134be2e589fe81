/* SPDX-License-Identifier: MIT */
#include "host/collect/awareness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/vmm/vcpu_thread.h"
#include "host/vmm/vmm.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock_now.h"

#define INTERVAL_NS     10000000u  /* the module looks every 20 ms */
#define INTERVAL_MAX_NS 100000000u /* however many vCPUs there are */
#define SHARE           50 /* of a CPU's time, one part in so many, is what it may take before it is done less often */

struct awareness_vcpu {
	struct vcpu_thread thread;
	struct ht_vcpu values; /* ours; magic and seq are set when they go out */
};

struct awareness {
	struct awareness_vcpu *vcpus;
	uint32_t nr_vcpus;
	uint8_t *pages; /* of the region, mapped to be written; one for each */
	uint64_t next_ns;
};

static struct ht_vcpu *page_of(const struct awareness *awareness, uint32_t vcpu)
{
	return (struct ht_vcpu *)(awareness->pages + (size_t)vcpu * HT_PAGE_BYTES);
}

/* The guest could write there, too: nothing is ever read back but seq, which needs only to change. */
static void publish(struct ht_vcpu *page, struct ht_vcpu *values, uint64_t magic)
{
	const uint32_t seq = (values->seq + 2) & ~1u;

	__atomic_store_n(&page->seq, seq - 1, __ATOMIC_RELAXED);
	/* pairs with the read barrier in the module's read_page(): who sees the new body sees the odd seq, too */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	values->seq = seq - 1;
	values->magic = magic;
	memcpy(page, values, sizeof(*page));
	values->seq = seq;
	/* pairs with the acquire load in the module's read_page() */
	__atomic_store_n(&page->seq, seq, __ATOMIC_RELEASE);
}

static uint32_t state_of(char letter)
{
	switch (letter) {
	case 'R':
		return HT_VCPU_RUNNABLE;
	case 'S':
	case 'D':
	case 'I':
		return HT_VCPU_HALTED;
	case 'T':
	case 't':
		return HT_VCPU_STOPPED;
	case 'Z':
	case 'X':
		return HT_VCPU_GONE;
	}
	return HT_VCPU_UNKNOWN;
}

static void look(struct awareness_vcpu *vcpu)
{
	struct ht_vcpu *values = &vcpu->values;
	struct vcpu_times times;

	values->update_ns = clock_now_ns(CLOCK_MONOTONIC);
	if (vcpu_thread_read(&vcpu->thread, &times)) {
		values->state = HT_VCPU_GONE;
		values->fields |= HT_VCPU_STATE;
		return;
	}
	values->fields |= HT_VCPU_STATE | HT_VCPU_PCPU;
	values->state = state_of(times.state);
	values->pcpu = times.pcpu;
	if (times.has_times) {
		values->fields |= HT_VCPU_TIMES;
		values->run_ns = times.run_ns;
		values->stolen_ns = times.wait_ns;
	}
	if (times.has_counts) {
		values->fields |= HT_VCPU_PREEMPTIONS | HT_VCPU_MIGRATIONS;
		values->preemptions = times.preemptions;
		values->migrations = times.migrations;
	}
}

/* Which of both a runnable thread is only the collector knows; it may have seen less lately than /proc just said. */
static void add_seen(struct ht_vcpu *values, const struct vcpu_last *last)
{
	if (last->exits) /* at level histogram exits have no records */
		values->fields |= HT_VCPU_EXITS;
	values->exits = last->exits;
	values->exit_ns = last->exit_ns;
	values->exit_reason = last->reason;
	values->exit_isa = last->isa;
	if (values->state == HT_VCPU_RUNNABLE && last->place == VCPU_PLACE_ON_PCPU)
		values->state = HT_VCPU_RUNNING;
	else if (values->state == HT_VCPU_RUNNABLE && last->place == VCPU_PLACE_PREEMPTED)
		values->state = HT_VCPU_PREEMPTED;
}

void awareness_update(struct awareness *awareness, const struct vcpu_exits *exits, uint64_t now_ns)
{
	uint64_t start_ns, wait_ns;

	if (!awareness || now_ns < awareness->next_ns)
		return;
	start_ns = clock_now_ns(CLOCK_THREAD_CPUTIME_ID);
	for (uint32_t i = 0; i < awareness->nr_vcpus; i++) {
		const struct vcpu_last *last;

		if (!awareness->vcpus[i].thread.tid)
			continue;
		look(&awareness->vcpus[i]);
		last = vcpu_exits_of(exits, awareness->vcpus[i].thread.tid);
		if (last)
			add_seen(&awareness->vcpus[i].values, last);
		publish(page_of(awareness, i), &awareness->vcpus[i].values, HT_VCPU_MAGIC);
	}
	wait_ns = (clock_now_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns) * SHARE;
	if (wait_ns < INTERVAL_NS)
		wait_ns = INTERVAL_NS;
	awareness->next_ns = now_ns + (wait_ns < INTERVAL_MAX_NS ? wait_ns : INTERVAL_MAX_NS);
}

/* Opens the threads of those vCPUs that have a page. */
static int open_threads(struct awareness *awareness, int proc_fd, pid_t pid, struct error *error)
{
	struct vmm vmm;
	int found = vmm_read(&vmm, proc_fd, pid), nr_open = 0;

	if (found <= 0)
		return error_set(error, found ? found : -ESRCH, "process %d is no VMM", (int)pid);
	for (size_t i = 0; i < vmm.nr_vcpus; i++) {
		const struct vmm_vcpu *vcpu = &vmm.vcpus[i];

		if (vcpu->vcpu < awareness->nr_vcpus && vcpu->tid &&
			!vcpu_thread_init(&awareness->vcpus[vcpu->vcpu].thread, proc_fd, pid, vcpu->tid))
			nr_open++;
	}
	vmm_deinit(&vmm);
	if (nr_open)
		return 0;
	error_set(error, -ENOENT, "process %d: not known which threads run vCPUs", (int)pid);
	return error_hint(error, "start QEMU with -name NAME,debug-threads=on, or with a QMP socket");
}

static int begin(struct awareness *awareness, const struct region *region, pid_t vmm, struct error *error)
{
	cleanup_close int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	void *pages;

	awareness->vcpus = calloc(awareness->nr_vcpus, sizeof(*awareness->vcpus));
	if (!awareness->vcpus)
		return error_set(error, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < awareness->nr_vcpus; i++)
		awareness->vcpus[i].thread = VCPU_THREAD_NONE;
	if (proc_fd < 0)
		return error_set(error, -errno, "/proc: %s", strerror(errno));
	pages = mmap(NULL, (size_t)awareness->nr_vcpus * HT_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		region->fd, HT_VCPUS_OFFSET);
	if (pages == MAP_FAILED)
		return error_set(error, -errno, "region %s: map: %s", region->path, strerror(errno));
	awareness->pages = pages;
	return open_threads(awareness, proc_fd, vmm, error);
}

int awareness_create(struct awareness **out, const struct region *region, const struct region_layout *layout,
	pid_t vmm, struct error *error)
{
	const uint64_t room = (layout->rings_offset - HT_VCPUS_OFFSET) / HT_PAGE_BYTES;
	struct awareness *awareness;
	int code;

	*out = NULL;
	if (!room)
		return error_set(error, -ENODATA, "region %s has no pages for its vCPUs", region->path);
	awareness = calloc(1, sizeof(*awareness));
	if (!awareness)
		return error_set(error, -ENOMEM, "out of memory");
	awareness->nr_vcpus = room < layout->nr_rings - 1 ? (uint32_t)room : layout->nr_rings - 1;
	code = begin(awareness, region, vmm, error);
	if (code) {
		awareness_destroy(awareness);
		return code;
	}
	*out = awareness;
	return 0;
}

void awareness_destroy(struct awareness *awareness)
{
	if (!awareness)
		return;
	for (uint32_t i = 0; awareness->vcpus && i < awareness->nr_vcpus; i++) {
		struct awareness_vcpu *vcpu = &awareness->vcpus[i];

		if (awareness->pages && vcpu->values.seq)
			publish(page_of(awareness, i), &vcpu->values, 0);
		vcpu_thread_deinit(&vcpu->thread);
	}
	if (awareness->pages)
		munmap(awareness->pages, (size_t)awareness->nr_vcpus * HT_PAGE_BYTES);
	free(awareness->vcpus);
	free(awareness);
}
