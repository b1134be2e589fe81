/* SPDX-License-Identifier: MIT */
/* The clock of a Xen trace, by a look at its beginning. */
#pragma once
#include "lib/model/xen_clock.h"
#include "lib/reader/xen_reader.h"

/*
 * Fills *clock with the TSC of the first event as its base. `hz`: how fast it runs, if known; 0: it is estimated from up to
 * some million events, and *samples is from how many runs of vCPUs; if the trace does not tell, *samples is 0 and the rate
 * XEN_CLOCK_DEFAULT_HZ. The reader is rewound afterwards. Errors of xen_reader_next() and xen_reader_rewind().
 */
int xen_reader_find_clock(struct xen_reader *reader, double hz, struct xen_clock *clock, uint32_t *samples,
	struct error *error);
