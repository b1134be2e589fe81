/* SPDX-License-Identifier: MIT */
#include "host/collect/exit_counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/collect/collector.h"

#define BATCH 512

/* A cell of the collector: an exit reason of one thread. */
struct counted {
	uint64_t total_ns;                   /* when it was last looked at … */
	uint32_t buckets[COLLECTOR_BUCKETS]; /* … and counts by duration, which are all that is counted */
	struct exit_count gained;            /* since the look before */
	pid_t tid;
};

struct exit_counts {
	struct collector *collector;
	struct collector_event *batch;
	pid_t threads[COLLECTOR_THREADS_MAX]; /* by the collector's index; 0: not known */
	struct counted *cells;
	uint32_t nr_cells;
};

int exit_counts_create(struct exit_counts **out, struct error *error)
{
	const struct collector_options options = {.level = COLLECTOR_HISTOGRAM};
	struct exit_counts *counts = calloc(1, sizeof(*counts));
	int code;

	*out = NULL;
	if (!counts)
		return error_set(error, -ENOMEM, "out of memory");
	counts->batch = malloc(BATCH * sizeof(*counts->batch));
	code = counts->batch ? collector_create(&counts->collector, &options, error)
			     : error_set(error, -ENOMEM, "out of memory");
	if (code) {
		exit_counts_destroy(counts);
		return code;
	}
	*out = counts;
	return 0;
}

void exit_counts_destroy(struct exit_counts *counts)
{
	if (!counts)
		return;
	collector_destroy(counts->collector);
	free(counts->batch);
	free(counts->cells);
	free(counts);
}

/* The rings say which thread has which index; what else is in them is of no interest here. */
static void learn_threads(struct exit_counts *counts, uint32_t cpu, uint64_t now_ns)
{
	struct collector_ring *ring = collector_ring(counts->collector, cpu);
	const uint64_t begin = ring->next;
	size_t taken;

	do {
		taken = collector_ring_take(ring, counts->batch, BATCH, now_ns);
		for (size_t i = 0; i < taken; i++) {
			const struct collector_record *record = &counts->batch[i].record;

			if (record->value >= COLLECTOR_THREADS_MAX)
				continue;
			if (record->type == COLLECTOR_THREAD)
				counts->threads[record->value] = (pid_t)record->tid;
			else if (record->type == COLLECTOR_THREAD_END &&
				counts->threads[record->value] == (pid_t)record->tid)
				counts->threads[record->value] = 0;
		}
	} while (taken == BATCH && ring->next - begin < ring->nr_slots);
}

static int make_room(struct exit_counts *counts, uint32_t nr_cells)
{
	struct counted *cells;

	if (nr_cells <= counts->nr_cells)
		return 0;
	cells = realloc(counts->cells, nr_cells * sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	memset(cells + counts->nr_cells, 0, (nr_cells - counts->nr_cells) * sizeof(*cells));
	counts->cells = cells;
	counts->nr_cells = nr_cells;
	return 0;
}

/* The programs go on counting: each number is right for its own moment. */
static void look(struct exit_counts *counts, const struct collector_cell *cell, struct counted *counted)
{
	const uint64_t total_ns = __atomic_load_n(&cell->total_ns, __ATOMIC_RELAXED);

	counted->tid = counts->threads[cell->thread];
	counted->gained = (struct exit_count){.isa = cell->flags & COLLECTOR_ISA_MASK,
		.reason = cell->reason,
		.total_ns = total_ns - counted->total_ns};
	counted->total_ns = total_ns;
	for (int i = 0; i < COLLECTOR_BUCKETS; i++) {
		const uint32_t bucket = __atomic_load_n(&cell->buckets[i], __ATOMIC_RELAXED);

		counted->gained.count += bucket - counted->buckets[i];
		counted->buckets[i] = bucket;
	}
}

int exit_counts_update(struct exit_counts *counts, uint64_t now_ns)
{
	const struct collector_cell *cells;
	uint32_t nr_cells;

	for (uint32_t cpu = 0; cpu < collector_nr_cpus(counts->collector); cpu++)
		learn_threads(counts, cpu, now_ns);
	cells = collector_cells(counts->collector, &nr_cells);
	if (make_room(counts, nr_cells))
		return -ENOMEM;
	for (uint32_t i = 0; i < nr_cells; i++)
		/* pairs with new_cell() of collector.bpf.c */
		if (__atomic_load_n(&cells[i].used, __ATOMIC_ACQUIRE) &&
			cells[i].thread < COLLECTOR_THREADS_MAX)
			look(counts, &cells[i], &counts->cells[i]);
	return 0;
}

static void insert(struct exit_count *top, size_t *nr_top, size_t max, const struct exit_count *count)
{
	size_t at = *nr_top < max ? (*nr_top)++ : max;

	while (at && top[at - 1].count < count->count) {
		if (at < max)
			top[at] = top[at - 1];
		at--;
	}
	if (at < max)
		top[at] = *count;
}

size_t exit_counts_of(
	const struct exit_counts *counts, pid_t tid, struct exit_count *top, size_t max, uint64_t *total)
{
	size_t nr_top = 0;

	*total = 0;
	for (uint32_t i = 0; i < counts->nr_cells; i++) {
		const struct counted *cell = &counts->cells[i];

		if (cell->tid != tid || !cell->gained.count)
			continue;
		*total += cell->gained.count;
		insert(top, &nr_top, max, &cell->gained);
	}
	return nr_top;
}
