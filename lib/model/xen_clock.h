/* SPDX-License-Identifier: MIT */
/*
 * From a Xen trace's TSC to seconds. The file does not say how fast the TSC runs; its scheduler's events tell: they carry
 * how long a vCPU ran, in ns, and the TSCs at both ends are known.
 *
 *	while (xen_clock_estimate_wants(&estimate) && xen_reader_next(…, &event, …) > 0)
 *		xen_clock_estimate_feed(&estimate, &event);
 *	hz = xen_clock_estimate_hz(&estimate);   // 0: the trace does not tell
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "lib/base/error.h"
#include "lib/model/xen_event.h"

/* What xenalyze takes where it is not told better. */
#define XEN_CLOCK_DEFAULT_HZ 2.4e9

#define XEN_CLOCK_HZ_MIN 1e6
#define XEN_CLOCK_HZ_MAX 1e12

/* --- conversion --- */

#define XEN_CLOCK_SHIFT 48

struct xen_clock {
	double hz;
	uint64_t base_tsc; /* that is 0 ns */
	uint64_t mult;     /* ns = TSC * mult >> XEN_CLOCK_SHIFT */
};

/* hz must be within the limits above. */
void xen_clock_set(struct xen_clock *clock, double hz, uint64_t base_tsc);

/* Length of a time. UINT64_MAX: longer than can be said. */
static inline uint64_t xen_clock_length_ns(const struct xen_clock *clock, uint64_t tsc)
{
	const unsigned __int128 half = 1ull << (XEN_CLOCK_SHIFT - 1);
	unsigned __int128 ns = ((unsigned __int128)tsc * clock->mult + half) >> XEN_CLOCK_SHIFT;

	return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

/* ns since the base; negative before it. */
static inline int64_t xen_clock_ns(const struct xen_clock *clock, uint64_t tsc)
{
	bool before = tsc < clock->base_tsc;
	uint64_t ns = xen_clock_length_ns(clock, before ? clock->base_tsc - tsc : tsc - clock->base_tsc);

	if (ns > INT64_MAX)
		ns = INT64_MAX;
	return before ? -(int64_t)ns : (int64_t)ns;
}

/*
 * "2596.124M", "2.4G", "2400000000": as xenalyze's --cpu-hz. -EINVAL with the text of the option's name before it, and a
 * hint.
 */
int xen_clock_parse_hz(const char *text, double *hz, struct error *error);

/* --- estimate --- */

#define XEN_CLOCK_SAMPLES 4096

struct xen_clock_estimate {
	struct xen_clock_start {
		uint64_t tsc; /* of the switch to what runs; 0: not known */
		uint64_t vcpu;
	} * starts; /* by pCPU */
	uint32_t nr_starts;
	uint32_t nr_samples;
	uint64_t events; /* fed */
	double *samples; /* Hz */
};

/* -ENOMEM. */
int xen_clock_estimate_init(struct xen_clock_estimate *estimate, struct error *error);
void xen_clock_estimate_deinit(struct xen_clock_estimate *estimate);

/* More events would still help: not enough samples yet, nor so many events that none will come. */
bool xen_clock_estimate_wants(const struct xen_clock_estimate *estimate);

/* Events in the order of the reader. */
void xen_clock_estimate_feed(struct xen_clock_estimate *estimate, const struct xen_event *event);

/* The median; 0: fewer than eight samples. */
double xen_clock_estimate_hz(struct xen_clock_estimate *estimate);
