/* SPDX-License-Identifier: MIT */
/*
 * Asks a guest what its TSC is, and reads our own clock before and after: the answer was right at some moment
 * between.
 *
 * The guest's module looks for a question about 50 times a second, and then answers a series of them as fast
 * as it can, as long as the next one follows within microseconds: so we must be waiting, busy, at the moment
 * it looks. The first exchanges learn when that is and how often; later ones ask just before, and wait for 2
 * ms in a second at most.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "host/collect/region.h"
#include "lib/clock/clock_map.h"

struct clock_exchange {
	uint64_t next_ns;     /* when the next one is due; 0: now */
	uint64_t answered_ns; /* when the module looked last; 0: never seen */
	uint64_t period_ns;   /* between two of its looks; 0: not known */
	unsigned missed;      /* exchanges in a row without an answer */
	bool had_good;        /* a poor point says nothing new */
};

/*
 * Does an exchange if one is due: takes about 2 ms then, while learning (at the start, and after misses, ever
 * more rarely) up to 30 ms. Returns true if `point` was filled: the answer that came back fastest.
 */
bool clock_exchange_poll(struct clock_exchange *exchange, struct region *region, struct clock_point *point);

/* Makes one due now, learning or not: for the last point of a recording. */
void clock_exchange_hurry(struct clock_exchange *exchange);
