/* SPDX-License-Identifier: MIT */
#include "lib/analysis/stolen_time.h"

#include <errno.h>
#include <stdlib.h>

#define INTERVALS_AT_FIRST 64u

int stolen_time_init(struct stolen_time *stolen, uint32_t nr_cpus)
{
	*stolen = (struct stolen_time){.nr_cpus = nr_cpus};
	stolen->cpus = calloc(nr_cpus + (size_t)1, sizeof(*stolen->cpus));
	return stolen->cpus ? 0 : -ENOMEM;
}

void stolen_time_deinit(struct stolen_time *stolen)
{
	for (uint32_t i = 0; stolen->cpus && i < stolen->nr_cpus; i++)
		free(stolen->cpus[i].intervals);
	free(stolen->cpus);
	*stolen = (struct stolen_time){0};
}

static bool has_room(struct stolen_time *stolen, struct stolen_cpu *place)
{
	size_t room = place->room ? 2 * place->room : INTERVALS_AT_FIRST;
	struct stolen_interval *intervals;

	if (stolen->full || stolen->count == STOLEN_INTERVALS)
		return false;
	if (place->count < place->room)
		return true;
	intervals = reallocarray(place->intervals, room, sizeof(*intervals));
	if (!intervals)
		return false;
	place->intervals = intervals;
	place->room = room;
	return true;
}

void stolen_time_add(struct stolen_time *stolen, uint32_t cpu, const struct vcpu_interval *interval)
{
	struct stolen_interval *last;
	struct stolen_cpu *place;
	uint64_t before_ns = 0;

	if (cpu >= stolen->nr_cpus)
		return;
	stolen->any = true;
	if (interval->on || interval->state == VCPU_UNKNOWN)
		return;
	place = &stolen->cpus[cpu];
	last = place->count ? &place->intervals[place->count - 1] : NULL;
	if (last && interval->from_ns < last->to_ns)
		return; /* of another thread that claims to be the same vCPU */
	if (last && interval->from_ns == last->to_ns) {
		last->to_ns = interval->to_ns;
		return;
	}
	if (last)
		before_ns = last->before_ns + (last->to_ns - last->from_ns);
	if (!has_room(stolen, place)) {
		stolen->full = true;
		return;
	}
	place->intervals[place->count++] =
		(struct stolen_interval){interval->from_ns, interval->to_ns, before_ns};
	stolen->count++;
}

uint64_t stolen_time_until(struct stolen_time *stolen, uint32_t cpu, uint64_t now_ns)
{
	const struct stolen_interval *interval;
	struct stolen_cpu *place;

	if (cpu >= stolen->nr_cpus || !stolen->cpus[cpu].count)
		return 0;
	place = &stolen->cpus[cpu];
	while (place->at + 1 < place->count && place->intervals[place->at].to_ns <= now_ns)
		place->at++;
	interval = &place->intervals[place->at];
	if (now_ns <= interval->from_ns)
		return interval->before_ns;
	return interval->before_ns + (now_ns < interval->to_ns ? now_ns : interval->to_ns) -
		interval->from_ns;
}
