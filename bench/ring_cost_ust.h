/* SPDX-License-Identifier: MIT */
/* The LTTng-UST side of ring_cost, where it was built with liblttng-ust; else the tracepoint is never active. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#ifdef HAVE_LTTNG_UST
#include "bench/ring_cost_provider.h"

/* Inlined like ours, so that both are measured where they stand in a program. */
static inline __attribute__((always_inline)) void ring_cost_ust(
	uint32_t next_pid, uint16_t prev_state, int8_t next_prio)
{
	lttng_ust_tracepoint(hypertrace_bench, sched_switch, next_pid, prev_state, next_prio);
}

static inline bool ring_cost_ust_active(void)
{
	return lttng_ust_tracepoint_enabled(hypertrace_bench, sched_switch);
}
#else
static inline void ring_cost_ust(uint32_t next_pid, uint16_t prev_state, int8_t next_prio)
{
}

static inline bool ring_cost_ust_active(void)
{
	return false;
}
#endif
