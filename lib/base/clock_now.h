/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>
#include <time.h>

/* What a clock (CLOCK_MONOTONIC, CLOCK_REALTIME, …) says, in ns. */
static inline uint64_t clock_now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}
