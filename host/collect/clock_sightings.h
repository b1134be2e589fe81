/* SPDX-License-Identifier: MIT */
/*
 * A guest's clock in host time, out of what was seen of it: an event of that time was there when we looked. It was
 * older then, by anything from nothing to the time since our look before, and by more if its vCPU stood still meanwhile.
 * So only one thing is sure, that it was not younger; but of hundreds of sightings some are nearly of that moment: the
 * line below all of them that touches most (an edge of the lower convex hull) is the clock, late by little.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/base/clock_point.h"

#define CLOCK_SIGHTINGS_MAX 1024

struct clock_sighting {
	uint64_t time;                /* the guest's, in its own units */
	uint64_t before_ns, after_ns; /* host: not there then, there then */
};

struct clock_sightings {
	struct clock_sighting all[CLOCK_SIGHTINGS_MAX]; /* since the last point; by rising time */
	unsigned count, nr_points;
	uint64_t point_ns; /* when the last point came */
};

/*
 * One more; a time that is not later than the one before says nothing. True: *point is filled; about every second, at
 * the start sooner, of few sightings later.
 */
bool clock_sightings_add(
	struct clock_sightings *sightings, const struct clock_sighting *sighting, struct clock_point *point);
