/* SPDX-License-Identifier: MIT */
/* All events of a Xen trace into a summary. Those of which it needs only the number are not merged. */
#pragma once
#include "lib/analysis/xen_summary.h"
#include "lib/model/xen_clock.h"
#include "lib/reader/xen_reader.h"

struct xen_feed {
	struct xen_reader *reader; /* before its first event */
	struct xen_summary *summary;
	bool (*wants)(void *context, uint32_t code); /* events of that class and subclass */
	void *context;
};

/*
 * `estimate`: of the TSC's frequency, fed as long as it wants; NULL: it is known. Errors of the reader, -ENOMEM. The
 * summary is at its end afterwards.
 */
int xen_feed(const struct xen_feed *feed, struct xen_clock_estimate *estimate, struct error *error);
