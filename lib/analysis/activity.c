/* SPDX-License-Identifier: MIT */
#include "lib/analysis/activity.h"

#define LONGEST_NS (1ull << 62) /* 146 years: no sum of steps overflows */

static void double_steps(struct activity *activity)
{
	for (unsigned i = 0; i < ACTIVITY_STEPS; i++)
		activity->busy_ns[i] =
			i < ACTIVITY_STEPS / 2 ? activity->busy_ns[2 * i] + activity->busy_ns[2 * i + 1] : 0;
	activity->step_ns *= 2;
}

void activity_add(struct activity *activity, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t from, to;

	if (from_ns < activity->begin_ns)
		from_ns = activity->begin_ns;
	if (to_ns <= from_ns || to_ns - activity->begin_ns > LONGEST_NS)
		return;
	from = from_ns - activity->begin_ns;
	to = to_ns - activity->begin_ns;
	while ((to - 1) / ACTIVITY_STEPS >= activity->step_ns)
		double_steps(activity);
	while (from < to) {
		uint64_t number = from / activity->step_ns, end = (number + 1) * activity->step_ns;

		if (end > to)
			end = to;
		activity->busy_ns[number] += end - from;
		from = end;
	}
}

uint64_t activity_between(const struct activity *activity, uint64_t from_ns, uint64_t to_ns)
{
	uint64_t sum = 0, from, to;

	if (from_ns < activity->begin_ns)
		from_ns = activity->begin_ns;
	if (to_ns - activity->begin_ns > LONGEST_NS)
		to_ns = activity->begin_ns + LONGEST_NS;
	if (to_ns <= from_ns || to_ns <= activity->begin_ns)
		return 0;
	from = from_ns - activity->begin_ns;
	to = to_ns - activity->begin_ns;
	for (uint64_t number = from / activity->step_ns; number < ACTIVITY_STEPS && from < to; number++) {
		uint64_t end = (number + 1) * activity->step_ns;

		if (end > to)
			end = to;
		sum += (uint64_t)((double)activity->busy_ns[number] * (double)(end - from) /
			(double)activity->step_ns);
		from = end;
	}
	return sum;
}
