/* SPDX-License-Identifier: MIT */
/* Facts: struct timekeeper (include/linux/timekeeper_internal.h), tk_core (kernel/time/timekeeping.c), 6.1 and 6.12. */
#include "host/kernel/guest_wall.h"

#include <errno.h>

#define NS_PER_S   1000000000
#define STEPS      8 /* places where the timekeeper may begin behind tk_core's sequence count */
#define STEP_BYTES 8u

/* offs_real is -wall_to_monotonic: two fields that agree are what we look for. */
static int read_at(const struct guest_kernel *kernel, uint64_t timekeeper, int64_t *offset_ns)
{
	uint64_t real, seconds, ns;
	int64_t wall;
	int code = guest_kernel_read_field(kernel, timekeeper, "timekeeper", "offs_real", &real);

	if (!code)
		code = guest_kernel_read_field(
			kernel, timekeeper, "timekeeper", "wall_to_monotonic.tv_sec", &seconds);
	if (!code)
		code = guest_kernel_read_field(
			kernel, timekeeper, "timekeeper", "wall_to_monotonic.tv_nsec", &ns);
	if (code)
		return code;
	if ((int64_t)seconds > 0 || (int64_t)seconds < -INT64_MAX / NS_PER_S / 2 || ns >= NS_PER_S)
		return -EAGAIN;
	wall = -((int64_t)seconds * NS_PER_S + (int64_t)ns);
	*offset_ns = (int64_t)real;
	return wall && wall == *offset_ns ? 0 : -EAGAIN;
}

int guest_wall_offset(const struct guest_kernel *kernel, int64_t *offset_ns)
{
	uint64_t core = guest_kernel_symbol(kernel, "tk_core");

	for (unsigned step = 1; core && step <= STEPS; step++) {
		int code = read_at(kernel, core + step * STEP_BYTES, offset_ns);

		if (code != -EAGAIN)
			return code;
	}
	return -EAGAIN;
}
