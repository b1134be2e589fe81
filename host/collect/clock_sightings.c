/* SPDX-License-Identifier: MIT */
#include "host/collect/clock_sightings.h"

#include <stdlib.h>
#include <string.h>

#define MS_NS 1000000ull
/* Of the first sighting alone: by how much it may be older than our look before. */
#define ALONE_NS (2 * MS_NS)
/* From when the guest reads its clock to when the event can be seen. */
#define VISIBLE_NS 10000
/*
 * The line's error: of many sightings the distance from it of that one of so many which is the nearest to it; of few all
 * the time between two looks.
 */
#define MANY       32
#define NEAR_SHARE 16

/* When there is a point: after so long, with so many sightings. */
static const struct {
	uint64_t after_ns;
	unsigned count;
} due[] = {
	{0, 1}, {100 * MS_NS, 16}, {500 * MS_NS, 32}, {1000 * MS_NS, 32}, /* and so on */
};
/* Of a guest that does little. */
#define PATIENCE_NS   (8000 * MS_NS)
#define PATIENCE_LEFT 4

struct place {
	double x, y; /* time, and when it was seen, both from the first on */
};

static struct place place_of(const struct clock_sightings *sightings, unsigned i)
{
	const struct clock_sighting *first = &sightings->all[0], *this = &sightings->all[i];

	return (struct place){
		(double)(this->time - first->time), (double)(int64_t)(this->after_ns - first->after_ns)};
}

/* Is b below the line from a to c? */
static bool is_below(struct place a, struct place b, struct place c)
{
	return (b.x - a.x) * (c.y - a.y) > (b.y - a.y) * (c.x - a.x);
}

/* The edge of the lower hull over the middle x: from places[*left] to places[*right]. */
static void find_edge(
	const struct place *places, unsigned count, double middle, unsigned *left, unsigned *right)
{
	unsigned hull[CLOCK_SIGHTINGS_MAX], corners = 0;

	for (unsigned i = 0; i < count; i++) {
		while (corners > 1 &&
			!is_below(places[hull[corners - 2]], places[hull[corners - 1]], places[i]))
			corners--;
		hull[corners++] = i;
	}
	for (unsigned i = 0; i < corners; i++) {
		*left = hull[i ? i - 1 : 0];
		*right = hull[i];
		if (places[hull[i]].x >= middle && i)
			break;
	}
}

static int compare(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static uint64_t narrowest(const struct clock_sightings *sightings)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < sightings->count; i++) {
		const uint64_t width = sightings->all[i].after_ns - sightings->all[i].before_ns;

		least = width < least ? width : least;
	}
	return least;
}

/* A guest's times may be any, and what comes of nonsense is nonsense; but it is a number. */
static uint64_t whole(double value)
{
	return value > -0x1p62 && value < 0x1p62 ? (uint64_t)(int64_t)value : 0;
}

static void fill(const struct clock_sightings *sightings, struct clock_point *point)
{
	const unsigned count = sightings->count;
	unsigned left = 0, right = 0;
	struct place places[CLOCK_SIGHTINGS_MAX];
	double distances[CLOCK_SIGHTINGS_MAX], middle = 0, slope = 0, host,
					       error = (double)narrowest(sightings);

	for (unsigned i = 0; i < count; i++) {
		places[i] = place_of(sightings, i);
		middle += places[i].x / count;
	}
	find_edge(places, count, middle, &left, &right);
	if (places[right].x > places[left].x)
		slope = (places[right].y - places[left].y) / (places[right].x - places[left].x);
	else
		middle = places[left].x;
	host = places[left].y + (middle - places[left].x) * slope;
	for (unsigned i = 0; i < count; i++)
		distances[i] = places[i].y - (host + (places[i].x - middle) * slope);
	qsort(distances, count, sizeof(distances[0]), compare);
	if (count >= MANY && distances[count / NEAR_SHARE + 1] < error)
		error = distances[count / NEAR_SHARE + 1];
	*point = (struct clock_point){
		.tsc = sightings->all[0].time + whole(middle),
		.host_ns = (int64_t)(sightings->all[0].after_ns + whole(host) - whole(error / 2)),
		.bound_ns = whole(error / 2) + 1 + VISIBLE_NS + (count == 1 ? ALONE_NS : 0),
	};
}

static bool is_due(const struct clock_sightings *sightings, uint64_t now_ns)
{
	const unsigned last = sizeof(due) / sizeof(due[0]) - 1,
		       i = sightings->nr_points < last ? sightings->nr_points : last;
	const uint64_t since_ns = now_ns - sightings->point_ns;

	return sightings->count == CLOCK_SIGHTINGS_MAX ||
		(since_ns >= due[i].after_ns && sightings->count >= due[i].count) ||
		(since_ns >= PATIENCE_NS && sightings->count >= PATIENCE_LEFT);
}

bool clock_sightings_add(
	struct clock_sightings *sightings, const struct clock_sighting *sighting, struct clock_point *point)
{
	if (sightings->count && sighting->time <= sightings->all[sightings->count - 1].time)
		return false;
	sightings->all[sightings->count++] = *sighting;
	if (!is_due(sightings, sighting->after_ns))
		return false;
	fill(sightings, point);
	sightings->count = 0;
	sightings->nr_points++;
	sightings->point_ns = sighting->after_ns;
	return true;
}
