/* SPDX-License-Identifier: MIT */
#include "host/collect/host_histograms.h"

#include <stdlib.h>

/* What a cell held the last time. */
struct known {
	uint64_t total_ns;
	uint32_t buckets[COLLECTOR_BUCKETS];
};

struct host_histograms {
	struct known *known; /* by cell */
	uint32_t nr_known;
};

struct host_histograms *host_histograms_create(void)
{
	return calloc(1, sizeof(struct host_histograms));
}

void host_histograms_destroy(struct host_histograms *histograms)
{
	if (!histograms)
		return;
	free(histograms->known);
	free(histograms);
}

static bool make_room(struct host_histograms *histograms, uint32_t count)
{
	struct known *known;

	if (count <= histograms->nr_known)
		return true;
	known = realloc(histograms->known, count * sizeof(*known));
	if (!known)
		return false;
	for (uint32_t i = histograms->nr_known; i < count; i++)
		known[i] = (struct known){0};
	histograms->known = known;
	histograms->nr_known = count;
	return true;
}

/* The least that an exit took, where the exact one fell between two reads: the edge of its bucket. */
static uint64_t lowest(const struct host_histogram *gained)
{
	for (int i = 0; i < COLLECTOR_BUCKETS; i++)
		if (gained->buckets[i])
			return i ? UINT64_C(1) << i : 0;
	return 0;
}

static uint64_t highest(const struct host_histogram *gained)
{
	for (int i = COLLECTOR_BUCKETS - 1; i >= 0; i--)
		if (gained->buckets[i])
			return i == COLLECTOR_BUCKETS - 1 ? UINT64_MAX : (UINT64_C(2) << i) - 1;
	return 0;
}

/*
 * Did it gain anything? The program on the vCPU's pCPU goes on counting: each number is right for its own moment, and nothing
 * gets lost.
 */
static bool take(struct known *known, struct collector_cell *cell, struct host_histogram *gained)
{
	uint64_t total_ns;

	for (int i = 0; i < COLLECTOR_BUCKETS; i++) {
		const uint32_t bucket = __atomic_load_n(&cell->buckets[i], __ATOMIC_RELAXED);

		gained->buckets[i] = bucket - known->buckets[i];
		gained->count += gained->buckets[i];
		known->buckets[i] = bucket;
	}
	if (!gained->count)
		return false;
	total_ns = __atomic_load_n(&cell->total_ns, __ATOMIC_RELAXED);
	gained->total_ns = total_ns - known->total_ns;
	known->total_ns = total_ns;
	gained->min_ns = __atomic_exchange_n(&cell->min_ns, ~0ull, __ATOMIC_RELAXED);
	gained->max_ns = __atomic_exchange_n(&cell->max_ns, 0, __ATOMIC_RELAXED);
	if (gained->min_ns > gained->max_ns) {
		gained->min_ns = lowest(gained);
		gained->max_ns = highest(gained);
	}
	return true;
}

/* `thread`: only of this one; COLLECTOR_THREADS_MAX: of all. */
static void write_cells(struct host_histograms *histograms, struct collector *collector,
	const struct host_vms *vms, uint32_t thread, struct host_stream *stream, uint64_t now_ns)
{
	struct collector_cell *cells;
	uint32_t count;

	cells = collector_cells(collector, &count);
	if (!make_room(histograms, count))
		return; /* the cells keep it for the next time */
	for (uint32_t i = 0; i < count; i++) {
		struct collector_cell *cell = &cells[i];
		struct host_histogram gained = {0};

		/* pairs with new_cell() of collector.bpf.c */
		if (!__atomic_load_n(&cell->used, __ATOMIC_ACQUIRE) ||
			cell->thread >= COLLECTOR_THREADS_MAX ||
			(thread != COLLECTOR_THREADS_MAX && cell->thread != thread))
			continue;
		/* the record that says whose it is has not been read yet: the cell keeps it for the next time */
		if (!vms->threads[cell->thread].tid)
			continue;
		gained.tid = vms->threads[cell->thread].tid;
		gained.vcpu = vms->threads[cell->thread].vcpu;
		gained.reason = cell->reason;
		gained.flags = cell->flags & COLLECTOR_ISA_MASK;
		if (take(&histograms->known[i], cell, &gained))
			host_stream_add_histogram(stream, now_ns, &gained);
	}
}

void host_histograms_write(struct host_histograms *histograms, struct collector *collector,
	const struct host_vms *vms, struct host_stream *stream, uint64_t now_ns)
{
	write_cells(histograms, collector, vms, COLLECTOR_THREADS_MAX, stream, now_ns);
}

void host_histograms_write_thread(struct host_histograms *histograms, struct collector *collector,
	const struct host_vms *vms, uint32_t thread, struct host_stream *stream, uint64_t now_ns)
{
	if (thread < COLLECTOR_THREADS_MAX)
		write_cells(histograms, collector, vms, thread, stream, now_ns);
}
