/* SPDX-License-Identifier: MIT */
/*
 * One machine's TSC in its host's CLOCK_MONOTONIC, as straight pieces (epochs) through points where both
 * clocks were read. The map is continuous and rises strictly in slope, so that order in TSC is order in time.
 * Conversion happens on reading: a trace keeps the points, so that a better fit may come later.
 *
 *   host_ns = epoch.host_ns + (tsc - epoch.from_tsc) * epoch.mult / 2^CLOCK_SHIFT      (128-bit, rounded
 * down)
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "lib/base/clock_point.h"
#include "lib/base/error.h"

#define CLOCK_SHIFT      48
#define CLOCK_POINTS_MAX (1u << 20)

struct clock_epoch {
	uint64_t from_tsc;
	int64_t host_ns;     /* at from_tsc */
	uint64_t mult;       /* ns per TSC unit, times 2^CLOCK_SHIFT */
	uint64_t error_ns;   /* largest bound of the points it passes through */
	uint64_t rate_error; /* of mult: how far it may be off, for times outside the points */
};

struct clock_map {
	struct clock_epoch *epochs; /* by rising from_tsc; the first reaches back to 0, the last to the end */
	size_t count;               /* at least 1 */
	uint64_t first_tsc, last_tsc; /* of the points */
};

/*
 * Fits a map to points in rising order of tsc; points that go back in either clock are left out. The line
 * stays within the bound of every point; where one line cannot, a new epoch begins. Points whose bound is more than 16
 * times that of others around them are left out, too. With one point only, the rate is tsc_khz. -EINVAL: no point, or one and no tsc_khz. -ENOMEM.
 */
int clock_map_init(struct clock_map *map, const struct clock_point *points, size_t count, uint32_t tsc_khz,
	struct error *error);
void clock_map_deinit(struct clock_map *map);

/* The epoch that holds a TSC value. */
const struct clock_epoch *clock_map_epoch(const struct clock_map *map, uint64_t tsc);

static inline int64_t clock_epoch_ns(const struct clock_epoch *epoch, uint64_t tsc)
{
	/*
	 * The shift of a negative number rounds down, too. Nonsense from a guest may wrap, which is why it is
	 * unsigned.
	 */
	__int128 ns = (__int128)(int64_t)(tsc - epoch->from_tsc) * epoch->mult >> CLOCK_SHIFT;

	return (int64_t)((uint64_t)epoch->host_ns + (uint64_t)ns);
}

int64_t clock_map_to_ns(const struct clock_map *map, uint64_t tsc);

/* The largest error bound of all epochs. */
uint64_t clock_map_largest_error_ns(const struct clock_map *map);

/* The largest TSC whose time is not after host_ns; 0 if all are after it. */
uint64_t clock_map_to_tsc(const struct clock_map *map, int64_t host_ns);

/* How far clock_map_to_ns(tsc) may be off: the bound of the points around, more the farther outside them. */
uint64_t clock_map_error_ns(const struct clock_map *map, uint64_t tsc);

/* Length of an interval that begins at `tsc` and takes `units`; for durations within one machine. */
uint64_t clock_map_duration_ns(const struct clock_map *map, uint64_t tsc, uint64_t units);

/* Mean rate over the points. */
double clock_map_hz(const struct clock_map *map);

/*
 * Conversion of many times that are near to each other: remembers the epoch. Starts with clock_cursor_at().
 */
struct clock_cursor {
	const struct clock_map *map;
	struct clock_epoch epoch;    /* a copy: nearer */
	uint64_t from_tsc, last_tsc; /* where it is valid, both included */
};

void clock_cursor_move(struct clock_cursor *cursor, uint64_t tsc);

static inline struct clock_cursor clock_cursor_at(const struct clock_map *map)
{
	struct clock_cursor cursor = {.map = map};

	clock_cursor_move(&cursor, 0);
	return cursor;
}

static inline int64_t clock_cursor_ns(struct clock_cursor *cursor, uint64_t tsc)
{
	if (__builtin_expect(tsc < cursor->from_tsc || tsc > cursor->last_tsc, 0))
		clock_cursor_move(cursor, tsc);
	return clock_epoch_ns(&cursor->epoch, tsc);
}
