/* SPDX-License-Identifier: MIT */
/* A tracepoint with the fields of abi/events.def's sched_switch. LTTng's macros read this file several times. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER hypertrace_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "bench/ring_cost_provider.h"

#if !defined(BENCH_RING_COST_PROVIDER_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define BENCH_RING_COST_PROVIDER_H

#include <lttng/tracepoint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(
	hypertrace_bench,
	sched_switch,
	LTTNG_UST_TP_ARGS(uint32_t, next_pid, uint16_t, prev_state, int8_t, next_prio),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint32_t, next_pid, next_pid)
		lttng_ust_field_integer(uint16_t, prev_state, prev_state)
		lttng_ust_field_integer(int8_t, next_prio, next_prio)
	)
)
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
