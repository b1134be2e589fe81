/* SPDX-License-Identifier: MIT */
/* A recorded trace, made longer by repeating it: what the guest did, again and again, each time later. */
#pragma once
#include <stdint.h>
#include "lib/base/error.h"

/*
 * Copies the trace at `from`, which has one machine, to `to`, which must not exist, and repeats its packets until there
 * are at least `events`; *made says how many. Between two repetitions stands a lost event on each CPU: what was open at the
 * end is not what the next begins with. -EINVAL: it has not one machine, or packets that are damaged.
 */
int repeated_trace_make(
	const char *from, const char *to, uint64_t events, uint64_t *made, struct error *error);
