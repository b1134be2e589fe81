/* SPDX-License-Identifier: MIT */
/*
 * The fit is the swing filter of Elmeleegy et al., "Online Piece-wise Linear Approximation of Numerical
 * Streams with Precision Guarantees" (VLDB 2009): from an anchor, every point leaves a range of slopes that
 * pass within its bound; when none is left the line ends at the point before, which is the next line's
 * anchor. So the map is continuous.
 */
#include "lib/clock/clock_map.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Slopes of a clock between 1 MHz and 1 THz; beyond, points are noise. */
#define MULT_MIN (1ull << CLOCK_SHIFT >> 10)
#define MULT_MAX (1000ull << CLOCK_SHIFT)

/* A line under construction, through the anchor (an epoch's start). Slopes are in ns per TSC unit. */
struct line {
	uint64_t from_tsc;
	int64_t from_ns;
	double low, high;      /* the slopes that meet every bound so far */
	double sum_ty, sum_tt; /* for the least squares through the anchor */
	uint64_t error_ns;
	uint64_t last_tsc;
	size_t points; /* beside the anchor */
};

static struct line line_from(uint64_t tsc, int64_t ns, uint64_t bound_ns)
{
	return (struct line){.from_tsc = tsc,
		.from_ns = ns,
		.low = 0,
		.high = INFINITY,
		.error_ns = bound_ns,
		.last_tsc = tsc};
}

/* Takes the point in, if a line through the anchor can still meet all bounds. */
static int line_add(struct line *line, const struct clock_point *point)
{
	double units = (double)(point->tsc - line->from_tsc),
	       ns = (double)((__int128)point->host_ns - line->from_ns);
	double bound = (double)point->bound_ns + 1; /* 1: times are whole ns */
	double low = fmax(line->low, (ns - bound) / units), high = fmin(line->high, (ns + bound) / units);

	if (low > high)
		return 0;
	line->low = low;
	line->high = high;
	line->sum_ty += units * ns;
	line->sum_tt += units * units;
	line->last_tsc = point->tsc;
	line->points++;
	if (point->bound_ns > line->error_ns)
		line->error_ns = point->bound_ns;
	return 1;
}

static uint64_t to_mult(double slope)
{
	double mult = slope * (double)(1ull << CLOCK_SHIFT);

	if (!(mult > (double)MULT_MIN))
		return MULT_MIN;
	/* rounded up: whole ns stay whole when the product is rounded down */
	return mult > (double)MULT_MAX ? MULT_MAX : (uint64_t)ceil(mult);
}

static struct clock_epoch line_end(const struct line *line)
{
	double slope = fmin(fmax(line->sum_ty / line->sum_tt, line->low), line->high);
	double error = fmax(line->high - slope, slope - line->low);

	return (struct clock_epoch){
		.from_tsc = line->from_tsc,
		.host_ns = line->from_ns,
		.mult = to_mult(slope),
		.error_ns = line->error_ns,
		.rate_error = to_mult(error) > MULT_MIN ? to_mult(error)
							: (uint64_t)(error * (double)(1ull << CLOCK_SHIFT)),
	};
}

static void fit(struct clock_map *map, const struct clock_point *points, size_t count)
{
	struct line line = line_from(points[0].tsc, points[0].host_ns, points[0].bound_ns);
	const struct clock_point *before = &points[0];

	for (size_t i = 1; i < count; i++) {
		const struct clock_point *point = &points[i];

		if (point->tsc <= before->tsc || point->host_ns <= before->host_ns)
			continue;
		if (!line_add(&line, point)) {
			struct clock_epoch ended = line_end(&line);
			int64_t ns = clock_epoch_ns(&ended, before->tsc);
			struct line next = line_from(before->tsc, ns, before->bound_ns);

			/* the line had run ahead of this point by less than its bound: the next one will do */
			if (point->host_ns <= ns || !line_add(&next, point))
				continue;
			map->epochs[map->count++] = ended;
			line = next;
		}
		before = point;
	}
	map->last_tsc = before->tsc;
	if (line.points)
		map->epochs[map->count++] = line_end(&line);
}

static void one_point(struct clock_map *map, const struct clock_point *point, uint32_t tsc_khz)
{
	double slope = 1e6 / tsc_khz;

	map->epochs[0] = (struct clock_epoch){
		.from_tsc = point->tsc,
		.host_ns = point->host_ns,
		.mult = to_mult(slope),
		.error_ns = point->bound_ns,
		/* a kernel's own calibration is good to some 500 ppm */
		.rate_error = (uint64_t)(slope * 500e-6 * (double)(1ull << CLOCK_SHIFT)),
	};
	map->count = 1;
	map->last_tsc = point->tsc;
}

/* How often a bound must be the larger one for its point to say nothing beside others. */
#define LOOSE 16

/* The two smallest bounds of some points. */
struct tightest {
	uint64_t bound_ns[2];
};
#define NO_POINT ((struct tightest){{UINT64_MAX, UINT64_MAX}})

static void tightest_add(struct tightest *tightest, uint64_t bound_ns)
{
	if (bound_ns < tightest->bound_ns[0]) {
		tightest->bound_ns[1] = tightest->bound_ns[0];
		tightest->bound_ns[0] = bound_ns;
	} else if (bound_ns < tightest->bound_ns[1]) {
		tightest->bound_ns[1] = bound_ns;
	}
}

/*
 * Points may come from sources of very different quality: an exchange with a guest that hardly runs is good to
 * milliseconds, KVM's own numbers to nanoseconds. A line through points that are much better on both sides, or through
 * two of them, is known better than such a point knows it: it is left out, so that the error is theirs. Returns how
 * many are kept, in `kept`.
 */
static size_t drop_loose(struct clock_point *kept, const struct clock_point *points, size_t count)
{
	struct tightest before = NO_POINT, *behind = calloc(count + 1, sizeof(*behind));
	size_t nr = 0;

	if (!behind) {
		memcpy(kept, points, count * sizeof(*kept));
		return count;
	}
	behind[count] = NO_POINT;
	for (size_t i = count; i--;) {
		behind[i] = behind[i + 1];
		tightest_add(&behind[i], points[i].bound_ns);
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t limit_ns = points[i].bound_ns / LOOSE;
		const struct tightest *next = &behind[i + 1];

		if ((before.bound_ns[0] >= limit_ns || next->bound_ns[0] >= limit_ns) &&
			before.bound_ns[1] >= limit_ns && next->bound_ns[1] >= limit_ns)
			kept[nr++] = points[i];
		tightest_add(&before, points[i].bound_ns);
	}
	free(behind);
	return nr;
}

int clock_map_init(struct clock_map *map, const struct clock_point *points, size_t count, uint32_t tsc_khz,
	struct error *error)
{
	struct clock_point *kept;

	*map = (struct clock_map){0};
	if (!count || count > CLOCK_POINTS_MAX)
		return error_set(error, -EINVAL, "clock: %s",
			count ? "too many points" : "never compared with the host's");
	map->epochs = calloc(count, sizeof(*map->epochs));
	kept = calloc(count, sizeof(*kept));
	if (!map->epochs || !kept) {
		free(kept);
		clock_map_deinit(map);
		return error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	}
	count = drop_loose(kept, points, count);
	map->first_tsc = kept[0].tsc;
	fit(map, kept, count);
	if (!map->count && tsc_khz)
		one_point(map, &kept[0], tsc_khz);
	free(kept);
	if (!map->count) {
		clock_map_deinit(map);
		return error_set(error, -EINVAL,
			"clock: compared with the host's only once, and its rate is not known");
	}
	return 0;
}

void clock_map_deinit(struct clock_map *map)
{
	free(map->epochs);
	*map = (struct clock_map){0};
}

const struct clock_epoch *clock_map_epoch(const struct clock_map *map, uint64_t tsc)
{
	size_t low = 0, high = map->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (map->epochs[middle].from_tsc <= tsc)
			low = middle;
		else
			high = middle;
	}
	return &map->epochs[low];
}

int64_t clock_map_to_ns(const struct clock_map *map, uint64_t tsc)
{
	return clock_epoch_ns(clock_map_epoch(map, tsc), tsc);
}

uint64_t clock_map_largest_error_ns(const struct clock_map *map)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < map->count; i++)
		if (map->epochs[i].error_ns > largest)
			largest = map->epochs[i].error_ns;
	return largest;
}

static const struct clock_epoch *epoch_at_ns(const struct clock_map *map, int64_t host_ns)
{
	size_t low = 0, high = map->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (map->epochs[middle].host_ns <= host_ns)
			low = middle;
		else
			high = middle;
	}
	return &map->epochs[low];
}

uint64_t clock_map_to_tsc(const struct clock_map *map, int64_t host_ns)
{
	const struct clock_epoch *epoch = epoch_at_ns(map, host_ns);
	/* floor((tsc - from) * mult / 2^SHIFT) <= ns - epoch.ns  <=>  (tsc - from) * mult < (ns - epoch.ns +
	 * 1) * 2^SHIFT */
	__int128 room = ((__int128)host_ns - epoch->host_ns + 1) * ((__int128)1 << CLOCK_SHIFT) - 1;
	__int128 units = room / (__int128)epoch->mult, tsc;

	if (room < 0 && room % (__int128)epoch->mult)
		units--; /* division rounds to zero */
	tsc = (__int128)epoch->from_tsc + units;
	if (tsc < 0)
		return 0;
	return tsc > INT64_MAX ? INT64_MAX : (uint64_t)tsc;
}

uint64_t clock_map_error_ns(const struct clock_map *map, uint64_t tsc)
{
	const struct clock_epoch *epoch = clock_map_epoch(map, tsc);
	uint64_t outside = 0;

	if (tsc < map->first_tsc)
		outside = map->first_tsc - tsc;
	else if (tsc > map->last_tsc)
		outside = tsc - map->last_tsc;
	return epoch->error_ns + (uint64_t)((unsigned __int128)outside * epoch->rate_error >> CLOCK_SHIFT);
}

uint64_t clock_map_duration_ns(const struct clock_map *map, uint64_t tsc, uint64_t units)
{
	return (uint64_t)((unsigned __int128)units * clock_map_epoch(map, tsc)->mult >> CLOCK_SHIFT);
}

double clock_map_hz(const struct clock_map *map)
{
	double units = (double)(map->last_tsc - map->first_tsc);
	double ns =
		(double)clock_map_to_ns(map, map->last_tsc) - (double)clock_map_to_ns(map, map->first_tsc);

	if (units > 0 && ns > 0)
		return units / ns * 1e9;
	return 1e9 * (double)(1ull << CLOCK_SHIFT) / (double)map->epochs[0].mult;
}

void clock_cursor_move(struct clock_cursor *cursor, uint64_t tsc)
{
	const struct clock_epoch *epoch = clock_map_epoch(cursor->map, tsc);
	size_t index = (size_t)(epoch - cursor->map->epochs);

	cursor->epoch = *epoch;
	cursor->from_tsc = index ? epoch->from_tsc : 0;
	cursor->last_tsc = index + 1 < cursor->map->count ? epoch[1].from_tsc - 1 : UINT64_MAX;
}
