/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdint.h>

/* Both clocks read at one moment: the host's CLOCK_MONOTONIC was within bound_ns of host_ns when the TSC was `tsc`. */
struct clock_point {
	uint64_t tsc;
	int64_t host_ns;
	uint64_t bound_ns;
};
