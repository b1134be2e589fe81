/* SPDX-License-Identifier: GPL-2.0-only */
/* Level histogram: a cell for every vCPU thread and exit reason. */
#ifndef HT_COLLECTOR_HISTOGRAM_H
#define HT_COLLECTOR_HISTOGRAM_H

#include "host/bpf/collector_state.h"

/* By thread and reason (reason_index()) the number of the cell; 0: none so far. */
static __u16 cell_of[COLLECTOR_THREADS_MAX * COLLECTOR_REASONS];
struct collector_cell cells[COLLECTOR_CELLS_MAX] __attribute__((aligned(64))); /* the first is not used */
__u32 nr_cells;
__u64 lost_cells; /* exits of reasons that found no cell */

#define ROW(at)  at, at, at, at, at, at, at, at, at, at, at, at, at, at, at, at
#define ROW2(at) ROW(at), ROW(at)
#define ROW4(at) ROW2(at), ROW2(at)
static const volatile __u8 log2_of_byte[256] = {0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, ROW(4), ROW2(5), ROW4(6),
	ROW4(7), ROW4(7)};

static __always_inline __u32 log2_of(__u64 value)
{
	__u32 bits = 0;

	if (value >> 16) {
		value >>= 16;
		bits = 16;
		if (value >> 16) {
			value >>= 16;
			bits = 32;
		}
	}
	if (value >> 8) {
		value >>= 8;
		bits += 8;
	}
	return bits + log2_of_byte[value & 255];
}

/* Every reason the manuals know has a place of its own; the others share the last. */
static __always_inline __u32 reason_index(__u32 reason)
{
	if (reason < 0xf0)
		return reason;
	return reason - 0x400 < 8 ? reason - 0x400 + 0xf0 : COLLECTOR_REASONS - 1;
}

static __always_inline __u16 *cell_place(const struct collector_exit *exit)
{
	return &cell_of[BOUNDED(exit->row + reason_index(exit->reason), COLLECTOR_THREADS_MAX * COLLECTOR_REASONS)];
}

/* Its number; 0: there are no more. */
static __noinline __u32 new_cell(const struct collector_exit *exit)
{
	const __u32 number = __sync_fetch_and_add(&nr_cells, 1) + 1;
	struct collector_cell *cell;

	if (!exit)
		return 0;
	if (number >= COLLECTOR_CELLS_MAX) {
		__sync_fetch_and_sub(&nr_cells, 1);
		__sync_fetch_and_add(&lost_cells, 1);
		return 0;
	}
	cell = &cells[BOUNDED(number, COLLECTOR_CELLS_MAX)];
	cell->thread = exit->thread - 1;
	cell->reason = exit->reason;
	cell->flags = exit->flags & COLLECTOR_ISA_MASK;
	cell->min_ns = ~0ull;
	*cell_place(exit) = number;
	barrier();
	*(volatile __u8 *)&cell->used = 1;
	return number;
}

static __always_inline void count_exit(const struct collector_exit *exit, __u64 duration_ns)
{
	struct collector_cell *cell;
	__u32 number = *cell_place(exit);

	if (!number)
		number = new_cell(exit);
	if (!number)
		return;
	cell = &cells[BOUNDED(number, COLLECTOR_CELLS_MAX)];
	cell->total_ns += duration_ns;
	if (duration_ns < cell->min_ns)
		cell->min_ns = duration_ns;
	if (duration_ns > cell->max_ns)
		cell->max_ns = duration_ns;
	cell->buckets[log2_of(duration_ns) & (COLLECTOR_BUCKETS - 1)]++;
}

#endif
